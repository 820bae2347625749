#include "ranges.h"

#include <stdlib.h>
#include <string.h>

#include "../../base/vec.h"

/* Index of the first range that ends behind `address`. */
static size_t ranges_lower(const struct ranges *ranges, uint64_t address)
{
    size_t low = 0;
    size_t high = ranges->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (ranges_end(&ranges->items[middle]) <= address) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

int ranges_insert(struct ranges *ranges, const struct block *block)
{
    int r = vec_reserve((void **)&ranges->items, &ranges->capacity, ranges->count + 1,
                        sizeof(*ranges->items));
    if (r < 0) {
        return r;
    }
    size_t at = ranges_lower(ranges, block->address);
    memmove(ranges->items + at + 1, ranges->items + at,
            (ranges->count - at) * sizeof(*ranges->items));
    ranges->items[at] = *block;
    ranges->count++;
    return 0;
}

struct block *ranges_overlapping(const struct ranges *ranges, uint64_t address, uint64_t bytes)
{
    size_t at = ranges_lower(ranges, address);
    if (at == ranges->count || ranges->items[at].address >= address + bytes) {
        return NULL;
    }
    return &ranges->items[at];
}

void ranges_remove(struct ranges *ranges, struct block *block)
{
    size_t at = (size_t)(block - ranges->items);
    memmove(ranges->items + at, ranges->items + at + 1,
            (ranges->count - at - 1) * sizeof(*ranges->items));
    ranges->count--;
}

void ranges_fini(struct ranges *ranges)
{
    free(ranges->items);
    *ranges = (struct ranges){0};
}
