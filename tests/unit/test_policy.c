/*
 * What every policy promises, played at random with full checks between: blocks do not overlap,
 * what is not served is counted, and nothing is lost.
 */
#include "policy_player.h"

#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

static const char *const kinds[] = {
    "pool",
    "pool:chunk_bytes=4096,spare_chunks=0,block_max_bytes=1024",
    "pool:sizes=24+48+100+1000+5000",
    "pool:chunk_bytes=1048576,block_max_bytes=262144",
    "frame",
    "frame:chunk_bytes=4096,block_max_bytes=2048,spare_chunks=0",
    "buddy",
    "buddy:is_weighted=1",
    "buddy:lazy_count=8,zone_bytes=65536,block_max_bytes=32768,spare_zones=0",
    "buddy:is_weighted=1,lazy_count=16,zone_bytes=65536,block_min_bytes=16",
    "slab",
    "slab:partial_order=1,partial_min=0",
    "slab:partial_order=2,objects_min=4,slab_max_bytes=4096",
};

enum {
    KINDS = sizeof(kinds) / sizeof(kinds[0]),
    STEPS = 40000,
};

static struct backing backing;
static struct player player;

static void begin(const char *kind, bool is_simulated)
{
    assert_true(backing_init(&backing, BACKING_BYTES_LEAST * 16, is_simulated));
    memset(&player, 0, sizeof(player));
    player.policy = player_policy(&backing, kind);
    player.heap = policy_heap_open(player.policy);
    player.touches = !is_simulated;
    assert_non_null(player.heap);
}

static int end(void **state)
{
    (void)state;
    backing_fini(&backing);
    return 0;
}

static void expect_sound(const char *kind)
{
    const char *wrong = policy_check(player.policy);
    if (wrong != NULL) {
        fail_msg("%s: %s", kind, wrong);
    }
}

static uint64_t counted(enum policy_counter counter)
{
    uint64_t counts[POLICY_COUNTER_COUNT];
    policy_count(player.policy, counts);
    return counts[counter];
}

static void policy_take_and_give_at_random_stays_sound(void **state)
{
    (void)state;
    for (size_t i = 0; i < KINDS; i++) {
        begin(kinds[i], false);
        for (uint32_t step = 0; step < STEPS; step++) {
            player_step(&player, step / 2000 % 2 == 0 ? PLAYER_BLOCKS : 64);
            if (step % 1000 == 0) {
                expect_sound(kinds[i]);
            }
        }
        player_give_all(&player);
        expect_sound(kinds[i]);
        assert_int_equal(counted(COUNT_take_count), counted(COUNT_give_count));
        uint64_t declined_count =
            counted(COUNT_declined_size_count) + counted(COUNT_declined_alignment_count);
        assert_int_equal(declined_count, player.declined_count);
        assert_int_equal(counted(COUNT_declined_full_count), 0);
        assert_true(counted(COUNT_footprint_bytes) <= counted(COUNT_footprint_max_bytes));
        end(NULL);
    }
}

/* Where nothing lives and nothing is spared, all memory goes back. */
static void policy_give_of_the_last_block_returns_the_memory(void **state)
{
    (void)state;
    static const char *const strict[] = {"pool:spare_chunks=0", "frame:spare_chunks=0",
                                         "buddy:spare_zones=0,zone_bytes=65536",
                                         "slab:partial_min=0"};
    for (size_t i = 0; i < sizeof(strict) / sizeof(strict[0]); i++) {
        begin(strict[i], false);
        for (int round = 0; round < 3; round++) {
            for (size_t k = 0; k < PLAYER_BLOCKS; k++) {
                player_take(&player, &player.blocks[k]);
            }
            assert_true(counted(COUNT_chunk_take_count) > 1);
            player_give_all(&player);
        }
        uint64_t chunk_count = counted(COUNT_chunk_take_count) - counted(COUNT_chunk_give_count);
        /* What a heap takes from at the moment stays: one chunk, of a pool or slab one per size. */
        assert_true(chunk_count <= (i == 0 || i == 3 ? 64 : 1));
        end(NULL);
    }
}

