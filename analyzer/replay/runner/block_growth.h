/*
 * block_growth.h - what a block takes of memory on whatever allocator this process has: by how much
 * the process grows for many of them, so headers, the rest of a slab and the allocator's own notes
 * count as well.
 */
#ifndef ALLOCAUDIT_BLOCK_GROWTH_H
#define ALLOCAUDIT_BLOCK_GROWTH_H

#include <stddef.h>

/* The allocator gives equal blocks to all sizes from the last class's largest to this one's. */
struct block_class {
    size_t size_max_bytes; /* the largest multiple of 8 that is served by it */
    size_t usable_bytes;
    double growth_bytes; /* of the process, for a block that is written to all over */
};

/*
 * The classes for sizes of 8 to size_max_bytes. Of more than 64 classes only so many are measured,
 * evenly spread; the others grow by their usable bytes and what the next measured one has above
 * its own. Blocks are kept: the process is of no use afterwards. Pages of 4 KiB are assumed: call
 * it where the kernel gives no huge ones. Returns how many classes, or a negative errno.
 */
int block_growth_measure(size_t size_max_bytes, struct block_class *out_classes,
                         size_t class_capacity);

#endif
