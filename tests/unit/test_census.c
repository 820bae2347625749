#include "../../interposer/census.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../../interposer/process.h"

enum {
    CHUNKS = 4, /* of one thread, used in turn, as the collector gives them back */
    MOVES = 2000,
    CALLS_EACH = 100, /* in a chunk */
};

/* A thread as its lane would be. */
struct census_thread {
    struct census_part part;
    struct chunk *chunks;
    struct chunk *chunk;
    uint64_t *cursor;
};

static struct process process_of_test;

static int set_up(void **state)
{
    (void)state;
    process_of_test = (struct process){.key = 1};
    process = &process_of_test;
    return 0;
}

static void publish(struct census_thread *thread, size_t word_count)
{
    thread->cursor += word_count;
    atomic_store(&thread->chunk->published,
                 (uint32_t)((char *)thread->cursor - (char *)thread->chunk->words));
}

static void use_chunk(struct census_thread *thread, size_t number)
{
    thread->chunk = &thread->chunks[number % CHUNKS];
    thread->cursor = thread->chunk->words;
    publish(thread, 0);
}

static void begin(struct census_thread *thread)
{
    *thread = (struct census_thread){.chunks = calloc(CHUNKS, sizeof(struct chunk))};
    assert_non_null(thread->chunks);
    use_chunk(thread, 0);
    census_enter(&thread->part, thread->chunk);
}

static void move(struct census_thread *thread, size_t number)
{
    census_begin_move(&thread->part, thread->chunk->words,
                      (size_t)(thread->cursor - thread->chunk->words));
    use_chunk(thread, number);
    census_end_move(&thread->part, thread->chunk);
}

static void put_pair(struct census_thread *thread, uint64_t size_bytes)
{
    uint64_t words[5] = {
        event_head(EVENT_ALLOC + ALLOC_KIND_MALLOC, 0, 1), 0x1000, UINT64_C(3) << 32 | size_bytes,
        event_head(EVENT_FREE + FREE_KIND_FREE, 0, 1),     0x1000,
    };
    for (size_t i = 0; i < 5; i++) { /* as another thread reads them */
        __atomic_store_n(&thread->cursor[i], words[i], __ATOMIC_RELAXED);
    }
    publish(thread, 5);
}

static void census_take_begins_when_first_asked(void **state)
{
    (void)state;
    struct census_thread thread;
    struct census_views views = {0};
    struct counted_sums sums;
    begin(&thread);
    put_pair(&thread, 10);

    assert_true(census_take(&views, &thread.part, &sums));
    assert_int_equal(sums.allocation_count, 0);
    put_pair(&thread, 20);
    assert_true(census_take(&views, &thread.part, &sums));

    assert_int_equal(sums.allocation_count, 1);
    assert_int_equal(sums.free_count, 1);
    assert_int_equal(sums.allocated_bytes, 20);
    free(thread.chunks);
}

static void census_take_counts_chunks_that_are_gone(void **state)
{
    (void)state;
    struct census_thread threads[2];
    struct census_views views = {0};
    struct census_views others = {0};
    struct counted_sums sums;
    begin(&threads[0]);
    begin(&threads[1]);
    assert_true(census_take(&views, &threads[0].part, &sums));

    for (size_t i = 0; i < 3 * CHUNKS; i++) {
        put_pair(&threads[0], 1);
        move(&threads[0], i + 1);
        put_pair(&threads[1], 10);
    }
    assert_true(census_take(&views, &threads[0].part, &sums));
    assert_int_equal(sums.allocation_count, 6 * CHUNKS);
    assert_int_equal(sums.allocated_bytes, 33 * CHUNKS);
    assert_true(census_take(&others, &threads[1].part, &sums)); /* who never asked before */

    assert_int_equal(sums.allocated_bytes, 33 * CHUNKS);
    free(threads[0].chunks);
    free(threads[1].chunks);
}

static void census_take_knows_nothing_where_records_were_lost(void **state)
{
    (void)state;
    struct census_thread thread;
    struct census_views views = {0};
    struct counted_sums sums;
    begin(&thread);
    assert_true(census_take(&views, &thread.part, &sums));

    thread.cursor[0] = event_head(EVENT_LOST, 0, 0);
    thread.cursor[1] = 3;
    publish(&thread, 2);

    assert_false(census_take(&views, &thread.part, &sums));
    move(&thread, 1);
    assert_false(census_take(&views, &thread.part, &sums));
    free(thread.chunks);
}

static void census_take_of_many_threads(void **state)
{
    (void)state;
    enum {
        THREADS = 200,
    };
    static struct census_thread threads[THREADS];
    struct census_views views = {0};
    struct counted_sums sums;
    begin(&threads[0]);
    assert_true(census_take(&views, &threads[0].part, &sums));

    for (size_t i = 1; i < THREADS; i++) {
        begin(&threads[i]);
        put_pair(&threads[i], i);
    }
    assert_true(census_take(&views, &threads[0].part, &sums));

    assert_int_equal(sums.allocation_count, THREADS - 1);
    assert_int_equal(sums.allocated_bytes, (THREADS - 1) * THREADS / 2);
    for (size_t i = 0; i < THREADS; i++) {
        free(threads[i].chunks);
    }
}

static void *allocate(void *argument)
{
    struct census_thread *thread = argument;
    for (size_t i = 0; i < MOVES; i++) {
        for (size_t j = 0; j < CALLS_EACH; j++) {
            put_pair(thread, 1);
        }
        move(thread, i + 1);
    }
    return NULL;
}

/* While a thread fills its chunks and uses them again, counts grow and none is seen twice. */
static void census_take_beside_a_thread_that_moves_on(void **state)
{
    (void)state;
    static struct census_thread threads[2];
    struct census_views views = {0};
    struct counted_sums sums;
    pthread_t other;
    uint64_t last = 0;
    begin(&threads[0]);
    begin(&threads[1]);
    assert_true(census_take(&views, &threads[0].part, &sums));

    assert_int_equal(pthread_create(&other, NULL, allocate, &threads[1]), 0);
    while (last < MOVES * CALLS_EACH) {
        assert_true(census_take(&views, &threads[0].part, &sums));
        assert_true(sums.allocation_count >= last);
        assert_true(sums.allocation_count <= MOVES * CALLS_EACH);
        last = sums.allocation_count;
    }
    pthread_join(other, NULL);

    assert_int_equal(sums.allocated_bytes, MOVES * CALLS_EACH);
    free(threads[0].chunks);
    free(threads[1].chunks);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(census_take_begins_when_first_asked, set_up),
        cmocka_unit_test_setup(census_take_counts_chunks_that_are_gone, set_up),
        cmocka_unit_test_setup(census_take_knows_nothing_where_records_were_lost, set_up),
        cmocka_unit_test_setup(census_take_of_many_threads, set_up),
        cmocka_unit_test_setup(census_take_beside_a_thread_that_moves_on, set_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
