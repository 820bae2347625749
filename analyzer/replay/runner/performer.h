/*
 * performer.h - one thread of the replay and what it calls. For perform_*.c only.
 */
#ifndef ALLOCAUDIT_PERFORMER_H
#define ALLOCAUDIT_PERFORMER_H

#include "heap_call.h"
#include "perform.h"
#include "stopwatch.h"
#include "thread_arena.h"

enum {
    PERFORMER_PAGE_BYTES = 4096,
};

struct performer {
    struct stage_slot *slots;
    struct thread_arena *arena;  /* of the thread; NULL: the script has none */
    struct histogram *latencies; /* NULL: calls are not timed */
    uint64_t overhead_ticks;     /* of timing an empty call */
    uint32_t *least;             /* as in struct perform_settings */
    uint64_t least_count;
    uint64_t call_count;
    uint64_t failed_count;
    uint64_t missed_count;
    uint32_t touch_share; /* as in struct perform_settings */
};

/* What timing an empty call says: the least of many. */
uint64_t performer_overhead(void);

/* The bytes at the start of a block that count as used. */
static inline size_t performer_used(const struct performer *performer, size_t size_bytes)
{
    return (size_t)((__uint128_t)size_bytes * performer->touch_share / PERFORM_TOUCH_WHOLE);
}

/* Writes to each page of block[from..size). */
static inline void performer_touch(void *block, size_t from_bytes, size_t size_bytes)
{
    volatile char *bytes = block;
    size_t at = from_bytes;
    if (block == NULL || from_bytes >= size_bytes) {
        return;
    }
    while (at < size_bytes) {
        bytes[at] = 1;
        at += PERFORMER_PAGE_BYTES;
    }
    bytes[size_bytes - 1] = 1;
}

static inline void performer_note(struct performer *performer, enum perform_call call,
                                  uint64_t started)
{
    uint64_t ticks = stopwatch_ticks() - started;
    ticks = ticks > performer->overhead_ticks ? ticks - performer->overhead_ticks : 0;
    histogram_add(&performer->latencies[call], ticks);
    if (performer->call_count < performer->least_count) {
        uint32_t *least = &performer->least[performer->call_count];
        uint32_t now = ticks >= UINT32_MAX ? UINT32_MAX : (uint32_t)ticks + 1;
        *least = *least == 0 || now < *least ? now : *least;
    }
}

static inline enum perform_call performer_call_of(enum script_code code)
{
    return (enum perform_call)(code - SCRIPT_MALLOC);
}

/* No call, but all else that a realloc is to the replay. */
static inline void performer_keep(const struct performer *performer, const struct stage_slot *slot,
                                  uint64_t used_bytes)
{
    size_t touched_bytes = performer_used(performer, used_bytes);
    if (touched_bytes > 0 && touched_bytes <= slot->size_bytes) {
        performer_touch(slot->block, touched_bytes - 1, touched_bytes);
    }
}

/* Carries out one call. */
static inline __attribute__((always_inline)) void
performer_do(struct performer *performer, const struct script_record *record, bool is_timed)
{
    struct stage_slot *slot = &performer->slots[record->slot];
    void *old = slot->block;
    size_t touched_bytes = 0;
    if (record->code == SCRIPT_KEEP) {
        performer_keep(performer, slot, record->value);
        return;
    }
    if (record->code == SCRIPT_REALLOC) {
        touched_bytes = performer_used(performer, slot->size_bytes);
    }
    uint64_t started = is_timed ? stopwatch_ticks() : 0;
    void *block = record->arenas == 0
                      ? heap_call(record, old)
                      : thread_arena_call(performer->arena, record, old, slot->size_bytes);
    if (is_timed) {
        performer_note(performer, performer_call_of((enum script_code)record->code), started);
    }
    performer->call_count++;
    slot->block = block;
    slot->size_bytes = record->value;
    performer->missed_count += old == NULL && record->code >= SCRIPT_REALLOC;
    if (record->code != SCRIPT_FREE) {
        performer->failed_count += block == NULL && record->value > 0;
        if (performer->touch_share != 0) {
            performer_touch(block, touched_bytes, performer_used(performer, record->value));
        }
    }
}

#endif
