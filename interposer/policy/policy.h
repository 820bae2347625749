/*
 * policy.h - one allocation strategy, run live by the router and offline by `simulate`.
 *
 * A policy hands out blocks from chunks that it takes from its backing. Whatever it keeps lies
 * outside of them, and it never touches a byte of a block, so that a simulation runs the same code
 * over addresses without memory. Where it cannot or should not serve it declines, and counts why:
 * the caller then uses the next allocator.
 *
 * Each thread has a heap of its own in each policy. A heap is for one thread at a time, and may be
 * used in its signal handlers: a take that interrupted the policy is declined, a give is noted.
 * Nothing here allocates from the program's heap, prints, or changes errno.
 */
#ifndef ALLOCAUDIT_POLICY_H
#define ALLOCAUDIT_POLICY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "backing.h"
#include "chunk.h"
#include "settings.h"

enum {
    POLICY_ALIGNMENT = 16,     /* of all blocks */
    POLICY_QUICK_BYTES = 1024, /* larger requests are never served the quick way */
};

enum policy_counter {
#define X(name, text) COUNT_##name,
    POLICY_COUNTERS(X)
#undef X
    POLICY_COUNTER_COUNT
};

/* "take_count" and so on, and what each counts. */
extern const char *const policy_counter_names[POLICY_COUNTER_COUNT];
extern const char *const policy_counter_texts[POLICY_COUNTER_COUNT];

struct policy;

/* The part of a heap that all policies share; theirs follows. */
struct policy_heap {
    void *(*take)(struct policy_heap *heap, size_t size_bytes); /* operations->take */
    /*
     * Where it says whether it is idle: the heap itself stands there; NULL: within a call, what
     * comes now is from a signal handler. So who has the place at hand comes to the heap and to
     * that answer by one load, and comparing a chunk's owner with it is the check for both.
     */
    struct policy_heap **gate;
    struct policy_heap *own_gate; /* unless the heap's user has another place */
    bool is_open;
    uint32_t busy_count; /* takes declined for it: not in counts, whose change may be interrupted */
    struct policy *policy;
    struct policy_heap *next; /* all heaps of the policy */
    struct chunk_queue queue; /* what others gave back */
    uint64_t counts[POLICY_COUNTER_COUNT];
};

/*
 * What a kind of policy is made of. Takes and give are called as they are, many times a second:
 * they begin with policy_enter() and end with policy_leave(). The others are called between these
 * two.
 */
struct policy_operations {
    size_t policy_bytes;
    size_t heap_bytes;
    bool (*init)(struct policy *policy);
    void (*heap_init)(struct policy_heap *heap);
    void (*heap_close)(struct policy_heap *heap); /* the thread has ended; NULL: nothing to do */
    void *(*take)(struct policy_heap *heap, size_t size_bytes);
    void *(*take_aligned)(struct policy_heap *heap, size_t size_bytes, size_t alignment);
    bool (*give)(uintptr_t block, struct policy_chunk *chunk, struct policy_heap *heap);
    bool (*leave)(struct policy_chunk *chunk,
                  uintptr_t block); /* give without a heap: leave a note */
    size_t (*usable)(const struct policy_chunk *chunk, uintptr_t block);
    bool (*resize)(struct policy_heap *heap, struct policy_chunk *chunk, uintptr_t block,
                   size_t size_bytes);           /* NULL: by the usable size */
    void (*end_frame)(struct policy_heap *heap); /* NULL: nothing to do */
    void (*count)(const struct policy *policy, uint64_t counts[POLICY_COUNTER_COUNT]);
    void (*lock_all)(struct policy *policy, bool is_locking); /* NULL: no locks but the policy's */
    const char *(*check)(const struct policy *policy);        /* NULL: all is as it must be */
};

