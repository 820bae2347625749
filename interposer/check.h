/*
 * check.h - the self-check: every stack that gets a number against libunwind's view of it.
 *
 * Only with RING_UNWIND_CHECK. What is compared is what the collector was told that the number
 * means, so a wrong walk, a memory that has gone stale and a number mixed up all show. libunwind is
 * fast but not always right, so where it differs glibc's backtrace() is asked, too. The verdicts
 * are counted in the ring, and the first differences kept there (struct ring_check).
 *
 * Here libunwind takes the loader's lock, and trusts a stack that was smashed: a self-check may
 * hang or end a program that a recording would leave alone.
 */
#ifndef ALLOCAUDIT_CHECK_H
#define ALLOCAUDIT_CHECK_H

#include <stddef.h>
#include <stdint.h>

#include "../schema/event.h"

struct self;
struct check_memory; /* which frames were sent under which number; of one lane, never freed */

/* `id` means these frames from now on. *memory is made if it is NULL. */
void check_remember(struct check_memory **memory, uint32_t id, const uintptr_t *frames,
                    size_t count, enum stack_ending ending);

/* The hook whose frame address is `frame` was given the stack number `id`: is that its stack? */
void check_stack(struct self *self, const void *frame, uint32_t id);

#endif
