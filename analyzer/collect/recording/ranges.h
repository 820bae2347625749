/*
 * ranges.h - the mappings of one process that are live at the moment, sorted by address.
 *
 * Unlike blocks of malloc they may be unmapped in part, so they are found by overlap.
 */
#ifndef ALLOCAUDIT_RANGES_H
#define ALLOCAUDIT_RANGES_H

#include <stddef.h>
#include <stdint.h>

#include "live.h"

struct ranges {
    struct block *items; /* ascending, not overlapping; extent: size_bytes + slack_bytes */
    size_t count;
    size_t capacity;
};

/* Adds a copy; it must overlap none. Returns 0 or -ENOMEM. */
int ranges_insert(struct ranges *ranges, const struct block *block);

/* The first one that overlaps [address, address + bytes), or NULL. Valid until the next change. */
struct block *ranges_overlapping(const struct ranges *ranges, uint64_t address, uint64_t bytes);

void ranges_remove(struct ranges *ranges, struct block *block);
void ranges_fini(struct ranges *ranges);

static inline uint64_t ranges_end(const struct block *block)
{
    return block->address + block->size_bytes + block->slack_bytes;
}

#endif
