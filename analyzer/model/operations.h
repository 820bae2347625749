/*
 * operations.h - what one process asked of its allocator, call by call, in the order of time.
 *
 * Made from rows of blocks, each of which tells of two calls: births are read sorted by time,
 * deaths in the order of the rows, and both are merged. The memory that takes does not grow with
 * the recording. Mappings (mmap, mremap, brk) are no calls to the allocator and are left out.
 *
 * - A realloc that gave a block is one operation, at the time of the new block. One to no bytes
 *   that gave none is a free.
 * - A block that was realloc'ed but whose old one was not seen (inherited through a fork) is
 *   allocated. Frees of blocks that were not seen being allocated are not there.
 * - Blocks that live to the end have no free.
 * - At one time frees come before allocations: a free bears the time before the call, an
 *   allocation the time after it. A block that was born at that very time is born first.
 *
 * Single thread.
 */
#ifndef ALLOCAUDIT_OPERATIONS_H
#define ALLOCAUDIT_OPERATIONS_H

#include <stdbool.h>
#include <stdint.h>

#include "../base/err.h"
#include "../db/query_block.h"

enum operation_kind {
    OPERATION_ALLOC,
    OPERATION_FREE,
    OPERATION_REALLOC,
};

struct operation {
    enum operation_kind kind;
    enum alloc_kind alloc_kind; /* of the new block: malloc, calloc, new ... */
    uint64_t at_ns;             /* never less than the operation before */
    struct block_facts made;    /* OPERATION_ALLOC, OPERATION_REALLOC; else zeroed */
    struct block_facts ended;   /* OPERATION_FREE, OPERATION_REALLOC; else zeroed */
    uint64_t alignment;         /* asked for; 0: the allocator's own choice */
    uint32_t thread_id;         /* that called */
    bool is_zeroed;             /* calloc */
};

struct operations; /* opaque */

/* Begins. `db` must outlive it. Returns 0 and *out_operations is the caller's, or a negative
 * errno. The first operations_next() sorts, which takes about a second for five million blocks. */
int operations_open(struct db *db, uint32_t process_id, struct operations **out_operations,
                    struct err *err);

/* 1 and *out_operation; 0: there are no more; else the negative errno of a failed read. */
int operations_next(struct operations *operations, struct operation *out_operation,
                    struct err *err);

/* NULL is fine. */
void operations_close(struct operations *operations);

#endif
