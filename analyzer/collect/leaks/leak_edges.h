/*
 * leak_edges.h - which blocks point to which: the contents of all live blocks, read once in the
 * order of their addresses and kept as numbers of blocks.
 *
 * A process stands still no longer than for that. An edge takes one word: the number of the block
 * that is pointed to, times two; one more where the pointer is no pointer to its beginning, and
 * then a second word tells where it points. Single thread.
 */
#ifndef ALLOCAUDIT_LEAK_EDGES_H
#define ALLOCAUDIT_LEAK_EDGES_H

#include <stddef.h>
#include <stdint.h>

#include "../target/target_memory.h"
#include "leak_holds.h"
#include "leak_index.h"

enum {
    LEAK_BUFFER_BYTES = 1 << 20,
};

#define LEAK_EDGE_INNER 1u /* in the first word: there is a second */

/* The second word: how many words behind the beginning, or one of these. */
#define LEAK_INNER_HELD  0u         /* the block is held by it */
#define LEAK_INNER_LOOSE UINT32_MAX /* it cannot be */

struct leak_edges {
    uint32_t *words;
    size_t count;
    size_t capacity;
};

/* Room for the edges of so many words of memory. Returns 0 or -ENOMEM. */
int leak_edges_reserve(struct leak_edges *edges, size_t word_count);

/* Adds the edge of a pointer that lies in the block: there is room. */
static inline void leak_edges_add(struct leak_edges *edges, const struct leak_index *index,
                                  uint32_t block, uint64_t pointer)
{
    uint64_t offset = pointer - index->starts[block];
    edges->words[edges->count++] = block << 1 | (offset != 0 ? LEAK_EDGE_INNER : 0);
    if (offset != 0) {
        bool may_hold = offset % sizeof(uint64_t) == 0 &&
                        offset + sizeof(uint64_t) <= index->blocks[block].size_bytes &&
                        offset / sizeof(uint64_t) < LEAK_INNER_LOOSE;
        edges->words[edges->count++] =
            may_hold ? (uint32_t)(offset / sizeof(uint64_t)) : LEAK_INNER_LOOSE;
    }
}

void leak_edges_fini(struct leak_edges *edges);

/* What is read, and where it goes. */
struct leak_gathering {
    struct target_memory *memory;
    const struct leak_index *index;
    struct leak_holds *holds;
    char *buffer;               /* LEAK_BUFFER_BYTES */
    uint64_t deadline_ns;       /* CLOCK_MONOTONIC */
    _Atomic uint32_t *progress; /* goes up as memory is read; NULL: nobody looks */
    uint8_t *hold_bits;         /* of each block: leak_holds_look() */
    uint64_t *begins;           /* of each block: where in the edges its own begin; and their end */
    uint64_t read_bytes;
};

/* Reads the contents of all blocks. Returns 0, -ENOMEM or -ETIME. */
int leak_edges_gather(struct leak_edges *edges, struct leak_gathering *gathering);

/*
 * Where a pointer leads to a base class of an object, which only the process's memory tells, makes
 * its second word LEAK_INNER_HELD.
 */
void leak_edges_settle(struct leak_edges *edges, struct leak_gathering *gathering);

#endif