/* The part of a policy that all share; theirs follows. */
struct policy {
    const struct policy_operations *operations;
    struct backing *backing;
    struct policy_settings settings;
    uint32_t number;           /* for whoever has several: not used here */
    struct policy_heap *heaps; /* under lock, and only ever added to */
    struct chunk_queue queue;  /* of chunks that belong to the policy */
    struct policy_lock lock;
    _Atomic uint64_t footprint_bytes;
    _Atomic uint64_t footprint_max_bytes;
    _Atomic uint64_t chunk_take_count;
    _Atomic uint64_t chunk_give_count;
    _Atomic uint64_t noted_give_count;         /* by operations->leave */
    uint64_t old_counts[POLICY_COUNTER_COUNT]; /* of what policy_count() leaves out */
};

extern const struct policy_operations pool_operations;
extern const struct policy_operations frame_operations;
extern const struct policy_operations buddy_operations;
extern const struct policy_operations slab_operations;

/*
 * Makes a policy whose memory comes from `backing`, which must outlive it. NULL: no memory. There
 * is no end to it but that of the backing.
 */
struct policy *policy_create(const struct policy_settings *settings, struct backing *backing);

/* A heap for a thread, perhaps one that another has closed, with what is in it. NULL: no memory. */
struct policy_heap *policy_heap_open(struct policy *policy);

/* The heap's thread has ended. Its live blocks stay valid. */
void policy_heap_close(struct policy_heap *heap);

/* The heap's thread is within a call. */
static inline bool policy_is_busy(const struct policy_heap *heap)
{
    return *heap->gate == NULL;
}

/*
 * From now on `gate`, which is the heap's until it is moved again, says whether the heap is idle;
 * NULL: the heap's own place. A gate that the heap leaves becomes NULL. By the heap's thread, also
 * in a signal handler, or while that is not there. For pools only: the others look at their own.
 */
void policy_heap_move_gate(struct policy_heap *heap, struct policy_heap **gate);

/*
 * A block of size_bytes or more at a multiple of alignment (a power of two; 0 or up to 16: the
 * usual). NULL: declined.
 */
static inline void *policy_take(struct policy_heap *heap, size_t size_bytes, size_t alignment)
{
    return alignment <= POLICY_ALIGNMENT
               ? heap->take(heap, size_bytes)
               : heap->policy->operations->take_aligned(heap, size_bytes, alignment);
}

/*
 * Takes a block back. `heap` is the calling thread's in this chunk's policy, or NULL if it has
 * none. False: the address is none of a live block.
 */
static inline bool policy_give(struct policy_heap *heap, struct policy_chunk *chunk, void *block)
{
    return chunk->give((uintptr_t)block, chunk, heap);
}

/* Bytes that the program may use of a live block; 0: no block begins there. */
size_t policy_usable(const struct policy_chunk *chunk, const void *block);

/* True if the block can be that large, or small, where it is; then it is. */
bool policy_resize(struct policy_heap *heap, struct policy_chunk *chunk, void *block,
                   size_t size_bytes);

/*
 * Where a realloc of a live block puts it: `block` itself, if it can be that large where it is;
 * another one; NULL: declined, the next allocator has to serve it. Unless it stayed, the caller
 * copies what is in it, and then gives it back. `heap` may be NULL.
 */
static inline void *policy_move(struct policy_heap *heap, struct policy_chunk *chunk, void *block,
                                size_t size_bytes)
{
    if (policy_resize(heap, chunk, block, size_bytes)) {
        return block;
    }
    return heap != NULL ? policy_take(heap, size_bytes, 0) : NULL;
}

/* The program says that a frame has ended (allocaudit_frame()). */
void policy_end_frame(struct policy_heap *heap);

/*
 * Around fork: between the two, no other thread holds a lock of the policy; that of its backing is
 * the caller's to hold, after those of all policies that share it. Heaps of threads that are not
 * there in the child, and were inside (policy_is_busy()), must not be used again.
 */
void policy_before_fork(struct policy *policy);
void policy_after_fork(struct policy *policy);

/*
 * Adds up what all heaps have counted. What can be seen from the chunks is not counted call by
 * call, so this looks at all of them. Exact when no thread is inside.
 */
void policy_count(const struct policy *policy, uint64_t out_counts[POLICY_COUNTER_COUNT]);

/*
 * Lets policy_count() begin at 0: in a forked child, what came before was its parent's. Blocks that
 * it gives back count, also where its parent took them. No other thread may be inside.
 */
