/*
 * made_by.h - remembers of each block that operator new has made that it has, and the low bits of
 * its size, so that a free which does not fit it is known before it happens.
 *
 * A byte for every 32 bytes of heap, in pieces that are made when operator new first reaches their
 * region; programs without operator new have none. No two blocks of glibc share a byte. What a byte
 * says is a suspicion: where allocators lay blocks closer, or free them past the hooks, it may be
 * wrong, and the collector knows better. Any thread, also across fork.
 */
#ifndef ALLOCAUDIT_MADE_BY_H
#define ALLOCAUDIT_MADE_BY_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../schema/event.h"
#include "suspect.h"

enum {
    MADE_ADDRESS_BITS = 47,
    MADE_REGION_BITS = 26, /* of addresses that one piece is for */
    MADE_GRANULE_BITS = 5,
    MADE_SIZE_BITS = 6,
    MADE_NOT_BY_NEW = 0,
    MADE_BY_NEW = 1, /* | the low bits of the size << 2 */
    MADE_BY_NEW_ARRAY = 2,
    MADE_UNKNOWN = 3,
    MADE_KIND_MASK = 3,
};

typedef _Atomic(uint8_t *) made_region;

/* By address >> MADE_REGION_BITS; NULL: operator new was never called. */
extern __attribute__((visibility("hidden"))) _Atomic(made_region *) made_regions;

/* There was no memory for some: what is not remembered may be operator new's. */
extern __attribute__((visibility("hidden"))) _Atomic bool made_is_incomplete;

/* The byte of a block whose region may have none yet. NULL: no memory for it. */
uint8_t *made_slot_slowly(uintptr_t address);

/* True once operator new was called. */
static inline bool made_is_on(void)
{
    return atomic_load_explicit(&made_regions, memory_order_relaxed) != NULL;
}

static inline uint8_t *made_slot(const void *block)
{
    made_region *regions = atomic_load_explicit(&made_regions, memory_order_acquire);
    uintptr_t address = (uintptr_t)block & (((uintptr_t)1 << MADE_ADDRESS_BITS) - 1);
    if (__builtin_expect(regions == NULL, 0)) {
        return NULL;
    }
    uint8_t *region =
        atomic_load_explicit(&regions[address >> MADE_REGION_BITS], memory_order_acquire);
    uintptr_t within = address & (((uintptr_t)1 << MADE_REGION_BITS) - 1);
    return region != NULL ? region + (within >> MADE_GRANULE_BITS) : NULL;
}

/* Operator new has made the block. kind: ALLOC_KIND_NEW or _NEW_ARRAY. */
static inline void made_note(const void *block, enum alloc_kind kind, size_t size_bytes)
{
    uint8_t *slot = made_slot(block);
    if (__builtin_expect(slot == NULL, 0)) {
        slot = block != NULL ? made_slot_slowly((uintptr_t)block) : NULL;
    }
    if (slot != NULL) {
        *slot = (uint8_t)(size_bytes << (8 - MADE_SIZE_BITS) |
                          (kind == ALLOC_KIND_NEW ? MADE_BY_NEW : MADE_BY_NEW_ARRAY));
    }
}

/* What is remembered of a block that is about to be freed, for the last time. */
static inline uint8_t made_take(const void *block)
{
    uint8_t *slot = made_slot(block);
    if (slot == NULL) {
        return atomic_load_explicit(&made_is_incomplete, memory_order_relaxed) ? MADE_UNKNOWN
                                                                               : MADE_NOT_BY_NEW;
    }
    uint8_t made = *slot;
    if (made != MADE_NOT_BY_NEW) {
        *slot = MADE_NOT_BY_NEW;
    }
    return made;
}

/* True if glibc's chunk is none for so many bytes: a header of 8, steps of 16, 32 at least, and
 * perhaps a rest of 16 that was too small for itself. Before other blocks nothing may be read. */
static inline bool made_in_another_size(const void *block, size_t size_bytes)
{
    if (suspect_marks.free_secret == SUSPECT_NOTHING) {
        return false;
    }
    size_t chunk = ((const uint64_t *)block)[-1] & ~UINT64_C(7);
    return chunk - size_bytes - 8 > 31;
}

/* Does the call not fit what made_take() has given? given_word: event_given_word(), or 0. */
static inline bool made_is_misfit(uint8_t made, const void *block, enum free_kind kind,
                                  uint64_t given_word)
{
    unsigned wanted = kind == FREE_KIND_DELETE         ? MADE_BY_NEW
                      : kind == FREE_KIND_DELETE_ARRAY ? MADE_BY_NEW_ARRAY
                                                       : MADE_NOT_BY_NEW;
    if (__builtin_expect((made & MADE_KIND_MASK) != wanted, 0)) {
        return made != MADE_UNKNOWN;
    }
    size_t given_bytes = (size_t)(given_word >> EVENT_ADDRESS_BITS) - 1;
    bool is_other = wanted != MADE_NOT_BY_NEW &&
                    (given_bytes & ((1u << MADE_SIZE_BITS) - 1)) != made >> (8 - MADE_SIZE_BITS);
    return __builtin_expect(given_word != 0, 0) &&
           (is_other || made_in_another_size(block, given_bytes));
}

#endif
