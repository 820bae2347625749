/*
 * policies.c - what a block costs: by our policies, by the barest of lists, by malloc.
 *
 *   policies KIND SLICES
 *
 * KIND is list (an inline free list), bump (an inline pointer), pool-inline, frame-inline, pool,
 * frame, buddy, slab (as the router calls them) or malloc (preload an allocator to measure that).
 *
 * Prints "pair_ps N": a take and a give, a new block of 64 bytes in place of the oldest of 256; and
 * "take_ps N": a take alone, of 1,000 in turn, whose blocks are given back untimed. Medians of
 * SLICES slices, in picoseconds.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "../../interposer/policy/frame.h"
#include "../../interposer/policy/pool.h"

enum {
    RING_BLOCKS = 256,
    BATCH_BLOCKS = 1000,
    BLOCK_BYTES = 64,
    SLICE_PAIRS = 100000,
    SLICES_MAX = 10000,
    ARENA_BYTES = 1 << 20,
    LINE_BYTES =
        64, /* of the cache: where data come to lie in them made the list 1.5 times slower */
};

static struct backing backing;
static _Alignas(LINE_BYTES) void *ring[RING_BLOCKS];
static _Alignas(LINE_BYTES) void *batch[BATCH_BLOCKS];

#define INLINE   inline __attribute__((always_inline))
#define ALIGNED  __attribute__((aligned(LINE_BYTES)))
#define NOINLINE __attribute__((noinline, aligned(LINE_BYTES)))

/*
 * Between two calls of an allocator a program runs code of its own, which the compiler does not see
 * through: what an allocator knows lies in memory then, also that of the barest.
 */
#define BETWEEN_CALLS() __asm__ volatile("" : : : "memory")

/* ---- the barest ones ---------------------------------------------------------------------------
 */

struct link {
    struct link *next;
};

static _Alignas(LINE_BYTES) char arena[ARENA_BYTES];
static _Alignas(LINE_BYTES) struct link *list_head;
static _Alignas(LINE_BYTES) char *bump_top = arena;

static INLINE void *list_take(struct policy_heap *unused)
{
    (void)unused;
    struct link *link = list_head;
    if (__builtin_expect(link == NULL, 0)) {
        return NULL;
    }
    list_head = link->next;
    return link;
}

static INLINE void list_give(struct policy_heap *unused, void *block)
{
    (void)unused;
    struct link *link = block;
    link->next = list_head;
    list_head = link;
}

static void list_fill(void)
{
    for (size_t at = 0; at < ARENA_BYTES; at += BLOCK_BYTES) {
        list_give(NULL, arena + at);
    }
}

static INLINE void *bump_take(struct policy_heap *unused)
{
    (void)unused;
    char *block = bump_top;
    if (__builtin_expect(arena + ARENA_BYTES - block < BLOCK_BYTES, 0)) {
        block = arena;
    }
    bump_top = block + BLOCK_BYTES;
    return block;
}

static INLINE void bump_give(struct policy_heap *unused, void *block)
{
    (void)unused;
    (void)block;
}

/* ---- ours --------------------------------------------------------------------------------------
 */

/* As route.c serves malloc and free by a pool. */
static __thread struct policy_heap *gate_of_self;
static struct policy_heap *heap_of_self;

static INLINE void *pool_inline_malloc(size_t size_bytes)
{
    void *block = pool_take_quickly(&gate_of_self, size_bytes);
    return __builtin_expect(block != NULL, 1) ? block
                                              : pool_take_slowly(heap_of_self, size_bytes, 0);
}

static INLINE void pool_inline_free(void *block)
{
    struct policy_chunk *chunk = backing_chunk(&backing, block);
    if (__builtin_expect(chunk != NULL, 1) &&
        __builtin_expect(!pool_give_quickly((uintptr_t)block, chunk, &gate_of_self), 0)) {
        pool_give_slowly((uintptr_t)block, chunk, heap_of_self);
    }
}

static INLINE void *pool_inline_take(struct policy_heap *unused)
{
    (void)unused;
    return pool_inline_malloc(BLOCK_BYTES);
}

static INLINE void pool_inline_give(struct policy_heap *unused, void *block)
{
    (void)unused;
    pool_inline_free(block);
}

static INLINE void *frame_inline_take(struct policy_heap *heap)
{
    if (!policy_enter_at(&heap->own_gate)) {
        return NULL;
    }
    void *block = frame_take_inside((struct frame_heap *)heap, BLOCK_BYTES, 0);
    policy_leave_at(&heap->own_gate, heap);
    return block;
}

static NOINLINE void *pool_malloc(size_t size_bytes)
{
    return pool_inline_malloc(size_bytes);
}

static NOINLINE void pool_free(void *block)
{
    pool_inline_free(block);
}

static void *pool_take(struct policy_heap *unused)
{
    (void)unused;
    size_t size_bytes = BLOCK_BYTES;
    __asm__("" : "+r"(size_bytes)); /* no function of its own for this size */
    return pool_malloc(size_bytes);
}

static void pool_give(struct policy_heap *unused, void *block)
{
    (void)unused;
    pool_free(block);
}

static void *router_take(struct policy_heap *heap)
{
    return policy_take(heap, BLOCK_BYTES, 0);
}

static void router_give(struct policy_heap *heap, void *block)
{
    policy_give(heap, backing_chunk(&backing, block), block);
}

