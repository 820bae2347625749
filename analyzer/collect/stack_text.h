/*
 * stack_text.h - stacks of a recording in progress, named for people.
 *
 * Reads the modules' files, which takes from milliseconds to a second for each large one. Single
 * thread.
 */
#ifndef ALLOCAUDIT_STACK_TEXT_H
#define ALLOCAUDIT_STACK_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../base/str.h"
#include "recording/recording.h"

/* What one stack has allocated. */
struct stack_share {
    uint32_t stack_id; /* in recording->stacks; STACK_ROOT: not known */
    uint64_t count;
    uint64_t size_bytes;
};

/* Those that are known, and how to show them. */
struct stack_shares {
    const struct stack_share *items;
    size_t count;
    uint64_t more_count; /* stacks beside these */
    size_t shown_most;
    bool is_by_bytes; /* most bytes first; else most allocations */
};

/*
 * Appends, for each stack, "  2 allocations, 30 bytes" and a line "    FUNCTION FILE:LINE" for each
 * function from the allocation outward, inlined ones, too. The C library's own are left out but for
 * the one that the program has called, and all from the test harness (cmocka) outward; stacks that
 * look the same then are one. Returns 0 or -ENOMEM.
 */
int stack_text_append(struct str *text, const struct recording *recording,
                      const struct stack_shares *shares);

#endif
