/*
 * walk.h - walks the calling thread's stack, remembering what it has learnt.
 *
 * Two memories make this cheap and keep it exact:
 * - The unwind rule of every code address met so far: a frame then costs a look-up and two loads.
 * - The trail: the last stack, outermost frame first, with the words of memory that led from frame
 * to frame. A walk that reaches a frame of the trail (same code address, same stack pointer) needs
 * no more steps if those words are unchanged, for it would read nothing else. Checking a word costs
 * less than a step, and successive allocations mostly differ in a few inner frames only.
 *
 * Memory is read only where it is known to be readable: a smashed stack ends the walk.
 */
#ifndef ALLOCAUDIT_WALK_H
#define ALLOCAUDIT_WALK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../schema/event.h"
#include "cfi.h"

enum {
    WALK_RULES = 8192, /* a power of two; cc1plus meets 12,000 addresses, most programs 1,000 */
    WALK_FRAMES_MAX = EVENT_STACK_MAX_FRAMES + 1,
};

struct walk_frame {
    uintptr_t ip;       /* return address: where this frame goes on */
    uintptr_t sp;       /* stack pointer then; the word below it holds ip */
    uintptr_t fp;       /* frame pointer then */
    uintptr_t fp_slot;  /* where fp was read from; 0: it need not be checked */
    uintptr_t sp_slot;  /* where sp was read from; 0: it was reckoned */
    uint64_t hash[2];   /* of the addresses from the outermost frame to this one */
    bool uses_fp;       /* the step outward needs fp */
    bool keeps_fp;      /* the step outward leaves it as it is */
    bool needs_fp;      /* this step or a later one needs this fp */
    uint32_t words_end; /* walk->words[0, words_end) led outward from this frame */
};

/* A word of the stack that a walk has read, and what it held. */
struct walk_word {
    const uintptr_t *slot;
    uintptr_t value;
};

struct walk {
    uint32_t generation; /* of the loaded modules, when the rules were learnt */
    uint32_t trail_count;
    uintptr_t stack_low; /* [stack_low, stack_high) is readable */
    uintptr_t stack_high;
    struct walk_rule {
        uintptr_t address; /* 0: empty */
        struct cfi_rule rule;
    } rules[WALK_RULES];
    struct walk_frame trail[WALK_FRAMES_MAX]; /* outermost first */
    struct walk_word words[3 * WALK_FRAMES_MAX];
    struct walk_frame
        fresh[WALK_FRAMES_MAX]; /* innermost first: what a walk finds until it joins */
};

/* What a walk has found. */
struct walk_result {
    size_t count;
    uint64_t hash[2];
    bool is_same; /* as the walk before this one */
};

/*
 * Walks from the caller of the hook at `frame` outward by way of the trail. False: this stack
 * cannot be remembered (deeper than limit, through a signal handler, not sure): use walk_frames().
 */
bool walk_trail(struct walk *walk, size_t limit, const void *frame, struct walk_result *out_result);

/* The addresses of the last successful walk_trail(), innermost first. */
void walk_copy_trail(const struct walk *walk, uintptr_t *frames);

/*
 * Fills frames with return addresses from the caller of the hook at `frame` outward; the count is
 * at least 1. *out_is_sure is false where the walk met code that its rules cannot describe.
 * may_learn: false inside a signal handler that may have interrupted another walk.
 */
size_t walk_frames(struct walk *walk, uintptr_t *frames, size_t capacity, const void *frame,
                   bool may_learn, bool *out_is_sure);

/* The same by saved frame pointers, for programs that keep them. */
size_t walk_frame_pointers(struct walk *walk, uintptr_t *frames, size_t capacity,
                           const void *frame);

#endif