void policy_count_anew(struct policy *policy);

/* The same since the policy was made: what its memory agrees with. */
void policy_count_ever(const struct policy *policy, uint64_t out_counts[POLICY_COUNTER_COUNT]);

/* What is wrong with the policy's memory, as a constant text, or NULL. No thread may be inside. */
const char *policy_check(const struct policy *policy);

/* ---- for the policies themselves ---------------------------------------------------------------
 */

/*
 * A chunk of `bytes` with a description of note_bytes, entered for its pages. NULL: no memory.
 * The blocks are poisoned for AddressSanitizer.
 */
struct policy_chunk *policy_take_chunk(struct policy *policy, struct policy_heap *owner,
                                       size_t bytes, size_t note_bytes);
void policy_give_chunk(struct policy_chunk *chunk);

/* As policy_enter_at(), where the heap is known not to be busy. */
static inline void policy_enter_idle(struct policy_heap **gate)
{
    *gate = NULL;
    atomic_signal_fence(memory_order_seq_cst);
}

/* For who has the heap's gate at hand. False: this is a signal handler that interrupted the policy.
 */
static inline bool policy_enter_at(struct policy_heap **gate)
{
    if (__builtin_expect(*gate == NULL, 0)) {
        return false;
    }
    policy_enter_idle(gate);
    return true;
}

static inline void policy_leave_at(struct policy_heap **gate, struct policy_heap *heap)
{
    atomic_signal_fence(memory_order_seq_cst);
    *gate = heap;
}

/* The same for everybody. */
static inline bool policy_enter(struct policy_heap *heap)
{
    return policy_enter_at(heap->gate);
}

static inline void policy_leave(struct policy_heap *heap)
{
    policy_leave_at(heap->gate, heap);
}

static inline uint64_t policy_setting(const struct policy *policy, enum policy_setting setting)
{
    return policy->settings.values[setting];
}

static inline void policy_note_steps(struct policy_heap *heap, uint64_t steps)
{
    if (steps > heap->counts[COUNT_step_max]) {
        heap->counts[COUNT_step_max] = steps;
    }
}

/* A take that policy_enter() refused. */
static inline void *policy_decline_busy(struct policy_heap *heap)
{
    heap->busy_count++;
    return NULL;
}

/* The give that policy_enter() refused, or of a thread without a heap: leaves a note of the block.
 */
bool policy_note(struct policy_chunk *chunk, uintptr_t block);

static inline void *policy_decline(struct policy_heap *heap, enum policy_counter why)
{
    heap->counts[why]++;
    return NULL;
}

/*
 * NAME_take(), NAME_take_aligned() and NAME_give() of struct policy_operations, out of
 * NAME_take_inside() and NAME_give_inside(), which have a HEAP that is marked as busy. For policies
 * whose heaps keep their own gates.
 */
#define POLICY_GUARDED(name, HEAP)                                                                 \
    static void *name##_take_aligned(struct policy_heap *heap, size_t size_bytes,                  \
                                     size_t alignment)                                             \
    {                                                                                              \
        if (!policy_enter_at(&heap->own_gate)) {                                                   \
            return policy_decline_busy(heap);                                                      \
        }                                                                                          \
        void *block = name##_take_inside((HEAP *)heap, size_bytes, alignment);                     \
        policy_leave_at(&heap->own_gate, heap);                                                    \
        return block;                                                                              \
    }                                                                                              \
    static void *name##_take(struct policy_heap *heap, size_t size_bytes)                          \
    {                                                                                              \
        return name##_take_aligned(heap, size_bytes, 0);                                           \
    }                                                                                              \
    static bool name##_give(uintptr_t block, struct policy_chunk *chunk, struct policy_heap *heap) \
    {                                                                                              \
        if (heap == NULL || !policy_enter_at(&heap->own_gate)) {                                   \
            return policy_note(chunk, block);                                                      \
        }                                                                                          \
        bool is_given = name##_give_inside((HEAP *)heap, chunk, block);                            \
        policy_leave_at(&heap->own_gate, heap);                                                    \
        return is_given;                                                                           \
    }

#endif
