#include "drain.h"

#include <errno.h>
#include <stdlib.h>

#include "../../base/vec.h"
#include "keep.h"
#include "reader.h"

enum {
    SLACK_NS = 20000,      /* covers store buffers and what two processors' clocks differ by */
    STUCK_NS = 2000000000, /* after which a busy lane is taken for abandoned */
    ROUND_EVENTS_MAX =
        32768, /* so that signals, samples and waiting writers are soon looked after */
};

int drain_init(struct drain *drain, struct session *session, struct recording *recording)
{
    *drain = (struct drain){.session = session, .recording = recording};
    drain->reader_of_lane = calloc(RING_LANE_CAPACITY, sizeof(struct reader *));
    return drain->reader_of_lane == NULL ? -ENOMEM : 0;
}

static void drain_free_reader(struct reader *reader)
{
    free(reader->context.sites);
    free(reader);
}

void drain_fini(struct drain *drain)
{
    for (size_t i = 0; i < drain->reader_count; i++) {
        drain_free_reader(drain->readers[i]);
    }
    free(drain->readers);
    free(drain->heap);
    free(drain->reader_of_lane);
    *drain = (struct drain){0};
}

int drain_open_lane(struct drain *drain, const struct journal_lane *opened)
{
    int r = vec_reserve((void **)&drain->readers, &drain->reader_capacity, drain->reader_count + 1,
                        sizeof(struct reader *));
    if (r == 0) {
        r = vec_reserve((void **)&drain->heap, &drain->heap_capacity, drain->reader_count + 1,
                        sizeof(*drain->heap));
    }
    struct reader *reader = r == 0 ? calloc(1, sizeof(*reader)) : NULL;
    if (reader == NULL) {
        return -ENOMEM;
    }
    reader->lane = ring_lane(drain->session->ring, opened->lane);
    reader->lane_index = opened->lane;
    reader->pid = opened->pid;
    reader->next_ticks = UINT64_MAX;
    r = recording_subject(drain->recording, opened->key, opened->pid, opened->now_ns,
                          &reader->context.subject);
    if (r == 0) {
        r = subject_open_thread(reader->context.subject, opened->tid, opened->now_ns,
                                &reader->context.thread);
    }
    if (r < 0) {
        drain_free_reader(reader);
        return r;
    }
    struct thread *thread = &reader->context.subject->threads[reader->context.thread];
    struct journal_lane *kept = journal_add(drain->recording->journal, JOURNAL_LANE_OPENED, opened,
                                            sizeof(*opened), NULL, 0);
    if (thread->kept == NULL) {
        thread->kept = kept;
    }
    drain->readers[drain->reader_count++] = reader;
    drain->reader_of_lane[opened->lane] = reader;
    return 0;
}

void drain_close_lane(struct drain *drain, uint32_t index)
{
    size_t at = 0;
    while (at < drain->reader_count && drain->readers[at]->lane_index != index) {
        at++;
    }
    if (at < drain->reader_count) {
        struct reader *reader = drain->readers[at];
        reader->context.subject->threads[reader->context.thread].open_lanes--;
        drain->reader_of_lane[index] = NULL;
        drain->readers[at] = drain->readers[--drain->reader_count];
        drain_free_reader(reader);
    }
}

/* Only while the lane is the reader's thread's: what is being recovered may have had others since.
 */
static void drain_take_name(struct reader *reader)
{
    thread_take_name(&reader->context.subject->threads[reader->context.thread],
                     reader->lane->thread_name);
}

static int drain_find_lanes(struct drain *drain, uint64_t now)
{
    uint32_t high = atomic_load(&drain->session->ring->lane_high);
    high = high > RING_LANE_CAPACITY ? RING_LANE_CAPACITY : high;
    for (uint32_t i = 0; i < high; i++) {
        if (drain->reader_of_lane[i] != NULL) {
            continue;
        }
        uint32_t state =
            atomic_load_explicit(&ring_lane(drain->session->ring, i)->state, memory_order_acquire);
        if (state == LANE_OPEN || state == LANE_CLOSED) {
            struct lane *lane = ring_lane(drain->session->ring, i);
            int r = drain_open_lane(drain, &(struct journal_lane){
                                               .lane = i,
                                               .key = lane->process_key,
                                               .pid = lane->pid,
                                               .tid = lane->tid,
                                               .now_ns = clock_ns(&drain->recording->clock, now),
                                           });
            if (r < 0) {
                return r;
            }
            drain_take_name(drain->reader_of_lane[i]);
        }
    }
    return 0;
}

