/*
 * call_record.h - what a record of a lane says about one call of the allocator, for those who count
 * along in the program (counting.h, census.h).
 *
 * Words are read one by one and once: those of another thread's chunk may be written over
 * meanwhile, and who reads them finds out afterwards. Mappings and the recorder's own calls are no
 * calls here.
 */
#ifndef ALLOCAUDIT_CALL_RECORD_H
#define ALLOCAUDIT_CALL_RECORD_H

#include <stddef.h>
#include <stdint.h>

#include "../schema/event.h"

enum call_kind {
    CALL_NONE,
    CALL_ALLOC,
    CALL_FREE,
    CALL_PAUSED_FREE, /* while the thread had paused: its block is gone, the call does not count */
    CALL_LOST,        /* records are missing before this one */
    CALL_RENUMBERED,  /* stacks have new numbers from here on */
};

struct call_record {
    enum call_kind kind;
    uint32_t stack_id; /* of CALL_ALLOC: the lane's own number */
    uint64_t address;
    uint64_t size_bytes;
};

/* What is read after it is no older: so the reader finds out. */
static inline uint64_t call_record_word(const uint64_t *word)
{
    return __atomic_load_n(word, __ATOMIC_ACQUIRE);
}

static inline bool call_record_is_call(unsigned kind)
{
    return !event_alloc_is_range(kind) && kind != ALLOC_KIND_INTERNAL;
}

static inline bool call_record_is_free(unsigned kind)
{
    return kind != FREE_KIND_MUNMAP && kind != FREE_KIND_MREMAP && kind != FREE_KIND_BRK;
}

/* Reads the record at `words`, which lie before `end`. Returns where the next one is, or `end`. */
static inline const uint64_t *call_record_read(const uint64_t *words, const uint64_t *end,
                                               struct call_record *out_record)
{
    const uint64_t address_mask = (UINT64_C(1) << EVENT_ADDRESS_BITS) - 1;
    uint64_t head = call_record_word(words);
    unsigned tag = event_tag(head);
    size_t word_count = (size_t)(end - words);
    *out_record = (struct call_record){.kind = CALL_NONE};
    if (tag - EVENT_ALLOC < ALLOC_KIND_COUNT && word_count >= 3) {
        uint64_t last = call_record_word(words + 2);
        out_record->kind = call_record_is_call(tag - EVENT_ALLOC) ? CALL_ALLOC : CALL_NONE;
        out_record->address = call_record_word(words + 1) & address_mask;
        out_record->size_bytes = last & UINT32_MAX;
        out_record->stack_id = (uint32_t)(last >> 32);
        return words + 3;
    }
    if (tag - EVENT_FREE < FREE_KIND_COUNT && word_count >= 2) {
        out_record->kind = call_record_is_free(tag - EVENT_FREE) ? CALL_FREE : CALL_NONE;
        out_record->address = call_record_word(words + 1) & address_mask;
        return words + 2;
    }
    if (tag - EVENT_ALLOC_WIDE < ALLOC_KIND_COUNT && word_count >= 5) {
        out_record->kind = call_record_is_call(tag - EVENT_ALLOC_WIDE) ? CALL_ALLOC : CALL_NONE;
        out_record->address = call_record_word(words + 1);
        out_record->size_bytes = call_record_word(words + 2);
        out_record->stack_id = (uint32_t)(call_record_word(words + 4) >> 32);
        return words + 5;
    }
    if (tag - EVENT_PAUSED_FREE < FREE_KIND_COUNT && word_count >= 2) {
        out_record->kind = CALL_PAUSED_FREE;
        out_record->address = call_record_word(words + 1) & address_mask;
        return words + 2;
    }
    if (tag == EVENT_LOST) {
        out_record->kind = CALL_LOST;
    } else if (tag == EVENT_STACK && word_count >= 2 &&
               (uint32_t)call_record_word(words + 1) == 1) {
        out_record->kind = CALL_RENUMBERED;
    }
    size_t bytes = event_bytes(words, word_count * sizeof(*words));
    return bytes != 0 ? words + bytes / sizeof(*words) : end;
}

#endif
