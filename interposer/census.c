#include "census.h"

#include <sys/mman.h>

#include "call_record.h"
#include "process.h"
#include "sys.h"

#include "banned.h"

enum {
    VIEWS_FIRST = 64,
    LOOKS_MAX = 100000, /* at a thread that is found between two chunks, or moves on each time */
};

static void census_add(struct counted_sums *sums, const uint64_t *words, const uint64_t *end,
                       bool *is_broken)
{
    while (words < end) {
        struct call_record record;
        words = call_record_read(words, end, &record);
        sums->allocation_count += record.kind == CALL_ALLOC;
        sums->allocated_bytes += record.kind == CALL_ALLOC ? record.size_bytes : 0;
        sums->free_count += record.kind == CALL_FREE;
        *is_broken = *is_broken || record.kind == CALL_LOST;
    }
}

static void census_add_sums(struct counted_sums *sums, const struct counted_sums *more)
{
    sums->allocation_count += more->allocation_count;
    sums->free_count += more->free_count;
    sums->allocated_bytes += more->allocated_bytes;
}

static void census_load_done(struct census_part *part, struct counted_sums *out_sums)
{
    *out_sums = (struct counted_sums){
        .allocation_count = atomic_load_explicit(&part->done_counts[0], memory_order_acquire),
        .free_count = atomic_load_explicit(&part->done_counts[1], memory_order_acquire),
        .allocated_bytes = atomic_load_explicit(&part->done_counts[2], memory_order_acquire),
    };
}

/* ---- the thread that is counted ----------------------------------------------------------------
 */

void census_enter(struct census_part *part, struct chunk *chunk)
{
    if (!part->is_known) {
        part->is_known = true;
        part->number = atomic_fetch_add(&process->part_count, 1);
        struct census_part *head = atomic_load(&process->parts);
        do {
            part->next = head;
        } while (!atomic_compare_exchange_weak(&process->parts, &head, part));
    }
    atomic_fetch_add(&part->turn, 1);
    census_end_move(part, chunk);
}

void census_begin_move(struct census_part *part, const uint64_t *written, size_t word_count)
{
    atomic_fetch_add(&part->turn, 1);
    if (!atomic_load(&process->is_counted)) {
        return;
    }
    struct counted_sums sums;
    bool is_broken = false;
    census_load_done(part, &sums);
    census_add(&sums, written, written + word_count, &is_broken);
    atomic_store_explicit(&part->done_counts[0], sums.allocation_count, memory_order_relaxed);
    atomic_store_explicit(&part->done_counts[1], sums.free_count, memory_order_relaxed);
    atomic_store_explicit(&part->done_counts[2], sums.allocated_bytes, memory_order_relaxed);
    if (is_broken) {
        atomic_store(&part->is_broken, true);
    }
}

void census_end_move(struct census_part *part, struct chunk *chunk)
{
    atomic_store_explicit(&part->chunk, chunk, memory_order_relaxed);
    atomic_fetch_add_explicit(&part->turn, 1, memory_order_release);
}

/* ---- the thread that asks ----------------------------------------------------------------------
 */

static bool census_grow(struct census_views *views, size_t count)
{
    size_t capacity = views->capacity == 0 ? VIEWS_FIRST : views->capacity;
    while (capacity < count) {
        capacity *= 2;
    }
    struct census_view *grown = sys_mmap(capacity * sizeof(*grown), PROT_READ | PROT_WRITE,
                                         MAP_PRIVATE | MAP_ANONYMOUS, -1);
    if (grown == NULL) {
        return false;
    }
    if (views->views != NULL) { /* what was seen is counted again */
        sys_munmap(views->views, views->capacity * sizeof(*grown));
    }
    *views = (struct census_views){grown, capacity};
    return true;
}

/* Adds the part's sums as of now. False: its owner moved on meanwhile. */
static bool census_look(struct census_part *part, struct census_view *view,
                        struct counted_sums *sums, bool *is_broken)
{
    uint32_t turn = atomic_load(&part->turn); /* after is_counted was set */
    struct counted_sums done;
    census_load_done(part, &done);
    struct chunk *chunk = atomic_load_explicit(&part->chunk, memory_order_relaxed);
    if ((turn & 1) != 0) {
        return false;
    }
    struct census_view seen = *view;
    if (seen.turn != turn) {
        seen = (struct census_view){.turn = turn};
    }
    if (chunk != NULL) {
        uint32_t published = atomic_load_explicit(&chunk->published, memory_order_acquire);
        uint32_t written_bytes = published & ~(uint32_t)(sizeof(uint64_t) - 1);
        if (written_bytes > sizeof(chunk->words) || written_bytes < seen.seen_bytes) {
            return false; /* not its chunk any more */
        }
        bool is_lost = false;
        census_add(&seen.sums, chunk->words + seen.seen_bytes / sizeof(uint64_t),
                   chunk->words + written_bytes / sizeof(uint64_t), &is_lost);
        seen.seen_bytes = written_bytes;
        *is_broken = *is_broken || is_lost;
    }
    if (atomic_load_explicit(&part->turn, memory_order_relaxed) != turn) {
        return false;
    }
    *view = seen;
    census_add_sums(sums, &done);
    census_add_sums(sums, &seen.sums);
    return true;
}

static bool census_sum(struct census_views *views, struct counted_sums *out_sums)
{
    *out_sums = (struct counted_sums){.allocation_count = 0};
    for (struct census_part *part = atomic_load(&process->parts); part != NULL; part = part->next) {
        bool is_broken = atomic_load_explicit(&part->is_broken, memory_order_relaxed);
        int looks = 0;
        if (part->number >= views->capacity && !census_grow(views, part->number + (size_t)1)) {
            return false;
        }
        while (!census_look(part, &views->views[part->number], out_sums, &is_broken)) {
            if (looks++ == LOOKS_MAX) {
                return false;
            }
            sys_yield();
        }
        if (is_broken) {
            atomic_store(&part->is_broken, true);
            return false;
        }
    }
    return true;
}

bool census_take(struct census_views *views, struct census_part *own, struct counted_sums *out_sums)
{
    const struct counted_sums *base = atomic_load(&process->counted_from);
    if (base == NULL) {
        atomic_store(&process->is_counted, true);
        if (!census_sum(views, &own->base)) {
            return false;
        }
        if (atomic_compare_exchange_strong(&process->counted_from, &base, &own->base)) {
            base = &own->base;
        }
    }
    if (!census_sum(views, out_sums)) {
        return false;
    }
    out_sums->allocation_count -= base->allocation_count;
    out_sums->free_count -= base->free_count;
    out_sums->allocated_bytes -= base->allocated_bytes;
    return true;
}
