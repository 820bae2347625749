#include "lane.h"

#include <errno.h>
#include <linux/futex.h>

#include "census.h"
#include "counting.h"
#include "sys.h"

#include "banned.h"

static __thread bool lane_thread_is_named __attribute__((tls_model("initial-exec")));

enum {
    WAIT_SLICE_NS =
        20000000, /* how often a waiting writer looks whether the collector still lives */
};

bool lane_collector_is_gone(struct ring_header *ring)
{
    if (!atomic_load_explicit(&ring->is_recording, memory_order_relaxed)) {
        return true;
    }
    uint32_t owner = atomic_load_explicit(&ring->collector_alive, memory_order_relaxed);
    return (owner & FUTEX_OWNER_DIED) != 0 || (owner & FUTEX_TID_MASK) == 0;
}

static uint32_t lane_wait_for_chunk(struct ring_header *ring)
{
    uint32_t number = RING_NO_CHUNK;
    atomic_fetch_add(&ring->waiting_count, 1);
    while (!lane_collector_is_gone(ring) && !atomic_load(&ring->is_exhausted)) {
        uint32_t seen = atomic_load(&ring->freed_count);
        number = ring_take_chunk(ring);
        if (number != RING_NO_CHUNK) {
            break;
        }
        sys_futex_wait(&ring->freed_count, seen, WAIT_SLICE_NS);
    }
    atomic_fetch_sub(&ring->waiting_count, 1);
    return number;
}

static uint32_t lane_take_chunk(struct ring_header *ring)
{
    if (lane_collector_is_gone(ring)) {
        process_stop();
        return RING_NO_CHUNK;
    }
    uint32_t number = ring_take_chunk(ring);
    if (number == RING_NO_CHUNK && (process->flags & RING_DROP_WHEN_FULL) == 0) {
        number = lane_wait_for_chunk(ring);
        if (number == RING_NO_CHUNK && lane_collector_is_gone(ring)) {
            process_stop();
        }
    }
    return number;
}

/* Followed by census_end_move(). */
static void lane_leave_chunk(const struct writer *writer)
{
    if (writer->part != NULL && writer->chunk != NULL) {
        census_begin_move(writer->part, writer->chunk->words,
                          (size_t)(writer->cursor - writer->chunk->words));
    }
}

static void lane_use_chunk(struct writer *writer, struct chunk *chunk)
{
    writer->chunk = chunk;
    writer->cursor = chunk->words;
    writer->limit = chunk->words + sizeof(chunk->words) / sizeof(chunk->words[0]);
    writer->base_ticks = ticks_now(process->clock);
    chunk->base_ticks = writer->base_ticks;
    atomic_store_explicit(&chunk->next, RING_NO_CHUNK, memory_order_relaxed);
    atomic_store_explicit(&chunk->published, 0, memory_order_release);
}

static void lane_report_loss(struct writer *writer)
{
    writer->cursor[0] = event_head(EVENT_LOST, 0, 0);
    writer->cursor[1] = writer->lost_count;
    writer->lost_count = 0;
    lane_publish(writer, writer->cursor + 2);
}

bool lane_refill(struct writer *writer)
{
    if (!writer->has_lane || atomic_load(&process->phase) != PROCESS_RECORDING) {
        return false;
    }
    struct ring_header *ring = process->ring;
    uint32_t number = lane_take_chunk(ring);
    if (number == RING_NO_CHUNK) {
        if (atomic_load(&process->phase) == PROCESS_RECORDING) {
            writer->lost_count++;
            if (writer->part != NULL) {
                atomic_store(&writer->part->is_broken, true);
            }
        } else { /* not lost: the recording is over, and says so */
            atomic_store(&ring_lane(ring, writer->lane)->stopped_ticks, ticks_now(process->clock));
        }
        return false;
    }
    struct chunk *previous = writer->chunk;
    if (writer->counting != NULL) {
        counting_catch_up(writer->counting, writer);
    }
    lane_leave_chunk(writer);
    lane_use_chunk(writer, ring_chunk(ring, number));
    if (writer->counting != NULL) {
        counting_move(writer->counting, writer);
    }
    if (writer->part != NULL) {
        census_end_move(writer->part, writer->chunk);
    }
    if (writer->lost_count != 0) {
        lane_report_loss(writer);
    }
    if (previous != NULL) {
        atomic_store_explicit(&previous->next, number, memory_order_release);
    } else {
        atomic_store_explicit(&ring_lane(ring, writer->lane)->first_chunk, number,
                              memory_order_release);
    }
    return true;
}

static bool lane_claim(struct ring_header *ring, uint32_t *out_lane)
{
    uint32_t high = atomic_load(&ring->lane_high);
    for (uint32_t index = 0; index < RING_LANE_CAPACITY; index++) {
        struct lane *lane = ring_lane(ring, index);
        uint32_t expected = LANE_FREE;
        if (atomic_load_explicit(&lane->state, memory_order_relaxed) != LANE_FREE) {
            continue;
        }
        if (!atomic_compare_exchange_strong(&lane->state, &expected, LANE_CLAIMED)) {
            continue;
        }
        while (high <= index && !atomic_compare_exchange_weak(&ring->lane_high, &high, index + 1)) {
        }
        *out_lane = index;
        return true;
    }
    return false;
}

/* The kernel ends a name within its 16 bytes. */
static void lane_read_thread_name(struct lane *lane)
{
    if (sys_thread_name(lane->thread_name) < 0) {
        lane->thread_name[0] = '\0';
    }
}

void lane_note_thread_name(const struct writer *writer)
{
    lane_thread_is_named = true;
    if (writer != NULL && writer->has_lane && process->ring != NULL) {
        lane_read_thread_name(ring_lane(process->ring, writer->lane));
    }
}

bool lane_open(struct writer *writer, uint32_t tid, uint32_t level)
{
    struct ring_header *ring = process->ring;
    uint32_t index;
    if (!lane_claim(ring, &index)) {
        atomic_fetch_add(&ring->lost_event_count, 1);
        return false;
    }
    struct lane *lane = ring_lane(ring, index);
    lane->process_key = process->key;
    lane->pid = process->pid;
    lane->tid = tid;
    lane->level = level;
    lane->thread_name[0] = '\0';
    if (level == 0 && (lane_thread_is_named || tid == process->pid)) {
        lane_read_thread_name(lane);
    }
    atomic_store_explicit(&lane->first_chunk, RING_NO_CHUNK, memory_order_relaxed);
    atomic_store_explicit(&lane->stopped_ticks, 0, memory_order_relaxed);
    atomic_store_explicit(&lane->state, LANE_OPEN, memory_order_release);
    uint32_t random = tid * 2654435761u;
    *writer = (struct writer){
        .lane = index,
        .has_lane = true,
        .random = random,
        .until_timed = random >> 27, /* not the first call: it sets the allocator up */
    };
    if (!lane_refill(writer)) {
        lane_close(writer);
        return false;
    }
    return true;
}

void lane_close(struct writer *writer)
{
    if (!writer->has_lane) {
        return;
    }
    if (writer->part != NULL) {
        lane_leave_chunk(writer);
        census_end_move(writer->part, NULL);
    }
    atomic_fetch_add(&process->ring->lost_event_count, writer->lost_count);
    atomic_store_explicit(&ring_lane(process->ring, writer->lane)->state, LANE_CLOSED,
                          memory_order_release);
    *writer = (struct writer){0};
}
