/*
 * neutral.h - a recording with one feature of the program taken out: what an allocator still
 * changes without it is not because of it.
 *
 * Blocks that are left out are never made: with their allocation goes their free, and a realloc
 * between what stays and what goes becomes the allocation or the free that is left of it.
 *
 * A reserve leaves no block out, but steps: the first realloc of a stack that makes a block grow
 * asks for the whole reserve, and what follows is kept, without a call, until the block outgrows
 * it. So one realloc of each block stays, which a program that reserves has not. Single thread.
 */
#ifndef ALLOCAUDIT_NEUTRAL_H
#define ALLOCAUDIT_NEUTRAL_H

#include <stdbool.h>
#include <stdint.h>

#include "../model/live_objects.h"
#include "../model/operations.h"
#include "../model/trace.h"

enum neutral_kind {
    NEUTRAL_SITE,     /* without the blocks of that stack */
    NEUTRAL_SIZES,    /* without those of min to max bytes */
    NEUTRAL_HANDOFFS, /* each block is freed by the thread that made it, if it has not ended */
    NEUTRAL_GROWTH,   /* a block that the stack makes grow gets reserve_bytes at once */
};

struct neutral {
    enum neutral_kind kind;
    uint32_t stack_id;
    uint64_t size_min_bytes;
    uint64_t size_max_bytes;
    uint64_t reserve_bytes;
};

enum neutral_rest {
    NEUTRAL_GONE,  /* nothing is left */
    NEUTRAL_STAYS, /* the operation, perhaps changed */
    NEUTRAL_KEPT,  /* a realloc that is not made: the block `ended` stays, of which so many bytes as
                      `made` has are used */
};

/*
 * Changes the operation to what is left of it. `reserved` begins zeroed and holds the blocks with a
 * reserve from call to call, to be ended with live_objects_fini(). An enum neutral_rest, or
 * -ENOMEM.
 */
int neutral_apply(const struct neutral *neutral, const struct trace *trace,
                  struct live_objects *reserved, struct operation *operation);

#endif