static void *malloc_take(struct policy_heap *unused)
{
    (void)unused;
    return malloc(BLOCK_BYTES);
}

static void malloc_give(struct policy_heap *unused, void *block)
{
    (void)unused;
    free(block);
}

/* ---- measuring ---------------------------------------------------------------------------------
 */

static double now_ps(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e12 + (double)now.tv_nsec * 1e3;
}

static int compare(const void *one, const void *other)
{
    double first = *(const double *)one;
    double second = *(const double *)other;
    return (first > second) - (first < second);
}

/*
 * A loop of its own for each kind, so that what is inline there is inline here. All begin at a
 * cache line: where the list's lay otherwise, it took 0.64 or 0.96 ns.
 */
#define MEASURE(name, take, give)                                                                  \
    static ALIGNED double pair_ps_##name(struct policy_heap *heap)                                 \
    {                                                                                              \
        double started_ps = now_ps();                                                              \
        for (size_t i = 0; i < SLICE_PAIRS; i++) {                                                 \
            void **slot = &ring[i % RING_BLOCKS];                                                  \
            void *block = take(heap);                                                              \
            BETWEEN_CALLS();                                                                       \
            *(volatile char *)block = (char)i;                                                     \
            if (*slot != NULL) {                                                                   \
                give(heap, *slot);                                                                 \
            }                                                                                      \
            BETWEEN_CALLS();                                                                       \
            *slot = block;                                                                         \
        }                                                                                          \
        return (now_ps() - started_ps) / SLICE_PAIRS;                                              \
    }                                                                                              \
    static ALIGNED double take_ps_##name(struct policy_heap *heap)                                 \
    {                                                                                              \
        double sum_ps = 0;                                                                         \
        for (size_t round = 0; round < SLICE_PAIRS / BATCH_BLOCKS; round++) {                      \
            double started_ps = now_ps();                                                          \
            for (size_t i = 0; i < BATCH_BLOCKS; i++) {                                            \
                batch[i] = take(heap);                                                             \
                BETWEEN_CALLS();                                                                   \
            }                                                                                      \
            sum_ps += now_ps() - started_ps;                                                       \
            for (size_t i = BATCH_BLOCKS; i-- > 0;) {                                              \
                give(heap, batch[i]);                                                              \
            }                                                                                      \
        }                                                                                          \
        return sum_ps / SLICE_PAIRS;                                                               \
    }

MEASURE(list, list_take, list_give)
MEASURE(bump, bump_take, bump_give)
MEASURE(pool_inline, pool_inline_take, pool_inline_give)
MEASURE(frame_inline, frame_inline_take, router_give)
MEASURE(pool, pool_take, pool_give)
MEASURE(router, router_take, router_give)
MEASURE(malloc, malloc_take, malloc_give)

static const struct kind {
    const char *name;
    const char *policy; /* NULL: none */
    double (*pair_ps)(struct policy_heap *heap);
    double (*take_ps)(struct policy_heap *heap);
} kinds[] = {
    {"list", NULL, pair_ps_list, take_ps_list},
    {"bump", NULL, pair_ps_bump, take_ps_bump},
    {"pool-inline", "pool", pair_ps_pool_inline, take_ps_pool_inline},
    {"frame-inline", "frame", pair_ps_frame_inline, take_ps_frame_inline},
    {"pool", "pool", pair_ps_pool, take_ps_pool},
    {"frame", "frame", pair_ps_router, take_ps_router},
    {"buddy", "buddy", pair_ps_router, take_ps_router},
    {"slab", "slab", pair_ps_router, take_ps_router},
    {"malloc", NULL, pair_ps_malloc, take_ps_malloc},
};

static const struct kind *find_kind(const char *name)
{
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        if (strcmp(kinds[i].name, name) == 0) {
            return &kinds[i];
        }
    }
    return NULL;
}

static struct policy_heap *make_heap(const char *text)
{
    struct policy_settings settings;
    struct policy_mistake mistake;
    if (!policy_settings_parse(text, &settings, &mistake) ||
        !backing_init(&backing, BACKING_BYTES_LEAST * 16, false)) {
        exit(1);
    }
    return policy_heap_open(policy_create(&settings, &backing));
}

int main(int argc, char **argv)
{
    static double pairs[SLICES_MAX];
    static double takes[SLICES_MAX];
    const struct kind *kind = argc == 3 ? find_kind(argv[1]) : NULL;
    long count = argc == 3 ? strtol(argv[2], NULL, 10) : 0;
    if (kind == NULL || count < 1 || count > SLICES_MAX) {
        fprintf(stderr, "usage: policies KIND SLICES\n");
        return 2;
    }
    list_fill();
    struct policy_heap *heap = kind->policy != NULL ? make_heap(kind->policy) : NULL;
    heap_of_self = heap;
    if (kind->policy != NULL && strcmp(kind->policy, "pool") == 0) {
        policy_heap_move_gate(heap, &gate_of_self);
    }
    kind->pair_ps(heap); /* to warm up */
    for (long i = 0; i < count; i++) {
        pairs[i] = kind->pair_ps(heap);
        takes[i] = kind->take_ps(heap);
    }
    qsort(pairs, (size_t)count, sizeof(*pairs), compare);
    qsort(takes, (size_t)count, sizeof(*takes), compare);
    printf("pair_ps %.0f\ntake_ps %.0f\n", pairs[count / 2], takes[count / 2]);
    return 0;
}
