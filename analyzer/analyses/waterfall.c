#include "waterfall.h"

#include <string.h>

void heap_sums_advance(struct heap_sums *sums, uint64_t now_ns, uint64_t used_page_count)
{
    double seconds = (double)(now_ns - sums->now_ns) / 1e9;
    sums->requested_seconds += seconds * (double)sums->requested_bytes;
    sums->usable_seconds += seconds * (double)sums->usable_bytes;
    sums->block_seconds += seconds * (double)sums->block_count;
    sums->page_seconds += seconds * (double)used_page_count * PAGE_BYTES;
    sums->now_ns = now_ns;
}

static struct waterfall begin(const struct page_map *map, const struct heap_sums *sums,
                              uint64_t header_bytes)
{
    struct waterfall waterfall = {
        .at_ns = sums->now_ns,
        .requested_bytes = (double)sums->requested_bytes,
        .rounding_bytes = (double)sums->usable_bytes - (double)sums->requested_bytes,
        .header_bytes = (double)(sums->block_count * header_bytes),
    };
    waterfall.hole_bytes = (double)page_map_used_count(map) * PAGE_BYTES -
                           (double)sums->usable_bytes - waterfall.header_bytes;
    return waterfall;
}

/* The ranges of one mapping: [*first, end). */
static size_t end_of_mapping(const struct resident_row *ranges, size_t first, size_t count)
{
    size_t end = first + 1;
    while (end < count && ranges[end].mapping_address == ranges[first].mapping_address) {
        end++;
    }
    return end;
}

static bool has_blocks(const struct page_map *map, const struct resident_row *ranges, size_t count)
{
    return ranges->is_heap ||
           page_map_count(map, ranges->mapping_address, ranges[count - 1].end_address).ever_count >
               0;
}

/* Adds the ranges of a mapping with blocks. */
static void measure_ranges(struct heap_moment *moment, const struct page_map *map,
                           const struct resident_row *ranges, size_t count, uint64_t *used_bytes)
{
    for (size_t i = 0; i < count; i++) {
        const struct resident_row *range = &ranges[i];
        struct page_use use = page_map_count(map, range->start_address, range->end_address);
        uint64_t used = use.used_count * PAGE_BYTES;
        uint64_t ever = use.ever_count * PAGE_BYTES;
        *used_bytes += used < range->resident_bytes ? used : range->resident_bytes;
        moment->known_bytes += ever < range->resident_bytes ? ever : range->resident_bytes;
        moment->waterfall.resident_bytes += (double)range->resident_bytes;
    }
}

struct heap_moment heap_moment_measure(struct memory_moments *all, struct memory_moment *memory,
                                       const struct page_map *map, const struct heap_sums *sums,
                                       uint64_t header_bytes)
{
    struct heap_moment moment = {
        .memory = memory, .sums = *sums, .waterfall = begin(map, sums, header_bytes)};
    struct resident_row *ranges = all->ranges + memory->first_range;
    uint64_t used_bytes = 0;
    size_t kept = 0;
    for (size_t first = 0; first < memory->range_count;) {
        size_t end = end_of_mapping(ranges, first, memory->range_count);
        if (has_blocks(map, ranges + first, end - first)) {
            measure_ranges(&moment, map, ranges + first, end - first, &used_bytes);
            memmove(ranges + kept, ranges + first, (end - first) * sizeof(*ranges));
            kept += end - first;
        } else {
            for (size_t i = first; i < end; i++) {
                moment.foreign_bytes += ranges[i].resident_bytes;
            }
        }
        first = end;
    }
    memory->range_count = kept;
    struct waterfall *waterfall = &moment.waterfall;
    waterfall->empty_bytes = waterfall->resident_bytes - (double)used_bytes;
    waterfall->untouched_bytes = (double)page_map_used_count(map) * PAGE_BYTES - (double)used_bytes;
    return moment;
}

struct waterfall waterfall_model(const struct page_map *map, const struct heap_sums *sums,
                                 uint64_t header_bytes)
{
    struct waterfall waterfall = begin(map, sums, header_bytes);
    waterfall.resident_bytes = (double)page_map_ever_count(map) * PAGE_BYTES;
    waterfall.empty_bytes =
        waterfall.resident_bytes - (double)page_map_used_count(map) * PAGE_BYTES;
    return waterfall;
}

bool waterfall_average(const struct heap_moment *moments, size_t count, uint64_t header_bytes,
                       struct waterfall *out_average)
{
    if (count < 2) {
        return false;
    }
    const struct heap_sums *first = &moments[0].sums;
    const struct heap_sums *last = &moments[count - 1].sums;
    double seconds = (double)(last->now_ns - first->now_ns) / 1e9;
    if (seconds <= 0) {
        return false;
    }
    struct waterfall sum = {.at_ns = last->now_ns};
    sum.requested_bytes = (last->requested_seconds - first->requested_seconds) / seconds;
    double usable_bytes = (last->usable_seconds - first->usable_seconds) / seconds;
    double used_bytes = (last->page_seconds - first->page_seconds) / seconds;
    sum.rounding_bytes = usable_bytes - sum.requested_bytes;
    sum.header_bytes =
        (last->block_seconds - first->block_seconds) / seconds * (double)header_bytes;
    sum.hole_bytes = used_bytes - usable_bytes - sum.header_bytes;
    for (size_t i = 1; i < count; i++) {
        const struct waterfall *a = &moments[i - 1].waterfall;
        const struct waterfall *b = &moments[i].waterfall;
        double share = (double)(b->at_ns - a->at_ns) / 1e9 / seconds;
        sum.empty_bytes += share * (a->empty_bytes + b->empty_bytes) / 2;
        sum.untouched_bytes += share * (a->untouched_bytes + b->untouched_bytes) / 2;
    }
    sum.resident_bytes = used_bytes + sum.empty_bytes - sum.untouched_bytes;
    *out_average = sum;
    return true;
}

static double ratio(double part, double whole)
{
    return whole > 0 ? part / whole : 0;
}

static double mean_ratio(const struct heap_moment *moments, size_t count)
{
    double sum = 0;
    double seconds = 0;
    for (size_t i = 1; i < count; i++) {
        const struct waterfall *a = &moments[i - 1].waterfall;
        const struct waterfall *b = &moments[i].waterfall;
        if (a->requested_bytes > 0 && b->requested_bytes > 0) {
            double passed = (double)(b->at_ns - a->at_ns) / 1e9;
            sum +=
                passed *
                (a->resident_bytes / a->requested_bytes + b->resident_bytes / b->requested_bytes) /
                2;
            seconds += passed;
        }
    }
    return ratio(sum, seconds);
}

struct fragmentation_measures waterfall_measures(const struct heap_moment *moments, size_t count,
                                                 uint64_t peak_bytes)
{
    struct fragmentation_measures measures = {0};
    if (count == 0) {
        return measures;
    }
    const struct waterfall *fullest = &moments[0].waterfall;
    const struct waterfall *largest = &moments[0].waterfall;
    for (size_t i = 1; i < count; i++) {
        const struct waterfall *waterfall = &moments[i].waterfall;
        fullest = waterfall->requested_bytes > fullest->requested_bytes ? waterfall : fullest;
        largest = waterfall->resident_bytes > largest->resident_bytes ? waterfall : largest;
    }
    measures.mean = mean_ratio(moments, count);
    measures.at_peak = ratio(fullest->resident_bytes, fullest->requested_bytes);
    measures.at_footprint = ratio(largest->resident_bytes, largest->requested_bytes);
    measures.overall = ratio(largest->resident_bytes, (double)peak_bytes);
    return measures;
}
