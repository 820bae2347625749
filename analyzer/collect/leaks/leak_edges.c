#include "leak_edges.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>

#include "../../base/vec.h"
#include "../recording/clock.h"

enum {
    GAP_BYTES_MOST = 2048, /* read along: cheaper than a range of its own */
    SETTLED_AT_ONCE = TARGET_RANGES_MOST,
};

#define WORD sizeof(uint64_t)

/* The aligned words of a block, as addresses. */
struct leak_extent {
    uint64_t start;
    uint64_t end; /* start: there is none */
};

static struct leak_extent extent_of(const struct leak_block *block)
{
    uint64_t start = (block->address + WORD - 1) & ~(WORD - 1);
    uint64_t end = (block->address + block->size_bytes) & ~(WORD - 1);
    return (struct leak_extent){start, end > start ? end : start};
}

int leak_edges_reserve(struct leak_edges *edges, size_t word_count)
{
    return vec_reserve((void **)&edges->words, &edges->capacity, edges->count + 2 * word_count,
                       sizeof(*edges->words));
}

void leak_edges_fini(struct leak_edges *edges)
{
    free(edges->words);
    *edges = (struct leak_edges){0};
}

static bool is_late(const struct leak_gathering *gathering)
{
    if (gathering->progress != NULL) {
        atomic_fetch_add(gathering->progress, 1);
    }
    return clock_monotonic_ns() > gathering->deadline_ns;
}

static void take_words(struct leak_edges *edges, const struct leak_index *index, uint32_t own,
                       const uint64_t *words, size_t word_count)
{
    uint64_t before = 0;
    for (size_t i = 0; i < word_count; i++) {
        if (!leak_index_may_hold(index, words[i]) || words[i] == before) {
            continue;
        }
        before = words[i];
        uint32_t block = leak_index_find(index, words[i]);
        if (block != LEAK_NO_BLOCK && block != own) {
            leak_edges_add(edges, index, block, words[i]);
        }
    }
}

/* A block that does not fit the buffer. */
static int gather_large(struct leak_edges *edges, struct leak_gathering *gathering, uint32_t number)
{
    const struct leak_block *block = &gathering->index->blocks[number];
    struct leak_extent extent = extent_of(block);
    const uint64_t *words = (const uint64_t *)gathering->buffer;
    uint64_t at = extent.start;
    size_t bytes;
    while ((bytes = target_memory_stream(gathering->memory, &at, extent.end, gathering->buffer,
                                         LEAK_BUFFER_BYTES)) > 0) {
        if (is_late(gathering)) {
            return -ETIME;
        }
        if (leak_edges_reserve(edges, bytes / WORD) < 0) {
            return -ENOMEM;
        }
        if (at - bytes == extent.start) {
            gathering->hold_bits[number] =
                (uint8_t)leak_holds_look(gathering->holds, block, words, bytes / WORD);
        }
        take_words(edges, gathering->index, number, words, bytes / WORD);
        gathering->read_bytes += bytes;
    }
    return 0;
}

/* Ranges that hold the blocks from `first` on, as many as go into the buffer; the number of the
 * block behind goes to *out_end. */
static size_t plan_batch(const struct leak_index *index, size_t first, struct target_range *ranges,
                         size_t *out_end, size_t *out_bytes)
{
    size_t count = 0;
    size_t bytes = 0;
    size_t i = first;
    for (; i < index->block_count; i++) {
        struct leak_extent extent = extent_of(&index->blocks[i]);
        if (extent.end == extent.start) {
            continue;
        }
        struct target_range *last = count > 0 ? &ranges[count - 1] : NULL;
        uint64_t known_end = last != NULL ? last->address + last->size_bytes : 0;
        bool is_near = last != NULL && extent.start <= known_end + GAP_BYTES_MOST;
        uint64_t start = is_near ? known_end : extent.start;
        uint64_t more = extent.end > start ? extent.end - start : 0;
        if (bytes + more > LEAK_BUFFER_BYTES || (!is_near && count == TARGET_RANGES_MOST)) {
            break;
        }
        if (is_near) {
            last->size_bytes += more;
        } else {
            ranges[count++] = (struct target_range){start, more};
        }
        bytes += more;
    }
    *out_end = i;
    *out_bytes = bytes;
    return count;
}

