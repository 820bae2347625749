#include "leak_index.h"

#include <errno.h>
#include <stdlib.h>

#include "../../base/vec.h"

enum {
    PARTS_SHIFT_LEAST = 4,
    STEPS_MOST = 8, /* blocks of a part looked at one by one; of more, by halves */
};

#define GAP_BYTES_MOST (UINT64_C(1) << 20) /* between blocks of a segment */

static uint64_t held_bytes(const struct leak_block *block)
{
    return block->size_bytes == 0 ? 1 : block->size_bytes;
}

static int index_segment(struct leak_index *index, size_t first, size_t end, uint64_t end_address)
{
    struct leak_segment segment = {
        .address = index->starts[first],
        .size_bytes = end_address - index->starts[first],
        .shift = PARTS_SHIFT_LEAST,
    };
    while (segment.size_bytes >> segment.shift > end - first) {
        segment.shift++;
    }
    size_t part_count = (size_t)(segment.size_bytes >> segment.shift) + 1;
    int r = vec_reserve((void **)&index->segments, &index->segment_capacity,
                        index->segment_count + 1, sizeof(*index->segments));
    segment.firsts = r == 0 ? malloc((part_count + 1) * sizeof(*segment.firsts)) : NULL;
    if (segment.firsts == NULL) {
        return -ENOMEM;
    }
    size_t block = first;
    for (size_t part = 0; part < part_count; part++) {
        uint64_t address = segment.address + ((uint64_t)part << segment.shift);
        while (block < end && index->starts[block] < address) {
            block++;
        }
        segment.firsts[part] = (uint32_t)block;
    }
    segment.firsts[part_count] = (uint32_t)end;
    index->segments[index->segment_count++] = segment;
    return 0;
}

int leak_index_init(struct leak_index *index, const struct leak_block *blocks, size_t block_count)
{
    *index = (struct leak_index){.blocks = blocks, .block_count = block_count};
    if (block_count >= LEAK_NO_BLOCK / 2) {
        return -ENOMEM;
    }
    index->starts = malloc((block_count + 1) * sizeof(*index->starts));
    if (index->starts == NULL) {
        return -ENOMEM;
    }
    int r = 0;
    size_t first = 0;
    uint64_t end_address = 0;
    for (size_t i = 0; r == 0 && i < block_count; i++) {
        const struct leak_block *block = &blocks[i];
        if (i > 0 && block->address > end_address + GAP_BYTES_MOST) {
            r = index_segment(index, first, i, end_address);
            first = i;
        }
        index->starts[i] = block->address;
        uint64_t end = block->address + held_bytes(block);
        end_address = end > end_address ? end : end_address;
    }
    if (r == 0 && block_count > 0) {
        r = index_segment(index, first, block_count, end_address);
        index->low_address = index->starts[0];
        index->span_bytes = end_address - index->starts[0];
    }
    return r;
}

void leak_index_fini(struct leak_index *index)
{
    for (size_t i = 0; i < index->segment_count; i++) {
        free(index->segments[i].firsts);
    }
    free(index->segments);
    free(index->starts);
    *index = (struct leak_index){0};
}

static const struct leak_segment *find_segment(const struct leak_index *index, uint64_t address)
{
    const struct leak_segment *segment = index->segments;
    size_t count = index->segment_count;
    while (count > 1) { /* the last that begins at or before the address */
        size_t half = count / 2;
        segment += segment[half].address <= address ? half : 0;
        count -= half;
    }
    return count == 1 && address - segment->address < segment->size_bytes ? segment : NULL;
}

/* Of the blocks in [low, high), how many begin at or before the address, counted from 0. */
static uint32_t count_until(const uint64_t *starts, uint32_t low, uint32_t high, uint64_t address)
{
    while (high - low > STEPS_MOST) {
        uint32_t middle = low + (high - low) / 2;
        if (starts[middle] <= address) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    while (high > low && starts[high - 1] > address) {
        high--;
    }
    return high;
}

uint32_t leak_index_find(const struct leak_index *index, uint64_t address)
{
    const struct leak_segment *segment = find_segment(index, address);
    if (segment == NULL) {
        return LEAK_NO_BLOCK;
    }
    const uint32_t *firsts = &segment->firsts[(address - segment->address) >> segment->shift];
    uint32_t count = count_until(index->starts, firsts[0], firsts[1], address);
    uint32_t block = count - 1; /* the segment begins with a block: there is one */
    if (index->starts[block] == address ||
        address - index->starts[block] < held_bytes(&index->blocks[block])) {
        return block;
    }
    return LEAK_NO_BLOCK;
}

size_t leak_index_first(const struct leak_index *index, uint64_t address)
{
    size_t low = 0;
    size_t high = index->block_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (index->starts[middle] < address) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}
