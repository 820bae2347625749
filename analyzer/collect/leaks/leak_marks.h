/*
 * leak_marks.h - which blocks can be reached from where: the marking of Valgrind's memcheck.
 *
 * A block is reachable if a chain of pointers to blocks' beginnings leads to it from a root;
 * possibly lost if only chains that go through a block's middle do; else lost: definitely, or
 * indirectly where another lost block points to it (of a ring, the one with the lowest address is
 * the definite one). Memcheck's exceptions, where a pointer into the middle counts as one to the
 * beginning, are made, too (leak_holds.h).
 *
 * In three steps: the roots, then the contents of all blocks, for both of which the process has to
 * stand still; then the marking itself, which does not look at it any more. Single thread.
 */
#ifndef ALLOCAUDIT_LEAK_MARKS_H
#define ALLOCAUDIT_LEAK_MARKS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../../../schema/leak_kind.h"
#include "../target/target_memory.h"
#include "leak_edges.h"
#include "leak_holds.h"
#include "leak_index.h"

struct leak_marks {
    struct leak_index index;
    struct leak_holds holds;      /* its ranges are the caller's to fill in, before gathering */
    struct target_memory *memory; /* the caller's */
    uint8_t *kinds;               /* of each block: enum leak_kind; LEAK_UNKNOWN: not met yet */
    uint8_t *hold_bits;           /* of each block, once gathered */
    uint64_t *begins;             /* of each block, in `edges`; and their end */
    struct leak_edges edges;
    struct leak_edges roots; /* pointers into the middle of blocks */
    uint32_t *queue;         /* blocks whose edges are to be followed */
    size_t queue_count;
    char *buffer;               /* LEAK_BUFFER_BYTES, for whoever reads */
    uint64_t deadline_ns;       /* CLOCK_MONOTONIC; for the next step */
    _Atomic uint32_t *progress; /* goes up as memory is read; NULL: nobody looks */
    uint64_t read_bytes;
    int failure; /* -ENOMEM, -ETIME: the kinds mean nothing */
};

/* How a word of a root is taken. */
enum leak_view {
    LEAK_VIEW_REACHED,
    LEAK_VIEW_STARTS, /* pointers into the middle do not count */
};

/* `blocks`, by address, and `memory` stay the caller's. Returns 0 or -ENOMEM; leak_marks_fini() is
 * due in any case. */
int leak_marks_init(struct leak_marks *marks, const struct leak_block *blocks, size_t block_count,
                    struct target_memory *memory);
void leak_marks_fini(struct leak_marks *marks);

/* Takes the aligned words of [address, address + size_bytes) as roots. */
void leak_marks_scan(struct leak_marks *marks, uint64_t address, uint64_t size_bytes,
                     enum leak_view view);

/* Takes a block, by its number, for one that something points to. */
void leak_marks_hold(struct leak_marks *marks, uint32_t block);

/* Takes words that lie here, such as registers, as roots. */
void leak_marks_see(struct leak_marks *marks, const uint64_t *words, size_t word_count,
                    enum leak_view view);

/* Reads what the blocks hold. Returns 0, -ENOMEM or -ETIME, also for steps before. */
int leak_marks_gather(struct leak_marks *marks);

/* Follows what the roots lead to, and tells the lost ones apart. Returns as leak_marks_gather(). */
int leak_marks_finish(struct leak_marks *marks);

#endif
