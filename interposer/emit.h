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
#include "emit_notes.h"
#include "made_by.h"
#include "real.h"
#include "self.h"
#include "suspect.h"

/*
 * The hot path. A plain call is one in a thread where nothing special is going on (struct self's
 * mode) and that is not to be timed. Its record is a compact one, in a chunk that has room and is
 * young enough. All else takes the long way, through the functions further below.
 */

/* This thread's state if the call that begins here is plain so far, or NULL. */
static inline struct self *emit_begin_plain(void)
{
    struct self *self = self_of_thread;
    if (__builtin_expect(self == NULL || self->mode != SELF_PLAIN, 0) ||
        __builtin_expect(self->writers[0].until_timed == 0, 0)) {
        return NULL;
    }
    self->writers[0].until_timed--;
    return self;
}

static inline void emit_enter_plain(struct self *self, const void *frame)
{
    self->mode = SELF_INSIDE;
    atomic_signal_fence(memory_order_seq_cst);
    self->entry_frames[0] = frame;
    atomic_signal_fence(memory_order_seq_cst);
}

static inline void emit_leave_plain(struct self *self)
{
    atomic_signal_fence(memory_order_seq_cst);
    self->entry_frames[0] = NULL;
    atomic_signal_fence(memory_order_seq_cst);
    self->mode = SELF_PLAIN;
}

/* Sets the busy bit and takes the stamp. False: the chunk is full or old, nothing was changed. */
static inline bool emit_stamp_plain(struct writer *writer, size_t bytes, uint64_t *out_ticks)
{
    if (__builtin_expect(!lane_has_room(writer, bytes), 0)) {
        return false;
    }
    lane_begin(writer);
    *out_ticks = ticks_of_processor() - writer->base_ticks;
    if (__builtin_expect(*out_ticks >= LANE_STALE_TICKS, 0)) {
        lane_cancel(writer);
        return false;
    }
    return true;
}

/* Records the block. False: nothing was recorded, it takes emit_alloc(). */
static inline __attribute__((always_inline)) bool emit_alloc_plain(struct self *self,
                                                                   enum alloc_kind kind,
                                                                   void *block, size_t size_bytes,
                                                                   const void *frame)
{
    if (__builtin_expect(self->mode != SELF_PLAIN || block == NULL, 0)) {
        return false;
    }
    emit_enter_plain(self, frame);
    struct writer *writer = &self->writers[0];
    lane_prefetch(writer);
    uint64_t stack_id = stack_intern_plain(self, frame);
    uint64_t slack = real.malloc_usable_size(block) - size_bytes;
    uint64_t ticks;
    bool is_plain = (slack < EVENT_SLACK_LIMIT) & (size_bytes <= UINT32_MAX) &&
                    emit_stamp_plain(writer, 3 * sizeof(uint64_t), &ticks);
    if (__builtin_expect(is_plain, 1)) {
        uint64_t *words = writer->cursor;
        words[0] = event_head(EVENT_ALLOC + kind, 0, ticks);
        words[1] = (uintptr_t)block | slack << EVENT_ADDRESS_BITS;
        words[2] = stack_id << 32 | size_bytes;
        lane_publish(writer, words + 3);
    }
    emit_leave_plain(self);
    return is_plain;
}

/* Records that the block is about to be freed. False: nothing was recorded, it takes emit_free().
 */
static inline __attribute__((always_inline)) bool
emit_free_plain(struct self *self, enum free_kind kind, const void *block, uint64_t given_word,
                const void *frame)
{
    struct writer *writer = &self->writers[0];
    uint64_t ticks;
    emit_enter_plain(self, frame);
    bool is_plain = emit_stamp_plain(writer, 2 * sizeof(uint64_t), &ticks);
    if (__builtin_expect(is_plain, 1)) {
        uint64_t *words = writer->cursor;
        words[0] = event_head(EVENT_FREE + kind, 0, ticks);
        words[1] = (uintptr_t)block | given_word;
        lane_publish(writer, words + 2);
    }
    emit_leave_plain(self);
    return is_plain;
}

/* A call that gave `block`, or NULL if it failed. started: the clock before it; 0: not timed. */
void emit_alloc(enum alloc_kind kind, void *block, size_t size_bytes, size_t alignment,
                uint64_t started, const void *frame);

/* The clock, for the calls that are timed; 0 for the others. */
static inline uint64_t emit_timer(void)
{
    struct self *self = self_of_thread;
    if (__builtin_expect(self == NULL || !self->is_ready || !lane_is_timed(&self->writers[0]), 1)) {
        return 0;
    }
    return ticks_now(process->clock);
}

/*
 * A block is about to be freed (given_word: event_given_word(), or 0): call before the real
 * function, which may be the program's last. True: it is to be timed, so read emit_free_clock()
 * right before it, and pass that to emit_free_time() after it, if it is not 0.
 */
bool emit_free(enum free_kind kind, const void *block, uint64_t given_word, const void *frame);
void emit_free_time(const void *block, uint64_t started, const void *frame);

static inline uint64_t emit_free_clock(bool is_timed)
{
    return __builtin_expect(is_timed, 0) ? ticks_now(process->clock) : 0;
}

/* The same of a free that the real function below us hides: nothing of it can be timed. */
void emit_free_untimed(enum free_kind kind, const void *block, const void *frame);

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

/*
 * The same for freeing: records it now, and the inner calls for the same block pass through.
 * *out_is_timed: as of emit_free(), whose `time` function comes after the `done` function.
 */
bool emit_outer_free(enum free_kind kind, const void *block, uint64_t given_word, const void *frame,
                     bool *out_is_timed);
void emit_outer_free_done(void);

/* True if an outer hook has already recorded this block's free. */
static inline bool emit_free_is_expected(const void *block)
{
    struct self *self = self_of_thread;
    return __builtin_expect(self != NULL && self->expects_free, 0) && self->expected_free == block;
}

/* After emit_free() or emit_outer_free(), before the real call: tells of a free of what does not
 * look like a block, or like one of another kind. */
static inline void emit_look_at(enum free_kind kind, const void *block, uint64_t given_word,
                                const void *frame)
{
    uint8_t made = made_take(block);
    if (suspect_is(block)) {
        emit_fault(FAULT_SUSPECT_FREE, kind, (uintptr_t)block, frame);
    } else if (made_is_misfit(made, block, kind, given_word)) {
        emit_fault(FAULT_MISMATCHED_FREE, kind, (uintptr_t)block, frame);
    }
}

#endif
