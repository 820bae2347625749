/*
 * neutral.h - a recording with one feature of the program taken out: what an allocator still
 * changes without it is not because of it.
 *
 * Blocks that are left out are never made: with their allocation goes their free, and a realloc
 * between what stays and what goes becomes the allocation or the free that is left of it. Single
 * thread.
 */
#ifndef ALLOCAUDIT_NEUTRAL_H
#define ALLOCAUDIT_NEUTRAL_H

#include <stdbool.h>
#include <stdint.h>

#include "../model/operations.h"
#include "../model/trace.h"

enum neutral_kind {
    NEUTRAL_SITE,     /* without the blocks of that stack */
    NEUTRAL_SIZES,    /* without those of min to max bytes */
    NEUTRAL_HANDOFFS, /* each block is freed by the thread that made it, if it has not ended */
};

struct neutral {
    enum neutral_kind kind;
    uint32_t stack_id;
    uint64_t size_min_bytes;
    uint64_t size_max_bytes;
};

/* Changes the operation to what is left of it. False: nothing is. */
bool neutral_apply(const struct neutral *neutral, const struct trace *trace,
                   struct operation *operation);

#endif
