/*
 * stack.h - the call stack of a hook as a small number that this lane's reader knows.
 *
 * Each writer remembers the stacks that it has sent. A new one goes out in full (EVENT_STACK),
 * after the modules that its frames lie in (EVENT_MODULE). The memory is bounded: a full table
 * starts again from nothing and sends definitions anew, under the same numbers.
 */
#ifndef ALLOCAUDIT_STACK_H
#define ALLOCAUDIT_STACK_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../schema/event.h"
#include "module.h"

struct self;
struct check_memory;

struct stack_slot {
    uint64_t hash[2]; /* 128 bits stand for the frames: equal hashes are taken as equal stacks */
    uint32_t id;      /* 0: the slot is empty */
    uint32_t padding;
};

struct stack_table {
    struct stack_slot *slots;
    uint32_t slot_count; /* a power of two, or 0 */
    uint32_t used_count;
    uint32_t generation; /* of the loaded modules, when the table was filled */
    struct module_list modules;
    struct check_memory *check; /* NULL but with RING_UNWIND_CHECK */
    uintptr_t frames[EVENT_STACK_MAX_FRAMES + 32];
};

/* Goes up from 1 at every dlopen and dlclose: an address may now mean another function. */
extern _Atomic uint32_t stack_generation;

/*
 * Captures the stack from the caller of the hook whose frame address is `frame`, and sends what the
 * reader does not know yet. Returns its number in the current lane, or 0 ("unknown") if it could
 * not be captured or sent. Call between self_enter() and lane_begin().
 */
uint32_t stack_intern(struct self *self, const void *frame);

/* The same where nothing special is going on (SELF_PLAIN when the hook was entered). */
uint32_t stack_intern_plain(struct self *self, const void *frame);

/* True if this stack was seen before, outside of all signal handlers, at the same place. */
bool stack_is_remembered(struct self *self, const void *frame);

/* Memory is being unmapped: if it was this thread's stack (a coroutine's), nothing of it is known.
 */
void stack_forget_range(const void *start, size_t bytes);

#endif
