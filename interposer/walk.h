/*
 * walk.h - walks the calling thread's stack by unwind rules, and tells which words it has read.
 *
 * The unwind rule of every code address met so far is remembered: a frame costs a look-up and a
 * load or two. The words that a walk has read say when the same walk would find the same stack
 * again (chain.h).
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
    WALK_WORDS_MAX = 3 * WALK_FRAMES_MAX,
};

/* One step outward: what it read and where. */
struct walk_step {
    uintptr_t sp;      /* stack pointer of the frame reached; the word below it holds ip */
    uintptr_t ip;      /* return address: where that frame goes on */
    uintptr_t fp;      /* frame pointer then */
    uintptr_t fp_slot; /* where fp was read from; 0: it was left as it was */
    uintptr_t sp_slot; /* where sp was read from; 0: it was reckoned */
    bool uses_fp;      /* the step needs the frame pointer */
    bool needs_fp;     /* a later step needs the one that this step gave */
    bool has_ip;       /* false: the stack does not lead outward from here */
};

/* Words of the stack as offsets from the hook's frame, in rising order, and what they held. */
struct walk_words {
    uint32_t count;
    uint32_t offsets[WALK_WORDS_MAX];
    uint64_t values[WALK_WORDS_MAX];
};

struct walk {
    uint32_t generation; /* of the loaded modules, when the rules were learnt; 0: none were */
    uint32_t step_count;
    bool is_repeatable;  /* the last walk read nothing but words */
    bool uses_fp;        /* and this was among its steps */
    uintptr_t stack_low; /* [stack_low, stack_high) is readable */
    uintptr_t stack_high;
    struct walk_rule {
        uintptr_t address; /* 0: empty */
        struct cfi_rule rule;
    } rules[WALK_RULES];
    struct walk_step steps[WALK_FRAMES_MAX];
    struct walk_words words;
};

/*
 * Fills frames with return addresses from the caller of the hook at `frame` outward; the count is
 * at least 1. *out_is_sure is false where the walk met code that its rules cannot describe.
 * may_learn: false inside a signal handler that may have interrupted another walk.
 */
size_t walk_frames(struct walk *walk, uintptr_t *frames, size_t capacity, const void *frame,
                   bool may_learn, bool *out_is_sure);

/*
 * The words that the last walk_frames() with may_learn read from the hook at `frame` outward: while
 * they are unchanged, and the generation is, the same walk finds the same. NULL: it cannot be told
 * (a signal handler's frame, another stack, memory that could not be read).
 */
const struct walk_words *walk_list_words(struct walk *walk, const void *frame);

/* Forgets what is known to be readable. */
void walk_forget_stack(struct walk *walk);

/* The same by saved frame pointers, for programs that keep them. */
size_t walk_frame_pointers(struct walk *walk, uintptr_t *frames, size_t capacity,
                           const void *frame);

#endif
