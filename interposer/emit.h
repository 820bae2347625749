/*
 * emit.h - turns a call that a hook has seen into records of this thread's lane.
 *
 * Everything here may be called at any time in any thread: where nothing can or shall be recorded
 * it does nothing. errno is left as it was. `frame` is the hook's __builtin_frame_address(0).
 */
#ifndef ALLOCAUDIT_EMIT_H
#define ALLOCAUDIT_EMIT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../schema/event.h"
#include "self.h"

/* A call that gave `block`, or NULL if it failed. started: the clock before it; 0: not timed. */
void emit_alloc(enum alloc_kind kind, void *block, size_t size_bytes, size_t alignment,
                uint64_t started, const void *frame);

/* The clock, for about one call in sixteen; 0 for the others. */
static inline uint64_t emit_timer(void)
{
    struct self *self = self_of_thread;
    if (__builtin_expect(self == NULL || !self->is_ready || !lane_is_timed(&self->writers[0]), 1)) {
        return 0;
    }
    return ticks_now(process->clock);
}

/*
 * A block is about to be freed: call before the real function, and pass what it returns to
 * emit_free_done() after it, if that is not NULL.
 */
struct self *emit_free(enum free_kind kind, const void *block, const void *frame);
void emit_free_done(struct self *self, enum free_kind kind, const void *block);

/*
 * Holds the lane over a real call that both frees and allocates (realloc), or that may fail to
 * free. The records added meanwhile are published by emit_release(). NULL: not recorded.
 */
struct self *emit_hold(const void *frame, bool needs_stack);
void emit_hold_free(struct self *self, enum free_kind kind, const void *block);
void emit_hold_free_range(struct self *self, enum free_kind kind, const void *block,
                          size_t size_bytes);
void emit_hold_alloc(struct self *self, enum alloc_kind kind, void *block, size_t size_bytes,
                     size_t usable_bytes);
void emit_hold_failed(struct self *self, enum alloc_kind kind, size_t size_bytes);
void emit_release(struct self *self);

/*
 * The real function is known to call another hooked one (operator new calls malloc, new[] calls
 * new): announces what that inner call stands for, so that it is recorded once and as what the
 * program asked for. False: an outer hook has announced it already; then do not call the `done`
 * function.
 */
bool emit_expect_alloc(enum alloc_kind kind, size_t size_bytes, const void *frame);
void emit_expected_alloc_done(void *block, size_t alignment, const void *frame);

/* The same for freeing: records it now, and the inner calls for the same block pass through. */
bool emit_outer_free(enum free_kind kind, const void *block, const void *frame);
void emit_outer_free_done(void);

/* True if an outer hook has already recorded this block's free. */
static inline bool emit_free_is_expected(const void *block)
{
    struct self *self = self_of_thread;
    return __builtin_expect(self != NULL && self->expected_free == block, 0);
}

/* A mark from the program (allocaudit.h). kind: enum mark_kind. */
void emit_mark(uint32_t kind, const char *name, const void *frame);

#endif
