/*
 * leak_index.h - which block holds an address: made once from blocks in the order of their
 * addresses, then asked for every word of a process's memory.
 *
 * Blocks that lie near each other form a segment, which is cut into equal parts, about as many as
 * it has blocks; for each part is noted which block begins first in it. Single thread; nothing
 * changes after it was made.
 */
#ifndef ALLOCAUDIT_LEAK_INDEX_H
#define ALLOCAUDIT_LEAK_INDEX_H

#include <stddef.h>
#include <stdint.h>

#define LEAK_NO_BLOCK UINT32_MAX

struct leak_block {
    uint64_t address;
    uint64_t size_bytes;
    uint64_t born_ns; /* the caller's, as is `slot` */
    uint32_t slot;
    uint8_t is_array; /* came from new[] */
};

struct leak_segment {
    uint64_t address;
    uint64_t size_bytes;
    uint32_t *firsts; /* of each part: the first block that begins in it or behind; one more */
    uint32_t shift;   /* parts are 2^shift bytes */
};

struct leak_index {
    const struct leak_block *blocks; /* by address; the caller's */
    size_t block_count;              /* less than LEAK_NO_BLOCK / 2 */
    uint64_t *starts;                /* the blocks' addresses alone: fewer cache lines */
    uint64_t low_address;
    uint64_t span_bytes; /* from there to the end of the last one */
    struct leak_segment *segments;
    size_t segment_count;
    size_t segment_capacity;
};

/* Returns 0 or -ENOMEM; leak_index_fini() is due in any case. Of no block is fine. */
int leak_index_init(struct leak_index *index, const struct leak_block *blocks, size_t block_count);
void leak_index_fini(struct leak_index *index);

/* Cheap: false for most words that are no pointers to blocks. */
static inline int leak_index_may_hold(const struct leak_index *index, uint64_t address)
{
    return address - index->low_address < index->span_bytes;
}

/* The block that holds the address, or LEAK_NO_BLOCK. An empty block holds its own. */
uint32_t leak_index_find(const struct leak_index *index, uint64_t address);

/* The first block at or behind the address; block_count if there is none. */
size_t leak_index_first(const struct leak_index *index, uint64_t address);

#endif