/* Takes a lane whose thread has gone out of the ring, for another thread to use. */
static void drain_remove_reader(struct drain *drain, size_t at)
{
    struct reader *reader = drain->readers[at];
    struct lane *lane = reader->lane;
    struct journal_lane closed = {.lane = reader->lane_index};
    drain_take_name(reader);
    atomic_store(&lane->read_position, LANE_READ_TO_END);
    journal_add(drain->recording->journal, JOURNAL_LANE_CLOSED, &closed, sizeof(closed), NULL, 0);
    if (reader->chunk != RING_NO_CHUNK && !reader->is_damaged) {
        session_give_chunk(drain->session, reader->chunk);
    }
    drain_close_lane(drain, reader->lane_index);
    atomic_store(&lane->first_chunk, RING_NO_CHUNK);
    atomic_store(&lane->read_position, 0);
    atomic_store_explicit(&lane->state, LANE_FREE, memory_order_release);
}

static inline void drain_sift_down(struct drain_head *heap, size_t count, size_t at)
{
    struct drain_head moving = heap[at];
    for (size_t child; (child = at * 2 + 1) < count; at = child) {
        child += child + 1 < count && heap[child + 1].ticks < heap[child].ticks;
        if (moving.ticks <= heap[child].ticks) {
            break;
        }
        heap[at] = heap[child];
    }
    heap[at] = moving;
}

/* Applies the event at the reader's position, which is not plain, and steps over it. */
static __attribute__((noinline)) int drain_rare(struct drain *drain, struct reader *reader,
                                                struct err *err)
{
    const uint64_t *words = reader_peek(reader);
    if (words == NULL) {
        return 0;
    }
    uint64_t stamp_ns = clock_ns(&drain->recording->clock, reader->next_ticks);
    int r = keep_is_wanted(words) ? keep_and_apply(drain->recording, reader, words, stamp_ns, err)
                                  : subject_apply(&reader->context, words, stamp_ns, err);
    if (r == 0) {
        reader_skip(reader, drain->session);
    }
    return r;
}

/* Applies plain events from the reader's position on: all within one chunk, none after `until`. */
static int drain_plain(struct reader *reader, const struct clock *clock, uint64_t until,
                       int64_t limit, int64_t *applied, struct err *err)
{
    struct lane_context *lane = &reader->context;
    bool is_large = lane->subject->live.block_count >= READER_LARGE_SET;
    uint64_t stamp_ns = 0;
    int64_t count = 0;
    int r = 0;
    while (count < limit) {
        const uint64_t *words = reader_words(reader);
        uint32_t room_bytes = reader->limit_bytes - reader->offset_bytes;
        unsigned tag = event_tag(words[0]);
        stamp_ns = clock_ns(clock, reader->next_ticks);
        if (tag - EVENT_ALLOC < ALLOC_KIND_MMAP && room_bytes >= 3 * 8) {
            r = subject_apply_alloc(lane, words, stamp_ns, err);
            reader->event_bytes = 3 * 8;
        } else if (tag - EVENT_FREE < FREE_KIND_COUNT && room_bytes >= 2 * 8) {
            r = subject_apply_free(lane, words, stamp_ns, err);
            reader->event_bytes = 2 * 8;
        } else {
            break;
        }
        if (__builtin_expect(r < 0, 0)) {
            break;
        }
        count++;
        if (!reader_step(reader)) {
            break;
        }
        if (__builtin_expect(is_large, 0)) {
            reader_prefetch(reader);
        }
        if (reader->next_ticks > until) {
            break;
        }
    }
    if (count > 0) {
        subject_touch(lane, stamp_ns);
    }
    *applied += count;
    return r;
}

/* Applies events of the earliest reader until another one is earlier. */
static int64_t drain_run(struct drain *drain, struct reader *reader, uint64_t until,
                         struct err *err)
{
    int64_t applied = 0;
    while (reader->next_ticks <= until && applied < ROUND_EVENTS_MAX) {
        int64_t before = applied;
        int r = 0;
        if (!reader->context.subject->is_finished) {
            r = drain_plain(reader, &drain->recording->clock, until, ROUND_EVENTS_MAX - applied,
                            &applied, err);
        }
        if (r == 0 && reader->offset_bytes >= reader->limit_bytes) {
            reader_find_next(reader, drain->session);
        } else if (r == 0 && applied == before) {
            r = drain_rare(drain, reader, err);
            applied++;
        }
        if (r < 0) {
            return r;
        }
    }
    return applied;
}

