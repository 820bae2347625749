#include "made_by.h"

#include <sys/mman.h>

#include "sys.h"

#include "banned.h"

_Atomic(made_region *) made_regions;
_Atomic bool made_is_incomplete;

static void *made_map(size_t bytes)
{
    return sys_mmap(bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1);
}

uint8_t *made_slot_slowly(uintptr_t address)
{
    enum {
        REGIONS_BYTES = sizeof(made_region) << (MADE_ADDRESS_BITS - MADE_REGION_BITS),
        REGION_BYTES = 1 << (MADE_REGION_BITS - MADE_GRANULE_BITS),
    };
    if (address >> MADE_ADDRESS_BITS != 0 || atomic_load(&made_is_incomplete)) {
        return NULL;
    }
    made_region *regions = atomic_load(&made_regions);
    if (regions == NULL) {
        made_region *fresh = made_map(REGIONS_BYTES);
        if (fresh != NULL && !atomic_compare_exchange_strong(&made_regions, &regions, fresh)) {
            sys_munmap(fresh, REGIONS_BYTES);
        }
        regions = atomic_load(&made_regions);
    }
    uint8_t *region = NULL;
    if (regions != NULL && atomic_load(&regions[address >> MADE_REGION_BITS]) == NULL) {
        uint8_t *fresh = made_map(REGION_BYTES);
        if (fresh != NULL && !atomic_compare_exchange_strong(&regions[address >> MADE_REGION_BITS],
                                                             &region, fresh)) {
            sys_munmap(fresh, REGION_BYTES);
        }
    }
    uint8_t *slot = made_slot((const void *)address);
    if (slot == NULL) {
        atomic_store(&made_is_incomplete, true);
    }
    return slot;
}
