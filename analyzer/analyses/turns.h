/*
 * turns.h - frames without marks: the turns of a loop, as far as they show in what is allocated.
 *
 * A loop that allocates at two places at least comes back to each of them in every turn. So, of the
 * thread that allocates most, each place of the tree of calls is looked at: a *run* of it is an
 * unbroken row of allocations beneath it, and from the begin of one run to that of the next lasts a
 * turn, if the place is one that is passed once in a turn. What tells that it is so, of the places
 * called by one caller (a level): between two runs of it no other place has two runs (in 90 % of
 * the turns), those that come do so in the same order (95 % of the pairs), and one other at least
 * comes in nearly every turn (90 %); half of what the thread allocates, or of its time, must lie in
 * turns that are no longer than ten usual ones. The outermost level with such a place is taken, on
 * the way along which most is allocated, and of its places the one with most turns.
 *
 * It is a guess: a turn without allocations is not seen, two kinds of turns that take different
 * ways count as one, and so may an inner loop. Reads all calls twice; memory is some 60 bytes for
 * each stack of the recording. The thresholds are ours.
 */
#ifndef ALLOCAUDIT_TURNS_H
#define ALLOCAUDIT_TURNS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../base/err.h"
#include "../model/trace.h"

enum {
    TURN_STEPS_MAX = 16,
    TURNS_LEAST = 20,
};

/* How much the length of turns varies. */
enum turn_evenness {
    TURNS_ARE_EVEN,   /* nine of ten take no more than twice, and no less than half, the middle */
    TURNS_ARE_UNEVEN, /* nine of ten take no more than three times as long */
    TURNS_ARE_WILD,
};

/* A tenth of the turns has less; half; nine tenths. */
struct turn_figures {
    uint64_t p10;
    uint64_t p50;
    uint64_t p90;
};

/* A place of the loop. */
struct turn_step {
    uint32_t stack_id;   /* its innermost frame is the call */
    uint32_t callee_id;  /* a stack one frame longer: what is called; 0: the allocator itself */
    uint64_t turn_count; /* in which it allocates */
    uint64_t allocation_count;
};

struct turns {
    uint32_t thread_id; /* 0: none was found */
    uint64_t turn_count;
    uint64_t thread_allocation_count;
    uint64_t allocation_count; /* in turns */
    enum turn_evenness evenness;
    struct turn_figures duration_ns;
    struct turn_figures allocations;
    struct turn_step steps[TURN_STEPS_MAX]; /* the first begins each turn; the others by turns */
    size_t step_count;
};

/* Returns 0 and *out_turns, or a negative errno. */
int turns_find(const struct trace *trace, uint32_t process_id, struct turns *out_turns,
               struct err *err);

#endif