static int64_t drain_merge(struct drain *drain, uint64_t horizon, struct err *err)
{
    struct drain_head *heap = drain->heap;
    size_t count = 0;
    for (size_t i = 0; i < drain->reader_count; i++) {
        if (drain->readers[i]->next_ticks <= horizon) {
            heap[count++] = (struct drain_head){drain->readers[i]->next_ticks, drain->readers[i]};
        }
    }
    for (size_t i = count / 2; i-- > 0;) {
        drain_sift_down(heap, count, i);
    }
    int64_t total = 0;
    while (count > 0 && total < ROUND_EVENTS_MAX) {
        uint64_t until = horizon;
        for (size_t child = 1; child < count && child < 3; child++) {
            until = heap[child].ticks < until ? heap[child].ticks : until;
        }
        int64_t applied = drain_run(drain, heap[0].reader, until, err);
        if (applied < 0) {
            return applied;
        }
        total += applied;
        heap[0].ticks = heap[0].reader->next_ticks;
        if (heap[0].ticks > horizon) {
            heap[0] = heap[--count];
        }
        if (count > 1) {
            drain_sift_down(heap, count, 0);
        }
    }
    return total;
}

/* Before which everything is applied, though a round may end before it comes to its horizon. */
static uint64_t drain_read_until(const struct drain *drain, uint64_t horizon)
{
    uint64_t until = horizon;
    for (size_t i = 0; i < drain->reader_count; i++) {
        uint64_t next = drain->readers[i]->next_ticks;
        until = next <= until ? next - 1 : until;
    }
    return until;
}

int64_t drain_round(struct drain *drain, bool is_final, struct err *err)
{
    const struct clock *clock = &drain->recording->clock;
    uint64_t now = clock_ticks(clock);
    if (drain->slack_ticks == 0) {
        drain->slack_ticks = clock_span_ticks(clock, SLACK_NS);
        drain->stuck_ticks = clock_span_ticks(clock, STUCK_NS);
    }
    int r = drain_find_lanes(drain, now);
    if (r < 0) {
        return r;
    }
    uint64_t horizon = is_final ? UINT64_MAX - 1 : now;
    for (size_t i = 0; i < drain->reader_count; i++) {
        struct reader *reader = drain->readers[i];
        reader_look(reader, drain->session, now, drain->previous_ticks, drain->stuck_ticks);
        if (!is_final && reader->bound_ticks < horizon) {
            horizon = reader->bound_ticks;
        }
    }
    drain->previous_ticks = now;
    if (!is_final) {
        horizon = horizon > drain->slack_ticks ? horizon - drain->slack_ticks : 0;
    }
    if (drain->limit_ticks != 0 && horizon > drain->limit_ticks) {
        horizon = drain->limit_ticks;
    }
    int64_t applied = drain_merge(drain, horizon, err);
    for (size_t i = drain->reader_count; i-- > 0;) {
        if (reader_is_done(drain->readers[i])) {
            drain_remove_reader(drain, i);
        }
    }
    if (applied >= 0) {
        drain->read_ticks = drain_read_until(drain, horizon);
    }
    if (applied != 0) {
        session_wake_writers(drain->session, applied < ROUND_EVENTS_MAX);
    }
    return applied;
}

void drain_process_ended(struct drain *drain, uint32_t key)
{
    for (size_t i = 0; i < drain->reader_count; i++) {
        if (drain->readers[i]->context.subject->key == key) {
            drain->readers[i]->is_ended = true;
        }
    }
}

void drain_note_ends(struct drain *drain)
{
    for (size_t i = 0; i < drain->reader_count; i++) {
        if (drain->readers[i]->context.subject->end != SUBJECT_RUNNING) {
            drain->readers[i]->is_ended = true;
        }
    }
}

bool drain_is_done(const struct drain *drain, const struct subject *subject)
{
    for (size_t i = 0; i < drain->reader_count; i++) {
        if (drain->readers[i]->context.subject == subject) {
            return false;
        }
    }
    return true;
}
