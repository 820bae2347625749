#include "../../interposer/sample_set.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

enum {
    BLOCKS = 1000,
    MEAN_BYTES = 100,
    THREADS = 4,
    ROUNDS = 20000,
    MAILBOXES = 64,
};

static void *block_at(uintptr_t address)
{
    return (void *)address;
}

static unsigned counted_blocks(void)
{
    unsigned count = 0;
    for (size_t i = 0; i < SAMPLE_FILTER_BYTES; i++) {
        count += sample_filter[i] == SAMPLE_FILTER_PINNED ? 0 : sample_filter[i];
    }
    return count;
}

/* Before the set is made, nothing may be excluded: then everything is recorded. */
static void sample_filter_before_init_excludes_nothing(void **state)
{
    (void)state;

    for (uintptr_t address = 0; address < 1000000; address += 16) {
        assert_false(sample_filter_excludes(block_at(address)));
    }
    assert_false(sample_set_add(block_at(0x1000)));
    assert_false(sample_set_remove(block_at(0x1000)));

    assert_true(sample_set_init(BLOCKS, MEAN_BYTES));
    assert_true(sample_filter_excludes(block_at(0x1000)));
    assert_false(sample_filter_excludes(NULL));
}

static void sample_set_add_is_found_once(void **state)
{
    (void)state;

    for (uintptr_t i = 1; i <= BLOCKS; i++) {
        assert_true(sample_set_add(block_at(i * 48)));
        assert_false(sample_filter_excludes(block_at(i * 48)));
    }
    assert_int_equal(counted_blocks(), BLOCKS);
    assert_false(sample_set_remove(block_at((BLOCKS + 1) * 48)));
    assert_false(sample_set_remove(NULL));
    for (uintptr_t i = 1; i <= BLOCKS; i++) {
        assert_true(sample_set_remove(block_at(i * 48)));
        assert_false(sample_set_remove(block_at(i * 48)));
    }

    assert_int_equal(counted_blocks(), 0);
    assert_true(sample_filter_excludes(block_at(48)));
}

/* Many more than there is room for: what does not fit is refused, what fits stays exact. */
static void sample_set_add_when_full_is_refused(void **state)
{
    (void)state;
    static bool is_in[BLOCKS * 20];
    unsigned count = 0;

    for (uintptr_t i = 0; i < BLOCKS * 20; i++) {
        is_in[i] = sample_set_add(block_at(0x10000 + i * 16));
        count += is_in[i];
    }

    assert_in_range(count, BLOCKS, BLOCKS * 5);
    for (uintptr_t i = 0; i < BLOCKS * 20; i++) {
        assert_int_equal(sample_set_remove(block_at(0x10000 + i * 16)), is_in[i]);
    }
    assert_int_equal(counted_blocks(), 0);
}

static void sample_filter_entry_that_overflows_stays(void **state)
{
    (void)state;
    const uintptr_t stride = (uintptr_t)SAMPLE_FILTER_BYTES << 24; /* not all of one bucket */

    for (uintptr_t i = 1; i <= 300; i++) {
        assert_true(sample_set_add(block_at(0x500 + i * stride)));
    }
    for (uintptr_t i = 1; i <= 300; i++) {
        assert_true(sample_set_remove(block_at(0x500 + i * stride)));
    }

    assert_false(sample_filter_excludes(block_at(0x500)));
    assert_true(sample_filter_excludes(block_at(0x510)));
}

static void sample_filter_pin_is_for_ever(void **state)
{
    (void)state;

    sample_filter_pin(block_at(0x700));
    assert_true(sample_set_add(block_at(0x700)));
    assert_true(sample_set_remove(block_at(0x700)));
    sample_set_forget();

    assert_false(sample_filter_excludes(block_at(0x700)));
}

static void sample_set_in_a_forked_child_is_empty(void **state)
{
    (void)state;
    assert_true(sample_set_add(block_at(0x900)));

    pid_t pid = fork();
    if (pid == 0) {
        sample_set_forget();
        bool is_right = !sample_set_remove(block_at(0x900)) &&
                        sample_filter_excludes(block_at(0x900)) &&
                        sample_set_add(block_at(0x900)) && sample_set_remove(block_at(0x900));
        _exit(is_right ? 0 : 1);
    }
    int status = -1;
    waitpid(pid, &status, 0);

    assert_int_equal(status, 0);
    assert_true(sample_set_remove(block_at(0x900)));
}

static _Atomic(void *) mailboxes[MAILBOXES];
static _Atomic unsigned failure_count;
static _Atomic unsigned added_count;
static _Atomic unsigned removed_count;

static void take_out(void *block)
{
    if (block != NULL) {
        atomic_fetch_add(sample_set_remove(block) ? &removed_count : &failure_count, 1);
    }
}

/* Adds blocks and hands them to whoever comes by; each is removed by another thread, mostly. */
static void *hand_around(void *argument)
{
    uintptr_t number = (uintptr_t)argument;
    for (uintptr_t i = 0; i < ROUNDS; i++) {
        void *block = block_at((((number << 20) + i % 4096) << 4) + ((i / 4096) << 40));
        if (sample_set_add(block)) {
            atomic_fetch_add(&added_count, 1);
            take_out(atomic_exchange(&mailboxes[(i * 7 + number) % MAILBOXES], block));
        }
        if (sample_set_remove(block_at(0x123450))) {
            atomic_fetch_add(&failure_count, 1);
        }
    }
    return NULL;
}

static void sample_set_by_many_threads_loses_and_invents_nothing(void **state)
{
    (void)state;
    pthread_t threads[THREADS];

    for (uintptr_t i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, hand_around, (void *)(i + 1)), 0);
    }
    for (int i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
    }
    for (int i = 0; i < MAILBOXES; i++) {
        take_out(atomic_load(&mailboxes[i]));
    }

    assert_int_equal(atomic_load(&failure_count), 0);
    assert_int_equal(atomic_load(&added_count), THREADS * ROUNDS);
    assert_int_equal(atomic_load(&removed_count), THREADS * ROUNDS);
    assert_int_equal(counted_blocks(), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sample_filter_before_init_excludes_nothing),
        cmocka_unit_test(sample_set_add_is_found_once),
        cmocka_unit_test(sample_set_add_when_full_is_refused),
        cmocka_unit_test(sample_set_in_a_forked_child_is_empty),
        cmocka_unit_test(sample_set_by_many_threads_loses_and_invents_nothing),
        cmocka_unit_test(sample_filter_entry_that_overflows_stays),
        cmocka_unit_test(sample_filter_pin_is_for_ever),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
