/*
 * tally_count.h - for tally*.c alone: how a birth and a death change a process's aggregates.
 */
#ifndef ALLOCAUDIT_TALLY_COUNT_H
#define ALLOCAUDIT_TALLY_COUNT_H

#include "tally.h"

/* Makes the slice of a moment the present one. NULL: no memory. */
struct slice *tally_find_slice(struct tally *tally, uint64_t at_ns);

/* Timed calls are few: their histograms are kept out of the way of the others. 0 or -ENOMEM. */
int tally_time_birth(struct tally *tally, const struct block *block, uint64_t weight,
                     uint64_t duration_ns);

static inline struct slice *tally_slice(struct tally *tally, uint64_t at_ns)
{
    if (__builtin_expect(at_ns - tally->now_start_ns < tally->now_span_ns, 1)) {
        return tally->now;
    }
    return tally_find_slice(tally, at_ns);
}

/*
 * A site's share of the peak is what it had live at that moment. Instead of copying all sites at
 * every new peak, a site notes its share when it first changes after one: until then it was the
 * same.
 */
static inline void tally_note_peak(const struct tally *tally, struct site *site)
{
    if (site->peak_epoch != tally->peak_epoch) {
        site->peak_epoch = tally->peak_epoch;
        site->peak_count = site->live_count;
        site->peak_bytes = site->live_bytes;
    }
}

/* The figures of a birth, for a block that stands for `weight`; 1 leaves no trace of it. */
static inline __attribute__((always_inline)) void tally_count_birth(struct tally *tally,
                                                                    struct slice *slice,
                                                                    const struct block *block,
                                                                    uint64_t weight)
{
    uint64_t size_bytes = block->size_bytes;
    struct site *site = &tally->sites[block->site];
    tally_note_peak(tally, site);
    if (site->kind == UINT32_MAX) {
        site->kind = block->kind;
    }
    site->allocation_count += weight;
    site->allocated_bytes += weight * size_bytes;
    site->usable_bytes += weight * (size_bytes + block->slack_bytes);
    if (__builtin_expect(size_bytes < site->size_min_bytes, 0)) {
        site->size_min_bytes = size_bytes;
    }
    if (__builtin_expect(size_bytes > site->size_max_bytes, 0)) {
        site->size_max_bytes = size_bytes;
    }
    site->live_count += weight;
    site->live_bytes += weight * size_bytes;
    if (__builtin_expect(site->live_count > site->live_count_max, 0)) {
        site->live_count_max = site->live_count;
    }
    if (__builtin_expect(site->live_bytes > site->live_bytes_max, 0)) {
        site->live_bytes_max = site->live_bytes;
    }
    tally->latency.call_counts[latency_of_alloc(block->kind)] += weight;
    struct size_class *size = &tally->sizes[tally_size_class(size_bytes)];
    size->allocation_count += weight;
    size->allocated_bytes += weight * size_bytes;
    size->usable_bytes += weight * (size_bytes + block->slack_bytes);
    uint64_t live_of_size = size->allocation_count - size->free_count;
    if (__builtin_expect(live_of_size > size->live_count_max, 0)) {
        size->live_count_max = live_of_size;
    }
    tally->allocation_count += weight;
    tally->allocated_bytes += weight * size_bytes;
    tally->live_count += weight;
    tally->live_bytes += weight * size_bytes;
    slice->allocation_count += weight;
    slice->allocated_bytes += weight * size_bytes;
    if (__builtin_expect(tally->live_bytes > slice->live_bytes, 0)) {
        slice->live_bytes = tally->live_bytes;
        slice->live_count = tally->live_count;
    }
    if (__builtin_expect(tally->live_bytes > tally->peak_bytes, 0)) {
        tally->peak_epoch++;
        tally->peak_bytes = tally->live_bytes;
        tally->peak_count = tally->live_count;
        tally->peak_ns = block->born_ns;
    }
}

/* The same of a death, but for temporary blocks. */
static inline __attribute__((always_inline)) void
tally_count_death(struct tally *tally, struct slice *slice, const struct block *block,
                  uint64_t weight, const struct death *death)
{
    uint64_t lifetime_ns = death->died_ns - block->born_ns;
    uint64_t bytes = weight * block->size_bytes;
    struct site *site = &tally->sites[block->site];
    tally_note_peak(tally, site);
    site->free_count += weight;
    site->live_count -= weight;
    site->live_bytes -= bytes;
    site->lifetime_sum_ns += weight * lifetime_ns;
    if (__builtin_expect(lifetime_ns > site->lifetime_max_ns, 0)) {
        site->lifetime_max_ns = lifetime_ns;
    }
    tally->latency.call_counts[latency_of_free(death->kind)] += weight;
    if (death->is_remote) {
        site->remote_free_count += weight;
    }
    if (block->size_bytes >= TALLY_LARGE_BYTES && lifetime_ns < TALLY_LARGE_SHORT_NS) {
        site->large_short_lived_count += weight;
        site->large_short_lived_bytes += bytes;
    }
    tally->sizes[tally_size_class(block->size_bytes)].free_count += weight;
    unsigned lifetime_class = 63u - (unsigned)__builtin_clzll(lifetime_ns | 1);
    tally->lifetimes[lifetime_class].free_count += weight;
    tally->lifetimes[lifetime_class].freed_bytes += bytes;
    tally->free_count += weight;
    tally->live_count -= weight;
    tally->live_bytes -= bytes;
    slice->free_count += weight;
}

#endif