static void policy_give_of_what_is_no_live_block_is_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < KINDS; i++) {
        begin(kinds[i], false);
        unsigned char *block = policy_take(player.heap, 100, 0);
        unsigned char *other = policy_take(player.heap, 100, 0);
        struct policy_chunk *chunk = player_chunk(&player, block);
        assert_non_null(chunk);
        assert_false(policy_give(player.heap, chunk, block + 8));
        assert_false(policy_give(player.heap, chunk, block + 16));
        assert_true(policy_give(player.heap, chunk, block));
        assert_false(policy_give(player.heap, chunk, block)); /* twice */
        assert_true(policy_give(player.heap, player_chunk(&player, other), other));
        assert_null(player_chunk(&player, &player)); /* not ours at all */
        expect_sound(kinds[i]);
        assert_int_equal(counted(COUNT_give_count), 2);
        end(NULL);
    }
}

/* Whatever the program has written to the block meanwhile: nothing of the pool lies there. */
static void policy_give_twice_of_what_was_written_to_is_refused(void **state)
{
    (void)state;
    begin("pool", false);
    for (int byte = 0; byte <= 255; byte++) {
        unsigned char *block = policy_take(player.heap, 16, 0);
        struct policy_chunk *chunk = player_chunk(&player, block);
        assert_true(policy_give(player.heap, chunk, block));
        CHUNK_UNPOISON(block, 16);
        memset(block, byte, 16);
        assert_false(policy_give(player.heap, chunk, block));
        CHUNK_POISON(block, 16);
        expect_sound("pool");
    }
    unsigned char *one = policy_take(player.heap, 16, 0);
    unsigned char *other = policy_take(player.heap, 16, 0);
    assert_ptr_not_equal(one, other);
    assert_int_equal(counted(COUNT_give_count), 256);
}

/* A chunk of 85 blocks of 48 bytes has 16 bytes left, which are none. */
static void policy_give_of_the_rest_of_a_chunk_is_refused(void **state)
{
    (void)state;
    begin("pool:chunk_bytes=4096,sizes=48", false);
    unsigned char *first = policy_take(player.heap, 48, 0);
    struct policy_chunk *chunk = player_chunk(&player, first);
    assert_true(chunk->bytes % 48 == 16);
    for (uint32_t at = 16; at < chunk->bytes; at += 16) {
        assert_false(policy_give(player.heap, chunk, (void *)(chunk->base + at)));
        assert_false(policy_give(NULL, chunk, (void *)(chunk->base + at)));
        assert_int_equal(policy_usable(chunk, (void *)(chunk->base + at)), 0);
    }
    assert_true(policy_give(player.heap, chunk, first));
    expect_sound("pool");
}

/* Also where one of the two has no heap, as a thread that is about to end. */
static void policy_give_twice_by_two_threads_is_refused(void **state)
{
    (void)state;
    begin("pool", false);
    unsigned char *first = policy_take(player.heap, 48, 0);
    unsigned char *second = policy_take(player.heap, 48, 0);
    struct policy_chunk *chunk = player_chunk(&player, first);
    assert_true(policy_give(player.heap, chunk, first));
    assert_false(policy_give(NULL, chunk, first));
    assert_true(policy_give(NULL, chunk, second));
    assert_false(policy_give(player.heap, chunk, second));
    assert_false(policy_give(NULL, chunk, second));
    assert_false(policy_give(NULL, chunk, second + 16));
    assert_int_equal(policy_usable(chunk, first), 0);
    assert_int_equal(counted(COUNT_give_count), 2);
    assert_int_equal(counted(COUNT_remote_give_count), 1);
    expect_sound("pool");
}

