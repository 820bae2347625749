/* Blocks that go from thread to thread: each is given back by another than the one that took it. */
#include "policy_player.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

enum {
    THREADS = 4,
    ROUNDS = 20000, /* times POLICY_ROUNDS in the environment, for long runs */
    MAILBOXES = 128,
};

static struct backing backing;
static struct policy *policy;
static _Atomic(unsigned char *) mailboxes[MAILBOXES];
static _Atomic unsigned wrong_count;
static long round_count;

static void check(bool is_right)
{
    atomic_fetch_add(&wrong_count, is_right ? 0 : 1);
}

/* A block holds its size, and as its last byte a sum of it. */
static unsigned char *make_block(struct policy_heap *heap, uint32_t random)
{
    uint32_t size_bytes = 8 + random % 700;
    unsigned char *block = policy_take(heap, size_bytes, 0);
    if (block != NULL) {
        memcpy(block, &size_bytes, sizeof(size_bytes));
        memset(block + sizeof(size_bytes), (int)(size_bytes % 251),
               size_bytes - sizeof(size_bytes));
    }
    return block;
}

static void end_block(struct policy_heap *heap, unsigned char *block)
{
    uint32_t size_bytes;
    memcpy(&size_bytes, block, sizeof(size_bytes));
    for (uint32_t i = sizeof(size_bytes); i < size_bytes; i++) {
        check(block[i] == size_bytes % 251);
    }
    check(policy_give(heap, backing_chunk(&backing, block), block));
}

static void *hand_around(void *argument)
{
    uint32_t random = (uint32_t)(uintptr_t)argument;
    struct policy_heap *heap = policy_heap_open(policy);
    for (long i = 0; i < round_count; i++) {
        random = random * 1664525 + 1013904223;
        unsigned char *block = make_block(heap, random >> 8);
        check(block != NULL);
        block = atomic_exchange(&mailboxes[(random >> 20) % MAILBOXES], block);
        if (block != NULL) {
            end_block(random % 64 == 0 ? NULL : heap, block);
        }
    }
    policy_heap_close(heap);
    return NULL;
}

static void play(const char *kind)
{
    pthread_t threads[THREADS];
    uint64_t counts[POLICY_COUNTER_COUNT];
    assert_true(backing_init(&backing, BACKING_BYTES_LEAST * 16, false));
    policy = player_policy(&backing, kind);
    for (uintptr_t round = 0; round < 2;
         round++) { /* the second takes over the heaps of the first */
        for (uintptr_t i = 0; i < THREADS; i++) {
            assert_int_equal(
                pthread_create(&threads[i], NULL, hand_around, (void *)(round * 10 + i)), 0);
        }
        for (int i = 0; i < THREADS; i++) {
            pthread_join(threads[i], NULL);
        }
    }
    for (int i = 0; i < MAILBOXES; i++) {
        unsigned char *block = atomic_exchange(&mailboxes[i], NULL);
        if (block != NULL) {
            end_block(NULL, block);
        }
    }
    const char *wrong = policy_check(policy);
    if (wrong != NULL) {
        fail_msg("%s: %s", kind, wrong);
    }
    policy_count(policy, counts);
    assert_int_equal(atomic_load(&wrong_count), 0);
    assert_int_equal(counts[COUNT_take_count], 2 * THREADS * (uint64_t)round_count);
    assert_int_equal(counts[COUNT_give_count], 2 * THREADS * (uint64_t)round_count);
    assert_true(counts[COUNT_footprint_max_bytes] < 64 << 20);
    backing_fini(&backing);
}

#define TEST(name, kind)                                                                           \
    static void policy_by_many_threads_keeps_blocks_apart_##name(void **state)                     \
    {                                                                                              \
        (void)state;                                                                               \
        play(kind);                                                                                \
    }
TEST(pool, "pool:chunk_bytes=16384,spare_chunks=0")
TEST(frame, "frame:chunk_bytes=16384,spare_chunks=0")
TEST(buddy, "buddy:zone_bytes=1048576,spare_zones=0")
TEST(weighted, "buddy:is_weighted=1,lazy_count=4")
TEST(slab, "slab:partial_min=0")

int main(void)
{
    const char *factor = getenv("POLICY_ROUNDS");
    round_count = ROUNDS * (factor != NULL ? strtol(factor, NULL, 10) : 1);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(policy_by_many_threads_keeps_blocks_apart_pool),
        cmocka_unit_test(policy_by_many_threads_keeps_blocks_apart_frame),
        cmocka_unit_test(policy_by_many_threads_keeps_blocks_apart_buddy),
        cmocka_unit_test(policy_by_many_threads_keeps_blocks_apart_weighted),
        cmocka_unit_test(policy_by_many_threads_keeps_blocks_apart_slab),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
