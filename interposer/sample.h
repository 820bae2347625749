/*
 * sample.h - which allocations are recorded when not all are (`run --sample`).
 *
 * Of all bytes that a thread allocates, each is a sample point with the same small probability; an
 * allocation is recorded if it holds one. So a thread counts down to its next sample point, and a
 * hook begins by taking the allocation's bytes off that count: as long as it stays above zero, the
 * call goes straight to the real function. A size counts one byte more than it is, so that empty
 * blocks have a chance, too. Where everything is recorded the count is always zero.
 *
 * Of frees only those of recorded blocks are recorded (sample_set.h). An operator new leaves the
 * decision to the malloc that it calls, or settles it beforehand; so there is one for a block.
 */
#ifndef ALLOCAUDIT_SAMPLE_H
#define ALLOCAUDIT_SAMPLE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../schema/event.h"
#include "sample_set.h"

enum sample_mode {
    SAMPLE_UNKNOWN, /* this process has not attached yet */
    SAMPLE_ALL,
    SAMPLE_SOME,
};

extern __attribute__((visibility("hidden"))) _Atomic uint32_t sample_mode;

/* Bytes that pass before the next sample point; 0: the next allocation asks sample_decide(). */
extern __thread size_t sample_bytes_left
    __attribute__((tls_model("initial-exec"), visibility("hidden")));

static inline bool sample_is_mode(enum sample_mode mode)
{
    return atomic_load_explicit(&sample_mode, memory_order_relaxed) == mode;
}

/* True: not to be recorded, call the real function (which is known then) and do nothing else. */
static inline bool sample_passes(size_t size_bytes)
{
    size_t left = sample_bytes_left;
    if (__builtin_expect(left > size_bytes, 1)) {
        sample_bytes_left = left - size_bytes - 1;
        return true;
    }
    return false;
}

/* The rest of sample_takes(). */
bool sample_decide(size_t size_bytes, const void *frame);

/* True if this allocation is to be recorded. `frame`: the hook's frame address. */
static inline bool sample_takes(size_t size_bytes, const void *frame)
{
    return !sample_passes(size_bytes) &&
           (sample_is_mode(SAMPLE_ALL) || sample_decide(size_bytes, frame));
}

/* True: not to be recorded, call the real function (which is known then) and do nothing else. */
static inline bool sample_passes_free(const void *block)
{
    return sample_filter_excludes(block);
}

/* The rest of sample_skips_free(). */
bool sample_decide_free(const void *block);

/* True if the free of this block is not to be recorded. If it is, the block leaves the set. */
static inline bool sample_skips_free(const void *block)
{
    return !sample_is_mode(SAMPLE_ALL) && sample_decide_free(block);
}

/* The same for realloc: neither the old block's end nor the new one is to be recorded. */
static inline bool sample_passes_realloc(const void *old, size_t size_bytes)
{
    return sample_passes_free(old) && sample_passes(size_bytes);
}

/* A realloc in a mode other than SAMPLE_ALL. */
void *sample_realloc(enum alloc_kind kind, void *old, size_t size_bytes, const void *frame);

/*
 * Says whether an allocation that was taken can be recorded, after which its block is in the set.
 * If it cannot, it counts as lost.
 */
bool sample_keep(const void *block);

static inline bool sample_keeps(const void *block)
{
    return sample_is_mode(SAMPLE_ALL) || block == NULL || sample_keep(block);
}

/*
 * For a function that gets its memory by a hooked one. True: the inner call will pass, nothing is
 * to be done before or after. room_bytes: how much more it may ask for.
 */
static inline bool sample_passes_inside(size_t size_bytes, size_t room_bytes)
{
    size_t left = sample_bytes_left;
    return left > size_bytes && left - size_bytes > room_bytes;
}

/* After such a call: where the function got its memory by itself, nobody has counted its bytes. */
static inline void sample_count_inside(size_t left_before, size_t size_bytes)
{
    if (sample_bytes_left == left_before) {
        sample_bytes_left = left_before - size_bytes - 1;
    }
}

/* What an outer hook has to do after the real call. */
enum sample_outer {
    SAMPLE_INNER,    /* nothing: a hook still further out has settled it */
    SAMPLE_EXPECTED, /* emit_expected_alloc_done() */
    SAMPLE_SKIPPED,
    SAMPLE_TAKEN,
};

/* Around a real call that gets its memory by a hooked one: one allocation of `kind`. */
enum sample_outer sample_outer_begin(enum alloc_kind kind, size_t size_bytes, const void *frame);
void sample_outer_done(enum sample_outer outer, enum alloc_kind kind, void *block,
                       size_t size_bytes, size_t alignment, const void *frame);

/* This thread has been forked into a new process: its next allocation finds that out. */
void sample_restart(void);

/* This process records nothing and never will: the hooks let everything pass from now on. */
void sample_pass_for_ever(void);

#endif
