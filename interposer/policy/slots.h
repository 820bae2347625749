/*
 * slots.h - a chunk cut into slots of equal size, and which of them are free: for slab.
 *
 *   chunk    | slot 0 | slot 1 | slot 2 | ...                | rest, too small |
 *   free     word 0: 1 0 1 1 ...  word 1: ...    a bit set is a free slot
 *   summary  bit w: word w has a free slot       empty  bit w: all slots of word w are free
 *   left     the same bits again, for those that others gave back
 *
 * A heap takes a whole word at a time into its cursor, the one with the lowest address, and blocks
 * from there: what lives stays close together, and a take and a give do not wait for each other's
 * result, as they would on one list.
 */
#ifndef ALLOCAUDIT_POLICY_SLOTS_H
#define ALLOCAUDIT_POLICY_SLOTS_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "policy.h"

enum {
    SLOTS_MAX = 4096, /* a summary has one bit for each of 64 words */
    SLOTS_SHIFT = 40,
};

struct slots {
    struct policy_chunk chunk;
    uint64_t reciprocal; /* 2^40 / slot_bytes, rounded up */
    uint64_t held;       /* while it is active: slots that its heap takes next; in `free` no more */
    uintptr_t held_base; /* the block of the lowest bit of `held` */
    uint32_t held_word;
    uint32_t slot_bytes;
    uint64_t summary;
    uint64_t empty;     /* of no meaning while it is active */
    uint64_t all_words; /* what `empty` is when no slot is used */
    uint32_t slot_count;
    uint32_t size_class;
    uint32_t used_count; /* slab: while it is not active */
    bool is_active;      /* a heap takes from it */
    _Atomic uint64_t left_summary;
    /*
     * As many words as slots need, and one more. Bits behind the last slot are always set, so that
     * what lies there counts as free already.
     */
    uint64_t free[SLOTS_MAX / 64 + 1];
    /* _Atomic uint64_t left[word_count] follows at slots_left() */
};

/* Where a heap takes its blocks of a size from. */
struct slot_cursor {
    struct slots *active;  /* never NULL: no_slots if there is none */
    uint64_t loaded_count; /* blocks that ever came into `held` */
};

/* Has nothing. */
extern struct slots no_slots;

static inline unsigned slots_word_count(uint32_t slot_count)
{
    return (slot_count + 63) / 64;
}

static inline size_t slots_note_bytes(uint32_t slot_count)
{
    return offsetof(struct slots, free) + (2 * slots_word_count(slot_count) + 1) * sizeof(uint64_t);
}

static inline _Atomic uint64_t *slots_left(struct slots *slots)
{
    return (_Atomic uint64_t *)(slots->free + slots_word_count(slots->slot_count) + 1);
}

/* How many slots fit, SLOTS_MAX at most. */
static inline uint32_t slots_fitting(size_t chunk_bytes, uint32_t slot_bytes)
{
    size_t count = chunk_bytes / slot_bytes;
    return count < SLOTS_MAX ? (uint32_t)count : SLOTS_MAX;
}

/* The bits of a word that stand for slots. */
static inline uint64_t slots_of_word(const struct slots *slots, unsigned word)
{
    uint32_t rest = slots->slot_count - word * 64;
    return rest >= 64 ? UINT64_MAX : (UINT64_C(1) << rest) - 1;
}

static inline bool slots_is_empty(const struct slots *slots)
{
    return slots->empty == slots->all_words;
}

/*
 * True: *out_slot is the slot that begins at this address, or one behind the last. False: none
 * does. What the product has below the binary point is less than the reciprocal for whole slots
 * only.
 */
static inline bool slots_find(const struct slots *slots, uintptr_t block, uint32_t *out_slot)
{
    uint64_t product = (block - slots->chunk.base) * slots->reciprocal;
    *out_slot = (uint32_t)(product >> SLOTS_SHIFT);
    return (product & ((UINT64_C(1) << SLOTS_SHIFT) - 1)) < slots->reciprocal;
}

/* For the owner of the chunk: whether the slot is free. */
static inline bool slots_is_free(const struct slots *slots, uint32_t slot)
{
    uint64_t held = slots->held_word == slot / 64 ? slots->held : 0;
    return ((slots->free[slot / 64] | held) >> slot % 64 & 1) != 0;
}

/* Makes the slots of a fresh chunk, all free. */
void slots_init(struct slots *slots, uint32_t slot_bytes, uint32_t slot_count, uint32_t size_class);

/*
 * Frees a used slot. True: slots_settle() is to be called, since the word had no free slot before,
 * or has no used one now.
 */
static inline bool slots_give(struct slots *slots, uint32_t slot)
{
    unsigned word = slot / 64;
    uint64_t bits = slots->free[word] | UINT64_C(1) << slot % 64;
    slots->free[word] = bits;
    return (bits == UINT64_MAX) | !(slots->summary >> word & 1);
}

/* Brings the summaries of the slot's word up to date. True: the chunk had no free slot before. */
bool slots_settle(struct slots *slots, uint32_t slot);

/* Notes that the slot is free, from any thread. False: it was noted already. */
bool slots_leave(struct slots *slots, uint32_t slot);

/* As policy_operations.leave: notes the block's slot, and queues the chunk for whoever owns it. */
bool slots_note(struct policy_chunk *chunk, uintptr_t block);

/* Frees what was noted. Returns how many slots that were. */
uint32_t slots_collect(struct slots *slots);

/* Slots that are neither free nor noted as free. No thread may be inside. */
uint32_t slots_used_count(struct slots *slots);

void slot_cursor_init(struct slot_cursor *cursor);

/* Loads the active chunk's next word with free slots; `held` is 0. False: it has none. */
bool slot_cursor_next(struct slot_cursor *cursor);

/* Makes another chunk the active one, or none if `slots` is NULL. */
void slot_cursor_move(struct slot_cursor *cursor, struct slots *slots);

/* `held` of the active chunk is not 0. */
static inline uintptr_t slot_cursor_take(struct slot_cursor *cursor, size_t size_bytes)
{
    struct slots *slots = cursor->active;
    uint64_t bits = slots->held;
    slots->held = bits & (bits - 1);
    uintptr_t block =
        slots->held_base + (uintptr_t)(unsigned)__builtin_ctzll(bits) * slots->slot_bytes;
    CHUNK_UNPOISON(block, size_bytes);
    (void)size_bytes;
    return block;
}

/* Blocks that were taken by way of the cursor. */
static inline uint64_t slot_cursor_count(const struct slot_cursor *cursor)
{
    return cursor->loaded_count - (uint64_t)__builtin_popcountll(cursor->active->held);
}

/* As policy_operations.usable. */
size_t slots_usable(const struct policy_chunk *chunk, uintptr_t block);

/* Blocks of the policy that are used, in all its chunks. No thread may be inside. */
uint64_t slots_used_count_all(const struct policy *policy);

/* What is wrong with the chunks of a policy that has slots, as a constant text, or NULL. */
const char *slots_check_all(const struct policy *policy);

#endif