static void policy_take_too_large_is_declined_and_counted(void **state)
{
    (void)state;
    for (size_t i = 0; i < KINDS; i++) {
        begin(kinds[i], false);
        assert_null(policy_take(player.heap, (size_t)1 << 40, 0));
        assert_null(policy_take(player.heap, SIZE_MAX, 0));
        assert_null(policy_take(player.heap, 16, (size_t)1 << 30));
        assert_int_equal(counted(COUNT_declined_size_count), 2);
        assert_int_equal(counted(COUNT_declined_alignment_count), 1);
        assert_int_equal(counted(COUNT_take_count), 0);
        end(NULL);
    }
}

static void policy_take_without_memory_is_declined_and_recovers(void **state)
{
    (void)state;
    for (size_t i = 0; i < KINDS; i++) {
        begin(kinds[i], true);
        void *first = policy_take(player.heap, 1000, 0);
        void *last = first;
        uint64_t count = 0;
        for (void *block = first; block != NULL; count++) {
            last = block;
            block = policy_take(player.heap, 1000, 0);
        }
        assert_true(count > 1000);
        assert_int_equal(counted(COUNT_declined_full_count), 1);
        assert_true(policy_give(player.heap, player_chunk(&player, last), last));
        if (player.policy->settings.kind != POLICY_FRAME) {
            assert_non_null(policy_take(player.heap, 1000, 0));
        }
        end(NULL);
    }
}

static void policy_count_anew_begins_at_0_and_leaves_the_policy_sound(void **state)
{
    (void)state;
    for (size_t i = 0; i < KINDS; i++) {
        uint64_t ever[POLICY_COUNTER_COUNT];
        begin(kinds[i], false);
        for (uint32_t step = 0; step < STEPS / 10; step++) {
            player_step(&player, PLAYER_BLOCKS);
        }
        uint64_t taken_before = counted(COUNT_take_count);
        uint64_t held_bytes = counted(COUNT_footprint_bytes);

        policy_count_anew(player.policy);

        for (unsigned counter = 0; counter < POLICY_COUNTER_COUNT; counter++) {
            bool is_level =
                counter == COUNT_footprint_bytes || counter == COUNT_footprint_max_bytes;
            assert_int_equal(counted((enum policy_counter)counter), is_level ? held_bytes : 0);
        }
        player_give_all(&player);
        expect_sound(kinds[i]); /* though more was given back than taken since */
        policy_count_ever(player.policy, ever);
        assert_int_equal(counted(COUNT_take_count), ever[COUNT_take_count] - taken_before);
        assert_true(counted(COUNT_give_count) > 0);
        end(state);
    }
}

/* A simulation must come to the same addresses without ever touching them. */
static void policy_on_simulated_memory_does_the_same(void **state)
{
    (void)state;
    for (size_t i = 0; i < KINDS; i++) {
        uint64_t counts[2][POLICY_COUNTER_COUNT];
        uint64_t sums[2] = {0};
        for (int is_simulated = 0; is_simulated <= 1; is_simulated++) {
            begin(kinds[i], is_simulated != 0);
            for (uint32_t step = 0; step < STEPS / 4; step++) {
                player_step(&player, PLAYER_BLOCKS);
                const struct player_block *block = &player.blocks[step % PLAYER_BLOCKS];
                uint64_t offset =
                    block->at != NULL ? (uintptr_t)block->at - backing.base : UINT64_MAX;
                sums[is_simulated] = sums[is_simulated] * 31 + offset;
            }
            policy_count(player.policy, counts[is_simulated]);
            end(NULL);
        }
        assert_memory_equal(counts[0], counts[1], sizeof(counts[0]));
        assert_int_equal(sums[0], sums[1]);
    }
}

