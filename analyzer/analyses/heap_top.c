#include "heap_top.h"

enum {
    WORTH_BYTES = 1 << 20,
    WORTH_PART = 4,
};

static uint64_t clip(uint64_t value, uint64_t least, uint64_t most)
{
    return value < least ? least : value > most ? most : value;
}

/* Resident bytes of the part of a range that lies below `address`. Where small gaps were closed,
 * they are spread evenly. */
static uint64_t resident_below(const struct resident_row *range, uint64_t address)
{
    uint64_t end = clip(address, range->start_address, range->end_address);
    double share =
        (double)(end - range->start_address) / (double)(range->end_address - range->start_address);
    return (uint64_t)(share * (double)range->resident_bytes);
}

bool heap_top_find(const struct memory_moments *all, const struct memory_moment *memory,
                   const struct page_map *map, const struct thread_caches *caches,
                   struct heap_top *out_top)
{
    const struct resident_row *ranges = all->ranges + memory->first_range;
    struct heap_top top = {.at_ns = memory->at_ns};
    for (size_t i = 0; i < memory->range_count; i++) {
        if (ranges[i].is_heap) {
            top.start_address =
                top.resident_bytes == 0 ? ranges[i].start_address : top.start_address;
            top.end_address = ranges[i].end_address;
            top.resident_bytes += ranges[i].resident_bytes;
        }
    }
    if (top.resident_bytes == 0) {
        return false;
    }
    top.pin_address = page_map_highest_end(map, top.start_address, top.end_address);
    top.is_cached = thread_caches_highest(caches, memory->at_ns, top.start_address, top.end_address,
                                          &top.cached) &&
                    top.cached.address >= top.pin_address;
    if (top.is_cached) {
        top.pin_address = top.cached.address + top.cached.usable_bytes;
    }
    uint64_t below_bytes = 0;
    for (size_t i = 0; i < memory->range_count; i++) {
        if (ranges[i].is_heap) {
            uint64_t end = clip(top.pin_address / PAGE_BYTES * PAGE_BYTES, ranges[i].start_address,
                                ranges[i].end_address);
            uint64_t resident_bytes = resident_below(&ranges[i], end);
            uint64_t used_bytes =
                page_map_count(map, ranges[i].start_address, end).used_count * PAGE_BYTES;
            below_bytes += resident_bytes;
            top.pinned_bytes += resident_bytes > used_bytes ? resident_bytes - used_bytes : 0;
        }
    }
    top.kept_bytes = top.resident_bytes - below_bytes;
    *out_top = top;
    return true;
}

static bool is_worth_a_word(const struct heap_top *top, uint64_t bytes)
{
    return bytes >= WORTH_BYTES && bytes >= top->resident_bytes / WORTH_PART;
}

bool heap_top_is_pinned(const struct heap_top *top)
{
    return is_worth_a_word(top, top->pinned_bytes);
}

bool heap_top_is_kept(const struct heap_top *top)
{
    return is_worth_a_word(top, top->kept_bytes);
}