static int gather_batch(struct leak_edges *edges, struct leak_gathering *gathering,
                        size_t *in_out_block)
{
    struct target_range ranges[TARGET_RANGES_MOST];
    const struct leak_index *index = gathering->index;
    size_t end;
    size_t bytes;
    size_t count = plan_batch(index, *in_out_block, ranges, &end, &bytes);
    if (leak_edges_reserve(edges, bytes / WORD) < 0) {
        return -ENOMEM;
    }
    if (count > 0) {
        target_memory_read_all(gathering->memory, ranges, count, gathering->buffer);
        gathering->read_bytes += bytes;
    }
    const char *from = gathering->buffer;
    size_t range = 0;
    for (size_t i = *in_out_block; i < end; i++) {
        struct leak_extent extent = extent_of(&index->blocks[i]);
        gathering->begins[i] = edges->count;
        if (extent.end == extent.start) {
            continue;
        }
        while (extent.start >= ranges[range].address + ranges[range].size_bytes) {
            from += ranges[range++].size_bytes;
        }
        const uint64_t *words = (const uint64_t *)(from + (extent.start - ranges[range].address));
        size_t word_count = (size_t)(extent.end - extent.start) / WORD;
        gathering->hold_bits[i] =
            (uint8_t)leak_holds_look(gathering->holds, &index->blocks[i], words, word_count);
        take_words(edges, index, (uint32_t)i, words, word_count);
    }
    *in_out_block = end;
    return 0;
}

int leak_edges_gather(struct leak_edges *edges, struct leak_gathering *gathering)
{
    int r = 0;
    size_t block = 0;
    while (r == 0 && block < gathering->index->block_count) {
        size_t first = block;
        if (is_late(gathering)) {
            return -ETIME;
        }
        r = gather_batch(edges, gathering, &block);
        if (r == 0 && block == first) {
            gathering->begins[block] = edges->count;
            r = gather_large(edges, gathering, (uint32_t)block++);
        }
    }
    gathering->begins[gathering->index->block_count] = edges->count;
    return r;
}

/* The words that the pointers of some edges lead to, each read into its place of `words`. */
static void settle_some(const struct leak_edges *edges, struct leak_gathering *gathering,
                        const size_t *places, const struct target_range *ranges, size_t count)
{
    const uint64_t *words = (const uint64_t *)gathering->buffer;
    target_memory_read_all(gathering->memory, ranges, count, gathering->buffer);
    for (size_t i = 0; i < count; i++) {
        if (leak_holds_is_table(gathering->holds, words[i])) {
            edges->words[places[i]] = LEAK_INNER_HELD;
        }
    }
}

void leak_edges_settle(struct leak_edges *edges, struct leak_gathering *gathering)
{
    struct target_range ranges[SETTLED_AT_ONCE];
    size_t places[SETTLED_AT_ONCE];
    size_t count = 0;
    for (size_t i = 0; i < edges->count; i++) {
        uint32_t block = edges->words[i] >> 1;
        if ((edges->words[i] & LEAK_EDGE_INNER) == 0) {
            continue;
        }
        i++;
        if ((gathering->hold_bits[block] & HOLD_OBJECT) == 0 ||
            edges->words[i] == LEAK_INNER_LOOSE) {
            continue;
        }
        uint64_t address = gathering->index->starts[block] + (uint64_t)edges->words[i] * WORD;
        ranges[count] = (struct target_range){address, WORD};
        places[count++] = i;
        if (count == SETTLED_AT_ONCE) {
            settle_some(edges, gathering, places, ranges, count);
            count = 0;
        }
    }
    if (count > 0) {
        settle_some(edges, gathering, places, ranges, count);
    }
}