/* As in a signal handler that interrupted the policy. */
static void policy_within_a_call_declines_and_notes(void **state)
{
    (void)state;
    for (size_t i = 0; i < KINDS; i++) {
        begin(kinds[i], false);
        for (size_t k = 0; k < PLAYER_BLOCKS; k++) {
            player_take(&player, &player.blocks[k]);
        }
        assert_true(policy_enter(player.heap));
        assert_null(policy_take(player.heap, 16, 0));
        assert_int_equal(counted(COUNT_declined_busy_count), 1);
        uint64_t noted_count = 0;
        for (size_t k = 0; k < PLAYER_BLOCKS; k += 2) {
            if (player.blocks[k].at != NULL) {
                void *block = player.blocks[k].at;
                player_give(&player, &player.blocks[k]);
                assert_false(policy_give(player.heap, player_chunk(&player, block), block));
                noted_count++;
            }
        }
        policy_leave(player.heap);
        assert_int_equal(counted(COUNT_remote_give_count), noted_count);
        expect_sound(kinds[i]);
        for (uint32_t step = 0; step < STEPS / 4; step++) {
            player_step(&player, PLAYER_BLOCKS);
        }
        player_give_all(&player);
        expect_sound(kinds[i]);
        assert_int_equal(counted(COUNT_take_count), counted(COUNT_give_count));
        end(NULL);
    }
}

static void policy_heap_of_an_ended_thread_serves_the_next(void **state)
{
    (void)state;
    for (size_t i = 0; i < KINDS; i++) {
        begin(kinds[i], false);
        for (size_t k = 0; k < PLAYER_BLOCKS; k++) {
            player_take(&player, &player.blocks[k]);
        }
        struct policy_heap *old = player.heap;
        policy_heap_close(old);
        assert_ptr_equal(policy_heap_open(player.policy), old);
        assert_ptr_not_equal(policy_heap_open(player.policy), old);
        player_give_all(&player);
        expect_sound(kinds[i]);
        end(NULL);
    }
}

/* AddressSanitizer sees the use of memory that was given back, and of what lies behind a block. */
static void policy_block_that_is_misused_is_reported(void **state)
{
    (void)state;
#if defined(__SANITIZE_ADDRESS__)
    for (size_t i = 0; i < KINDS; i++) {
        for (int is_beyond = 0; is_beyond <= 1; is_beyond++) {
            begin(kinds[i], false);
            volatile unsigned char *block = policy_take(player.heap, 40, 0);
            volatile unsigned char *other = policy_take(player.heap, 40, 0);
            other[39] = 1;
            block[39] = 1;
            if (!is_beyond) {
                policy_give(player.heap, player_chunk(&player, (void *)block), (void *)block);
            }
            pid_t pid = fork();
            if (pid == 0) {
                close(STDERR_FILENO);
                block[is_beyond ? 40 : 8] = 1;
                _exit(0);
            }
            int status = 0;
            waitpid(pid, &status, 0);
            assert_int_not_equal(status, 0);
            end(NULL);
        }
    }
#else
    skip();
#endif
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(policy_take_and_give_at_random_stays_sound, end),
        cmocka_unit_test_teardown(policy_count_anew_begins_at_0_and_leaves_the_policy_sound, end),
        cmocka_unit_test_teardown(policy_give_of_the_last_block_returns_the_memory, end),
        cmocka_unit_test_teardown(policy_give_of_what_is_no_live_block_is_refused, end),
        cmocka_unit_test_teardown(policy_give_twice_of_what_was_written_to_is_refused, end),
        cmocka_unit_test_teardown(policy_give_of_the_rest_of_a_chunk_is_refused, end),
        cmocka_unit_test_teardown(policy_give_twice_by_two_threads_is_refused, end),
        cmocka_unit_test_teardown(policy_take_too_large_is_declined_and_counted, end),
        cmocka_unit_test_teardown(policy_take_without_memory_is_declined_and_recovers, end),
        cmocka_unit_test_teardown(policy_on_simulated_memory_does_the_same, end),
        cmocka_unit_test_teardown(policy_within_a_call_declines_and_notes, end),
        cmocka_unit_test_teardown(policy_heap_of_an_ended_thread_serves_the_next, end),
        cmocka_unit_test_teardown(policy_block_that_is_misused_is_reported, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
