/*
 * walk.h - walks the calling thread's stack by remembered unwind rules.
 *
 * Each thread remembers the rule of every code address it has met, so that a frame costs one look-up
 * and two loads. Memory is read only where it is known to be readable: a smashed stack ends the walk.
 */
#ifndef ALLOCAUDIT_WALK_H
#define ALLOCAUDIT_WALK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cfi.h"

enum {
    WALK_RULES = 8192, /* a power of two; cc1plus meets 12,000 addresses, most programs 1,000 */
};

struct walk {
    uint32_t generation;  /* of the loaded modules, when the rules were learnt */
    uintptr_t stack_low;  /* [stack_low, stack_high) is readable */
    uintptr_t stack_high;
    struct walk_rule {
        uintptr_t address; /* 0: empty */
        struct cfi_rule rule;
    } rules[WALK_RULES];
};

/*
 * Fills frames with return addresses from the caller of the hook at `frame` outward; the count is at
 * least 1. *out_is_sure is false where the walk met code that its rules cannot describe.
 * may_learn: false inside a signal handler that may have interrupted another walk.
 */
size_t walk_frames(struct walk *walk, uintptr_t *frames, size_t capacity, const void *frame,
                   bool may_learn, bool *out_is_sure);

/* The same by saved frame pointers, for programs that keep them. */
size_t walk_frame_pointers(struct walk *walk, uintptr_t *frames, size_t capacity,
                           const void *frame);

#endif
