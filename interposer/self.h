/*
 * self.h - what one thread of the program keeps for its recording.
 *
 * Found through one initial-exec TLS pointer. The memory is mapped by us, never malloc'ed, and
 * wiped by the kernel in a forked child: there every cursor reads as NULL, so the first event takes
 * the slow path and attaches anew. It is reused by a later thread once the kernel says the thread
 * is gone.
 */
#ifndef ALLOCAUDIT_SELF_H
#define ALLOCAUDIT_SELF_H

#include <assert.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "census.h"
#include "chain.h"
#include "counting.h"
#include "lane.h"
#include "process.h"
#include "stack.h"
#include "walk.h"

enum {
    SELF_LEVELS = 4, /* a hook, and signal handlers that interrupt it, and one another */
};

/* What an outer hook has already settled for the inner call that the real function will make. */
struct expected_call {
    const void *frame; /* of the outer hook */
    bool is_used;
    uint8_t kind; /* enum alloc_kind */
    uint32_t stack_id;
    uint64_t size_bytes;
};

/* A realloc, between its two stamps. */
struct held_call {
    uint64_t *cursor; /* records are written here and published together at the end */
    uint64_t ticks;   /* the first stamp */
    uint32_t stack_id;
};

struct self {
    struct writer writers[SELF_LEVELS];
    struct stack_table stacks[SELF_LEVELS];
    const void *entry_frames[SELF_LEVELS]; /* where each level's hook stands on the machine stack;
                                              NULL: not told yet */
    union {
        struct {
            bool is_ready;       /* false: fresh, or wiped by fork */
            uint8_t level;       /* hooks entered and not left */
            uint8_t own_calls;   /* > 0: we are in library code that we called ourselves */
            bool expects_alloc;  /* expected_alloc holds something */
            bool expects_free;   /* expected_free does */
            bool is_never_plain; /* the hot path is not made for this clock, unwinder or sample */
            bool is_paused;      /* what it allocates does not count (allocaudit_pause()) */
            uint8_t reserved;
        };
        uint64_t mode; /* all of these in one look */
    };
    uint32_t tid;
    struct held_call held[SELF_LEVELS];
    struct expected_call expected_alloc;
    const void *expected_free; /* an outer hook has recorded this block's free */
    struct self *next_exiting;
    struct counting *counting; /* for the program; NULL: it has not asked */
    struct census_part part;   /* of what all threads allocate */
    struct census_views views; /* of theirs, once this thread has asked */
    struct chain_table chains; /* of level 1 */
    struct walk walk;
};

/* What struct self's mode reads as when nothing is special, and within such a call. */
#define SELF_PLAIN  UINT64_C(0x0001)
#define SELF_INSIDE UINT64_C(0x0101)
static_assert(offsetof(struct self, level) == offsetof(struct self, mode) + 1 &&
                  __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__,
              "layout of the mode");

extern __thread struct self *self_of_thread __attribute__((tls_model("initial-exec")));

/* Pauses that this thread has begun and not ended; kept through fork. */
extern __thread uint32_t self_pause_depth __attribute__((tls_model("initial-exec")));

/* The rest of self_enter(): a new thread, a forked child, a nested hook, or nothing to record. */
struct self *self_enter_slowly(const void *frame);

/*
 * Enters a hook: gives this thread's state with `level` raised, or NULL if this event cannot or
 * must not be recorded. `frame` is the hook's frame address. A non-NULL result needs self_leave().
 */
static inline struct self *self_enter(const void *frame)
{
    struct self *self = self_of_thread;
    if (__builtin_expect(self != NULL && self->is_ready && self->level == 0, 1)) {
        self->level = 1;
        atomic_signal_fence(memory_order_seq_cst);
        self->entry_frames[0] = frame;
        atomic_signal_fence(memory_order_seq_cst);
        return self;
    }
    return self_enter_slowly(frame);
}

static inline void self_leave(struct self *self)
{
    atomic_signal_fence(memory_order_seq_cst);
    self->entry_frames[self->level - 1] = NULL;
    atomic_signal_fence(memory_order_seq_cst);
    self->level--;
}

/* Calls of our own into libraries, from a hook: what they allocate is not the program's. None of
 * its handlers runs meanwhile. self: NULL if nothing is recorded. */
struct self_own {
    uint64_t mask; /* of signals, as it was */
    bool is_holding;
};

struct self_own self_own_begin(struct self *self);
void self_own_end(struct self *self, struct self_own own);

/* Gives a record up: recording has stopped, or the ring is full and dropping was asked for. */
void self_give_up(struct self *self);

static inline struct writer *self_writer(struct self *self)
{
    return &self->writers[self->level - 1];
}

static inline struct held_call *self_held(struct self *self)
{
    return &self->held[self->level - 1];
}

static inline struct stack_table *self_stacks(struct self *self)
{
    return &self->stacks[self->level - 1];
}

/* Prepares the handling of thread exit; once per program image. */
void self_init(void);

#endif
