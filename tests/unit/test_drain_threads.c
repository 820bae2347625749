#include "../../analyzer/collect/drain/drain.h"

#include <pthread.h>

#include "draining.h"

enum {
    THREADS = 4,
    EVENTS_PER_THREAD = 30000,
    SLOTS = 48, /* addresses of the pretended allocator: few, so that they change hands at once */
};

/* A pretended allocator: a stack of free addresses, and what is live, for others to free. */
struct heap {
    pthread_mutex_t lock;
    uint32_t free_slots[SLOTS];
    uint32_t free_count;
    uint32_t live_slots[SLOTS];
    uint32_t live_count;
};

struct worker {
    struct collecting *collecting;
    struct heap *heap;
    struct ring_writer writer;
    uint32_t number;
    uint64_t allocation_count;
    uint64_t allocated_bytes;
    uint64_t free_count;
};

static bool pop(struct heap *heap, uint32_t *slots, uint32_t *count, uint32_t *out_slot)
{
    pthread_mutex_lock(&heap->lock);
    bool is_there = *count > 0;
    if (is_there) {
        *out_slot = slots[--*count];
    }
    pthread_mutex_unlock(&heap->lock);
    return is_there;
}

static void push(struct heap *heap, uint32_t *slots, uint32_t *count, uint32_t slot)
{
    pthread_mutex_lock(&heap->lock);
    slots[(*count)++] = slot;
    pthread_mutex_unlock(&heap->lock);
}

/* As the recorder does: stamped after the real allocation, and before the real free. */
static void *work(void *argument)
{
    struct worker *worker = argument;
    struct heap *heap = worker->heap;
    struct ring_writer *writer = &worker->writer;
    uint32_t random = worker->number * 2654435761u + 1;
    for (int i = 0; i < EVENTS_PER_THREAD; i++) {
        uint32_t slot;
        uint64_t words[3] = {0};
        random = random * 1664525u + 1013904223u;
        ring_writer_reserve(writer, sizeof(words), ticks(worker->collecting));
        if (random >> 31 != 0 && pop(heap, heap->free_slots, &heap->free_count, &slot)) {
            words[0] = event_head(EVENT_ALLOC, 0, 0);
            words[1] = 0x10000 + 64 * (uint64_t)slot;
            words[2] = random >> 20;
            worker->allocation_count++;
            worker->allocated_bytes += words[2];
            ring_writer_begin(writer);
            ring_writer_publish(writer, words, 24, ticks(worker->collecting));
            push(heap, heap->live_slots, &heap->live_count, slot);
        } else if (pop(heap, heap->live_slots, &heap->live_count, &slot)) {
            words[0] = event_head(EVENT_FREE, 0, 0);
            words[1] = 0x10000 + 64 * (uint64_t)slot;
            worker->free_count++;
            ring_writer_begin(writer);
            ring_writer_publish(writer, words, 16, ticks(worker->collecting));
            push(heap, heap->free_slots, &heap->free_count, slot);
        }
    }
    ring_writer_close(writer);
    return NULL;
}

static void check_stress(const struct collecting *collecting, const struct worker *workers,
                         const struct heap *heap)
{
    const struct live_recording *live = &collecting->live;
    const struct subject *subject = live->recording.subjects[0];
    uint64_t allocation_count = 0;
    uint64_t allocated_bytes = 0;
    uint64_t free_count = 0;
    for (int i = 0; i < THREADS; i++) {
        const struct thread *thread = &subject->threads[i];
        const struct worker *worker = &workers[thread->tid - PID];
        assert_int_equal(thread->allocation_count, worker->allocation_count);
        assert_int_equal(thread->allocated_bytes, worker->allocated_bytes);
        assert_int_equal(thread->free_count, worker->free_count);
        allocation_count += worker->allocation_count;
        allocated_bytes += worker->allocated_bytes;
        free_count += worker->free_count;
    }
    assert_in_range(allocation_count, 1000, THREADS * EVENTS_PER_THREAD);
    assert_int_equal(subject->tally.allocation_count, allocation_count);
    assert_int_equal(subject->tally.allocated_bytes, allocated_bytes);
    assert_int_equal(subject->tally.free_count, free_count);
    assert_int_equal(subject->leaked_count, heap->live_count);
    assert_int_equal(subject->unpaired_free_count, 0);
    assert_int_equal(subject->lost_event_count, 0);
    assert_int_equal(live_recording_number(live, "SELECT count(*) FROM block"), allocation_count);
    assert_int_equal(live_recording_number(live, "SELECT sum(size_bytes) FROM block"),
                     allocated_bytes);
    assert_int_equal(
        live_recording_number(live, "SELECT count(*) FROM allocation WHERE free_kind = 'unseen'"),
        0);
    assert_int_equal(
        live_recording_number(
            live, "SELECT count(*) FROM (SELECT born_ns, lag(died_ns, 1, 0) OVER (PARTITION BY"
                  " address ORDER BY born_ns, died_ns) AS before_ns FROM allocation)"
                  " WHERE before_ns IS NULL OR before_ns > born_ns + 20000"),
        0); /* no two blocks of one address overlap in time, but for what two clocks differ by */
}

static void run_stress(uint32_t chunk_count, bool waits_for_writers)
{
    struct collecting collecting;
    struct heap heap = {.lock = PTHREAD_MUTEX_INITIALIZER, .free_count = SLOTS};
    struct worker workers[THREADS] = {{0}};
    pthread_t threads[THREADS];
    begin(&collecting, chunk_count);
    for (uint32_t i = 0; i < SLOTS; i++) {
        heap.free_slots[i] = i;
    }
    for (uint32_t i = 0; i < THREADS; i++) {
        workers[i].collecting = &collecting;
        workers[i].heap = &heap;
        workers[i].number = i;
        workers[i].writer = open_writer(&collecting, PID + i);
        assert_int_equal(pthread_create(&threads[i], NULL, work, &workers[i]), 0);
    }
    while (waits_for_writers && atomic_load(&collecting.session.ring->waiting_count) == 0) {
        rest(); /* they have filled the ring before anything is read */
    }
    int idle_rounds = 0;
    do {
        idle_rounds = round_once(&collecting) == 0 ? idle_rounds + 1 : 0;
        rest();
        assert_in_range(idle_rounds, 0, 20000);
    } while (collecting.drain.reader_count > 0 || collecting.live.recording.subject_count == 0);
    uint64_t wait_count = 0;
    for (int i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
        wait_count += workers[i].writer.wait_count;
    }
    assert_true(!waits_for_writers || wait_count > 0);
    finish(&collecting, 1);
    check_stress(&collecting, workers, &heap);
    end(&collecting);
}

static void drain_round_many_threads_give_exact_totals_in_order(void **state)
{
    (void)state;
    run_stress(256, false);
}

static void drain_round_tiny_ring_makes_writers_wait_and_loses_nothing(void **state)
{
    (void)state;
    run_stress(CHUNKS_LEAST, true);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(drain_round_many_threads_give_exact_totals_in_order),
        cmocka_unit_test(drain_round_tiny_ring_makes_writers_wait_and_loses_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
