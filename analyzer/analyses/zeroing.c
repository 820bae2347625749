#include "zeroing.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>

#include "../base/map.h"
#include "../base/vec.h"

enum {
    PAGE_BITS = 12,
    GROUP_PAGES = 32,           /* whose bits are a value of the map */
    MAPPED_LEAST_BYTES = 65536, /* glibc maps no smaller ones, whatever its threshold */
    MAPPED_HEADER_BYTES = 16,
};

struct zeroing_state {
    struct zeroing zeroing;
    size_t site_capacity;
    struct map site_places; /* stack -> index */
    struct map used_pages;  /* group of pages -> those that a block has had a byte in */
};

static int create(const struct trace *trace, uint32_t process_id, void **out_state, struct err *err)
{
    (void)trace;
    (void)process_id;
    *out_state = calloc(1, sizeof(struct zeroing_state));
    return *out_state != NULL ? 0 : err_set_errno(err, ENOMEM, "cannot tell what is cleared");
}

/* Marks the pages from first to last; *out_fresh: how many of them were not marked. */
static int use_pages(struct map *used_pages, uint64_t first, uint64_t last, uint64_t *out_fresh)
{
    *out_fresh = 0;
    for (uint64_t group = first / GROUP_PAGES; group <= last / GROUP_PAGES; group++) {
        uint64_t from = group * GROUP_PAGES < first ? first % GROUP_PAGES : 0;
        uint64_t to = group == last / GROUP_PAGES ? last % GROUP_PAGES : GROUP_PAGES - 1;
        uint32_t mask = (uint32_t)(((UINT64_C(2) << to) - 1) & ~((UINT64_C(1) << from) - 1));
        uint32_t used = 0;
        (void)map_get(used_pages, group, &used);
        *out_fresh += (uint64_t)__builtin_popcount(mask & ~used);
        if ((mask & ~used) != 0) {
            int result = map_put(used_pages, group, used | mask);
            if (result < 0) {
                return result;
            }
        }
    }
    return 0;
}

/* A block that glibc has mapped for itself: two words before it begins its pages. */
static bool is_mapped(const struct block_facts *block)
{
    uint64_t page_mask = (UINT64_C(1) << PAGE_BITS) - 1;
    return block->size_bytes >= MAPPED_LEAST_BYTES &&
           (block->address & page_mask) == MAPPED_HEADER_BYTES &&
           ((block->usable_bytes + MAPPED_HEADER_BYTES) & page_mask) == 0;
}

/* *out_bytes: how many bytes of the block lie in fresh pages. */
static int use_block(struct zeroing_state *state, const struct block_facts *block,
                     uint64_t *out_bytes)
{
    *out_bytes = block->size_bytes;
    if (block->size_bytes == 0 || is_mapped(block)) {
        return 0;
    }
    uint64_t first = block->address >> PAGE_BITS;
    uint64_t last = (block->address + block->size_bytes - 1) >> PAGE_BITS;
    uint64_t fresh = 0;
    int result = use_pages(&state->used_pages, first, last, &fresh);
    uint64_t fresh_bytes = fresh << PAGE_BITS;
    *out_bytes = fresh_bytes < block->size_bytes ? fresh_bytes : block->size_bytes;
    return result;
}

static int count_calloc(struct zeroing_state *state, const struct block_facts *block,
                        uint64_t fresh_bytes)
{
    struct zeroing *zeroing = &state->zeroing;
    uint32_t place;
    if (!map_get(&state->site_places, block->stack_id, &place)) {
        int result = vec_reserve((void **)&zeroing->sites, &state->site_capacity,
                                 zeroing->site_count + 1, sizeof(*zeroing->sites));
        place = (uint32_t)zeroing->site_count;
        result = result == 0 ? map_put(&state->site_places, block->stack_id, place) : result;
        if (result < 0) {
            return result;
        }
        zeroing->sites[zeroing->site_count++] = (struct zeroing_site){.stack_id = block->stack_id};
    }
    struct zeroing_site *site = &zeroing->sites[place];
    site->calloc_count++;
    site->calloc_bytes += block->size_bytes;
    site->fresh_bytes += fresh_bytes;
    zeroing->calloc_count++;
    zeroing->calloc_bytes += block->size_bytes;
    zeroing->fresh_bytes += fresh_bytes;
    return 0;
}

static int observe(void *context, const struct operation *operation, struct err *err)
{
    struct zeroing_state *state = context;
    uint64_t fresh_bytes;
    if (operation->kind == OPERATION_FREE) {
        return 0;
    }
    state->zeroing.allocation_count++;
    state->zeroing.allocated_bytes += operation->made.size_bytes;
    int result = use_block(state, &operation->made, &fresh_bytes);
    if (result == 0 && operation->is_zeroed) {
        result = count_calloc(state, &operation->made, fresh_bytes);
    }
    return result == 0 ? 0 : err_set_errno(err, -result, "cannot tell what is cleared");
}

static int compare_sites(const void *left, const void *right)
{
    const struct zeroing_site *a = left;
    const struct zeroing_site *b = right;
    uint64_t a_bytes = a->calloc_bytes - a->fresh_bytes;
    uint64_t b_bytes = b->calloc_bytes - b->fresh_bytes;
    if (a_bytes != b_bytes) {
        return a_bytes > b_bytes ? -1 : 1;
    }
    return (a->stack_id > b->stack_id) - (a->stack_id < b->stack_id);
}

static int finish(void *context, struct err *err)
{
    struct zeroing *zeroing = &((struct zeroing_state *)context)->zeroing;
    (void)err;
    if (zeroing->site_count > 0) {
        qsort(zeroing->sites, zeroing->site_count, sizeof(*zeroing->sites), compare_sites);
    }
    return 0;
}

static void destroy(void *context)
{
    struct zeroing_state *state = context;
    if (state != NULL) {
        free(state->zeroing.sites);
        map_fini(&state->site_places);
        map_fini(&state->used_pages);
        free(state);
    }
}

const struct analysis zeroing_analysis = {create, observe, finish, destroy};

const struct zeroing *zeroing_of(const void *state)
{
    return &((const struct zeroing_state *)state)->zeroing;
}
