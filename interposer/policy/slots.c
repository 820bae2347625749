#include "slots.h"

struct slots no_slots;

void slots_init(struct slots *slots, uint32_t slot_bytes, uint32_t slot_count, uint32_t size_class)
{
    unsigned word_count = slots_word_count(slot_count);
    slots->size_class = size_class;
    slots->slot_bytes = slot_bytes;
    slots->slot_count = slot_count;
    slots->reciprocal = (UINT64_C(1) << SLOTS_SHIFT) / slot_bytes + 1;
    slots->all_words = word_count == 64 ? UINT64_MAX : (UINT64_C(1) << word_count) - 1;
    slots->summary = slots->all_words;
    slots->empty = slots->all_words;
    for (unsigned word = 0; word <= word_count; word++) {
        slots->free[word] = UINT64_MAX;
    }
}

bool slots_leave(struct slots *slots, uint32_t slot)
{
    uint64_t bit = UINT64_C(1) << slot % 64;
    uint64_t was =
        atomic_fetch_or_explicit(&slots_left(slots)[slot / 64], bit, memory_order_release);
    atomic_fetch_or_explicit(&slots->left_summary, UINT64_C(1) << slot / 64, memory_order_release);
    return (was & bit) == 0;
}

/* The slots whose bits are set become free. */
static void slots_free_bits(struct slots *slots, unsigned word, uint64_t bits)
{
    slots->free[word] |= bits;
    if ((slots->free[word] & slots_of_word(slots, word)) != 0) {
        slots->summary |= UINT64_C(1) << word;
    }
    if (slots->free[word] == UINT64_MAX) {
        slots->empty |= UINT64_C(1) << word;
    }
}

bool slots_settle(struct slots *slots, uint32_t slot)
{
    bool was_full = slots->summary == 0;
    slots_free_bits(slots, slot / 64, 0);
    return was_full;
}

uint32_t slots_collect(struct slots *slots)
{
    uint32_t count = 0;
    uint64_t words = atomic_load_explicit(&slots->left_summary, memory_order_relaxed);
    if (words != 0) {
        words = atomic_exchange_explicit(&slots->left_summary, 0, memory_order_acquire);
    }
    for (; words != 0; words &= words - 1) {
        unsigned word = (unsigned)__builtin_ctzll(words);
        uint64_t bits = atomic_exchange_explicit(&slots_left(slots)[word], 0, memory_order_acquire);
        count += (uint32_t)__builtin_popcountll(bits & ~slots->free[word]);
        slots_free_bits(slots, word, bits);
    }
    return count;
}

size_t slots_usable(const struct policy_chunk *chunk, uintptr_t block)
{
    const struct slots *slots = (const struct slots *)chunk;
    uint32_t slot;
    bool is_slot = slots_find(slots, block, &slot) && slot < slots->slot_count;
    return is_slot ? slots->slot_bytes : 0;
}

uint32_t slots_used_count(struct slots *slots)
{
    uint32_t count = slots->slot_count - (uint32_t)__builtin_popcountll(slots->held);
    for (unsigned word = 0; word < slots_word_count(slots->slot_count); word++) {
        uint64_t free = slots->free[word] | atomic_load(&slots_left(slots)[word]);
        count -= (uint32_t)__builtin_popcountll(free & slots_of_word(slots, word));
    }
    return count;
}

void slot_cursor_init(struct slot_cursor *cursor)
{
    *cursor = (struct slot_cursor){.active = &no_slots};
}

bool slot_cursor_next(struct slot_cursor *cursor)
{
    struct slots *slots = cursor->active;
    if (slots->summary == 0) {
        return false;
    }
    unsigned word = (unsigned)__builtin_ctzll(slots->summary);
    uint64_t bits = slots_of_word(slots, word);
    slots->held_word = word;
    slots->held = slots->free[word] & bits;
    slots->held_base = slots->chunk.base + (uintptr_t)word * 64 * slots->slot_bytes;
    slots->free[word] &= ~bits;
    slots->summary &= ~(UINT64_C(1) << word);
    cursor->loaded_count += (uint64_t)__builtin_popcountll(slots->held);
    return true;
}

/* The chunk gets back what was not taken, and its `empty` is right again. */
static void slot_cursor_leave(struct slot_cursor *cursor)
{
    struct slots *slots = cursor->active;
    cursor->loaded_count = slot_cursor_count(cursor);
    slots->is_active = false;
    slots->empty = 0;
    slots_free_bits(slots, slots->held_word, slots->held);
    slots->held = 0;
    for (uint64_t words = slots->summary; words != 0; words &= words - 1) {
        slots_free_bits(slots, (unsigned)__builtin_ctzll(words), 0);
    }
}

void slot_cursor_move(struct slot_cursor *cursor, struct slots *slots)
{
    if (cursor->active != &no_slots) {
        slot_cursor_leave(cursor);
    }
    cursor->active = slots != NULL ? slots : &no_slots;
    if (slots != NULL) {
        slots->is_active = true;
    }
}

/* While a chunk is active, its heap has one word, and `empty` means nothing. */
static const char *slots_check(const struct slots *slots)
{
    for (unsigned word = 0; word < slots_word_count(slots->slot_count); word++) {
        uint64_t bits = slots->free[word];
        uint64_t all = slots_of_word(slots, word);
        bool is_summed = (slots->summary >> word & 1) != 0;
        bool is_empty = (slots->empty >> word & 1) != 0;
        if ((bits | all) != UINT64_MAX) {
            return "a slot behind the last counts as used";
        }
        if (((bits & all) == 0) == is_summed) {
            return "a summary of free slots is wrong";
        }
        if (!slots->is_active && (bits == UINT64_MAX) != is_empty) {
            return "a summary of empty words is wrong";
        }
        if (slots->held_word == word && (slots->held & bits) != 0) {
            return "a slot is free twice";
        }
    }
    return slots->held == 0 || slots->is_active ? NULL : "slots are held by nobody";
}

uint64_t slots_used_count_all(const struct policy *policy)
{
    uint64_t count = 0;
    uint32_t page = 0;
    struct policy_chunk *chunk;
    while ((chunk = backing_next_chunk(policy->backing, &page)) != NULL) {
        if (chunk->policy == policy) {
            count += slots_used_count((struct slots *)chunk);
        }
    }
    return count;
}

const char *slots_check_all(const struct policy *policy)
{
    uint32_t page = 0;
    struct policy_chunk *chunk;
    while ((chunk = backing_next_chunk(policy->backing, &page)) != NULL) {
        const struct slots *slots = (const struct slots *)chunk;
        const char *wrong = chunk->policy == policy ? slots_check(slots) : NULL;
        bool is_listed = chunk->next != NULL;
        if (wrong != NULL) {
            return wrong;
        }
        if (chunk->policy == policy && !slots->is_active && (slots->summary != 0) != is_listed) {
            return "a chunk is not in the list in which it belongs";
        }
    }
    return NULL;
}
