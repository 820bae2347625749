#include "tally.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "../base/vec.h"

enum {
    SLICE_SHIFT_FIRST = 20, /* about a millisecond */
};

int tally_init(struct tally *tally, uint64_t started_ns)
{
    *tally = (struct tally){
        .slice_shift = SLICE_SHIFT_FIRST,
        .first_slice = started_ns >> SLICE_SHIFT_FIRST,
    };
    tally->sizes = calloc(TALLY_SIZE_CLASSES, sizeof(*tally->sizes));
    return tally->sizes == NULL ? -ENOMEM : 0;
}

void tally_restart(struct tally *tally, uint64_t started_ns)
{
    for (size_t i = 0; i < tally->site_count; i++) {
        tally->sites[i] = (struct site){
            .stack_id = tally->sites[i].stack_id,
            .failed_count = tally->sites[i].failed_count,
            .kind = UINT32_MAX,
            .size_min_bytes = UINT64_MAX,
        };
    }
    memset(tally->sizes, 0, TALLY_SIZE_CLASSES * sizeof(*tally->sizes));
    memset(tally->lifetimes, 0, sizeof(tally->lifetimes));
    latency_fini(&tally->latency);
    tally->spread_count = 0;
    tally->slice_count = 0;
    tally->now_span_ns = 0;
    tally->slice_shift = SLICE_SHIFT_FIRST;
    tally->first_slice = started_ns >> SLICE_SHIFT_FIRST;
    tally->allocation_count = 0;
    tally->allocated_bytes = 0;
    tally->free_count = 0;
    tally->live_count = 0;
    tally->live_bytes = 0;
    tally->peak_epoch = 0;
    tally->peak_count = 0;
    tally->peak_bytes = 0;
    tally->peak_ns = 0;
}

void tally_fini(struct tally *tally)
{
    free(tally->sites);
    free(tally->spreads);
    map_fini(&tally->site_of_stack);
    free(tally->sizes);
    free(tally->slices);
    latency_fini(&tally->latency);
    *tally = (struct tally){0};
}

unsigned tally_size_class(uint64_t size_bytes)
{
    if (size_bytes < TALLY_EXACT_SIZES) {
        return (unsigned)size_bytes;
    }
    /* 1024 is exact, so the classes start above it: (1024, 1152], (1152, 1280] ... */
    uint64_t below = size_bytes - 1;
    unsigned log2 = 63u - (unsigned)__builtin_clzll(below);
    return TALLY_EXACT_SIZES + (log2 - 10) * 8 + (unsigned)((below >> (log2 - 3)) & 7);
}

void tally_size_range(unsigned size_class, uint64_t *out_min_bytes, uint64_t *out_max_bytes)
{
    if (size_class < TALLY_EXACT_SIZES) {
        *out_min_bytes = size_class;
        *out_max_bytes = size_class;
        return;
    }
    unsigned log2 = (size_class - TALLY_EXACT_SIZES) / 8 + 10;
    uint64_t step = UINT64_C(1) << (log2 - 3);
    uint64_t below = (UINT64_C(1) << log2) + step * ((size_class - TALLY_EXACT_SIZES) % 8);
    *out_min_bytes = below + 1;
    *out_max_bytes = size_class + 1 == TALLY_SIZE_CLASSES ? UINT64_MAX : below + step;
}

int tally_site(struct tally *tally, uint32_t stack_id, uint32_t *out_site)
{
    if (map_get(&tally->site_of_stack, stack_id, out_site)) {
        return 0;
    }
    int r = vec_reserve((void **)&tally->sites, &tally->site_capacity, tally->site_count + 1,
                        sizeof(*tally->sites));
    if (r == 0) {
        r = map_put(&tally->site_of_stack, stack_id, (uint32_t)tally->site_count);
    }
    if (r < 0) {
        return r;
    }
    tally->sites[tally->site_count] = (struct site){
        .stack_id = stack_id,
        .kind = UINT32_MAX,
        .size_min_bytes = UINT64_MAX,
    };
    *out_site = (uint32_t)tally->site_count++;
    return 0;
}

/* Two slices become one, as often as it takes for `at_ns` to fit. */
static void tally_halve_slices(struct tally *tally)
{
    uint64_t first = tally->first_slice >> 1;
    for (size_t i = 0; i < tally->slice_count; i++) {
        struct slice from = tally->slices[i];
        size_t at = (size_t)(((tally->first_slice + i) >> 1) - first);
        struct slice *to = &tally->slices[at];
        if (i == 0 || ((tally->first_slice + i) & 1) == 0) {
            *to = from;
            continue;
        }
        if (from.live_bytes > to->live_bytes || !to->is_touched) {
            to->live_bytes = from.live_bytes;
            to->live_count = from.live_count;
        }
        to->allocation_count += from.allocation_count;
        to->allocated_bytes += from.allocated_bytes;
        to->free_count += from.free_count;
        to->rss_bytes = from.rss_bytes > to->rss_bytes ? from.rss_bytes : to->rss_bytes;
        to->is_touched |= from.is_touched;
    }
    if (tally->slice_count != 0) {
        uint64_t last = (tally->first_slice + tally->slice_count - 1) >> 1;
        tally->slice_count = (size_t)(last - first) + 1;
    }
    tally->first_slice = first;
    tally->slice_shift++;
}

static __attribute__((noinline)) struct slice *tally_find_slice(struct tally *tally, uint64_t at_ns)
{
    uint64_t slice = at_ns >> tally->slice_shift;
    size_t index = slice < tally->first_slice ? 0 : (size_t)(slice - tally->first_slice);
    while (index >= TALLY_SLICES_MAX) {
        tally_halve_slices(tally);
        index = (size_t)((at_ns >> tally->slice_shift) - tally->first_slice);
    }
    if (index >= tally->slice_count) {
        int r = vec_reserve((void **)&tally->slices, &tally->slice_capacity, index + 1,
                            sizeof(*tally->slices));
        if (r < 0) {
            return NULL;
        }
        memset(tally->slices + tally->slice_count, 0,
               (index + 1 - tally->slice_count) * sizeof(*tally->slices));
        tally->slice_count = index + 1;
    }
    struct slice *found = &tally->slices[index];
    if (!found->is_touched) {
        found->is_touched = true;
        found->live_bytes = tally->live_bytes;
        found->live_count = tally->live_count;
    }
    tally->now = found;
    tally->now_start_ns = (tally->first_slice + index) << tally->slice_shift;
    tally->now_span_ns = UINT64_C(1) << tally->slice_shift;
    return found;
}

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

/* Timed calls are few: their histograms are kept out of the way of the others. */
static __attribute__((noinline)) int tally_time_birth(struct tally *tally,
                                                      const struct block *block, uint64_t weight,
                                                      uint64_t duration_ns)
{
    struct site *site = &tally->sites[block->site];
    if (duration_ns > LATENCY_LONG_NS) {
        site->timed_long_ns += weight * duration_ns;
    } else {
        site->timed_alloc_ns += weight * duration_ns;
        site->timed_alloc_count += weight;
    }
    return latency_add(&tally->latency, latency_of_alloc(block->kind), block->site, duration_ns,
                       weight);
}

static __attribute__((noinline)) int tally_time_death(struct tally *tally,
                                                      const struct block *block, uint64_t weight,
                                                      const struct death *death)
{
    struct site *site = &tally->sites[block->site];
    if (death->duration_ns > LATENCY_LONG_NS) {
        site->timed_long_ns += weight * death->duration_ns;
    } else {
        site->timed_free_ns += weight * death->duration_ns;
        site->timed_free_count += weight;
    }
    return latency_add(&tally->latency, latency_of_free(death->kind), block->site,
                       death->duration_ns, weight);
}

int tally_alloc(struct tally *tally, const struct block *block, bool is_timed, uint64_t duration_ns)
{
    struct slice *slice = tally_slice(tally, block->born_ns);
    if (slice == NULL) {
        return -ENOMEM;
    }
    tally_count_birth(tally, slice, block, 1);
    return is_timed ? tally_time_birth(tally, block, 1, duration_ns) : 0;
}

int tally_free(struct tally *tally, const struct block *block, const struct death *death)
{
    struct slice *slice = tally_slice(tally, death->died_ns);
    if (slice == NULL) {
        return -ENOMEM;
    }
    tally_count_death(tally, slice, block, 1, death);
    if (!death->is_remote) {
        unsigned bits = 64u - (unsigned)__builtin_clzll(death->own_allocations | 1);
        unsigned within = death->own_allocations == 0 ? 0 : bits;
        if (within < TALLY_TEMPORARY_CLASSES) {
            tally->sites[block->site].temporary_count[within]++;
        }
    }
    return death->is_timed ? tally_time_death(tally, block, 1, death) : 0;
}

void tally_realloc(struct tally *tally, const struct block *block, uint64_t old_bytes,
                   bool has_moved)
{
    struct site *site = &tally->sites[block->site];
    site->realloc_count++;
    if (block->chain_length > site->realloc_chain_max) {
        site->realloc_chain_max = block->chain_length;
    }
    if (has_moved) {
        site->realloc_moved_count++;
        site->realloc_moved_bytes += old_bytes < block->size_bytes ? old_bytes : block->size_bytes;
    }
}

void tally_failed(struct tally *tally, uint32_t site, uint64_t weight)
{
    tally->failed_count += weight;
    tally->sites[site].failed_count += weight;
}

int tally_rss(struct tally *tally, uint64_t at_ns, uint64_t rss_bytes)
{
    struct slice *slice = tally_slice(tally, at_ns);
    if (slice == NULL) {
        return -ENOMEM;
    }
    slice->rss_bytes = rss_bytes > slice->rss_bytes ? rss_bytes : slice->rss_bytes;
    return 0;
}

void tally_finish(struct tally *tally)
{
    for (size_t i = 0; i < tally->site_count; i++) {
        tally_note_peak(tally, &tally->sites[i]);
    }
}

static struct spread *tally_spread(struct tally *tally, uint32_t site)
{
    if (site >= tally->spread_count) {
        if (vec_reserve((void **)&tally->spreads, &tally->spread_capacity, (size_t)site + 1,
                        sizeof(*tally->spreads)) < 0) {
            return NULL;
        }
        memset(tally->spreads + tally->spread_count, 0,
               (site + 1 - tally->spread_count) * sizeof(*tally->spreads));
        tally->spread_count = site + 1;
    }
    return &tally->spreads[site];
}

/*
 * A block is in the sample with probability p, and its weight w is a random number of mean 1 / p.
 * The variance of the sum of weights is the sum of E[w^2] p - 1 over all blocks, of which w^2 - w,
 * summed over the sample, is an unbiased estimate. `sign` takes a block out again.
 */
static void tally_add_spread(struct spread *spread, const struct block *block, uint64_t weight,
                             bool is_birth)
{
    double size = (double)block->size_bytes;
    double variance = (double)weight * (double)(weight - 1);
    double sign = is_birth ? 1 : -1;
    if (is_birth) {
        spread->allocation_count += variance;
        spread->allocated_bytes += size * size * variance;
    }
    spread->live_count += sign * variance;
    spread->live_bytes += sign * size * size * variance;
}

int tally_alloc_weighted(struct tally *tally, const struct block *block, uint64_t weight,
                         bool is_timed, uint64_t duration_ns)
{
    struct slice *slice = tally_slice(tally, block->born_ns);
    struct spread *spread = tally_spread(tally, block->site);
    if (slice == NULL || spread == NULL) {
        return -ENOMEM;
    }
    tally_add_spread(spread, block, weight, true);
    tally_count_birth(tally, slice, block, weight);
    return is_timed ? tally_time_birth(tally, block, weight, duration_ns) : 0;
}

int tally_free_weighted(struct tally *tally, const struct block *block, uint64_t weight,
                        const struct death *death)
{
    struct slice *slice = tally_slice(tally, death->died_ns);
    struct spread *spread = tally_spread(tally, block->site);
    if (slice == NULL || spread == NULL) {
        return -ENOMEM;
    }
    tally_add_spread(spread, block, weight, false);
    tally_count_death(tally, slice, block, weight, death);
    return death->is_timed ? tally_time_death(tally, block, weight, death) : 0;
}

static void tally_apply_change(struct tally *tally, struct slice *slice,
                               const struct tally_change *change)
{
    uint64_t born_bytes = change->birth_count * change->size_bytes;
    uint64_t died_bytes = change->death_count * change->size_bytes;
    struct site *site = &tally->sites[change->site];
    struct size_class *size = &tally->sizes[tally_size_class(change->size_bytes)];
    tally_note_peak(tally, site);
    site->kind = site->kind == UINT32_MAX ? change->kind : site->kind;
    site->allocation_count += change->birth_count;
    site->allocated_bytes += born_bytes;
    site->usable_bytes += born_bytes;
    site->free_count += change->death_count;
    site->live_count += change->birth_count - change->death_count;
    site->live_bytes += born_bytes - died_bytes;
    if (change->birth_count > 0) {
        site->size_min_bytes =
            change->size_bytes < site->size_min_bytes ? change->size_bytes : site->size_min_bytes;
        site->size_max_bytes =
            change->size_bytes > site->size_max_bytes ? change->size_bytes : site->size_max_bytes;
    }
    size->allocation_count += change->birth_count;
    size->allocated_bytes += born_bytes;
    size->usable_bytes += born_bytes;
    size->free_count += change->death_count;
    tally->allocation_count += change->birth_count;
    tally->allocated_bytes += born_bytes;
    tally->free_count += change->death_count;
    tally->live_count += change->birth_count - change->death_count;
    tally->live_bytes += born_bytes - died_bytes;
    slice->allocation_count += change->birth_count;
    slice->allocated_bytes += born_bytes;
    slice->free_count += change->death_count;
}

static int tally_add_change_spread(struct tally *tally, const struct tally_change *change)
{
    double square = (double)change->size_bytes * (double)change->size_bytes;
    double live_variance = change->birth_variance - change->death_variance;
    if (change->birth_variance == 0 && change->death_variance == 0) {
        return 0;
    }
    struct spread *spread = tally_spread(tally, change->site);
    if (spread == NULL) {
        return -ENOMEM;
    }
    spread->allocation_count += change->birth_variance;
    spread->allocated_bytes += square * change->birth_variance;
    spread->live_count += live_variance;
    spread->live_bytes += square * live_variance;
    return 0;
}

/* The highest values, once all changes of a reading are in. */
static void tally_note_highs(struct tally *tally, const struct tally_change *change)
{
    struct site *site = &tally->sites[change->site];
    struct size_class *size = &tally->sizes[tally_size_class(change->size_bytes)];
    uint64_t live_of_size = size->allocation_count - size->free_count;
    if (site->live_count > site->live_count_max) {
        site->live_count_max = site->live_count;
    }
    if (site->live_bytes > site->live_bytes_max) {
        site->live_bytes_max = site->live_bytes;
    }
    if (live_of_size > size->live_count_max) {
        size->live_count_max = live_of_size;
    }
}

int tally_add_reading(struct tally *tally, const struct tally_change *changes, size_t count,
                      uint64_t at_ns)
{
    struct slice *slice = tally_slice(tally, at_ns);
    if (slice == NULL) {
        return -ENOMEM;
    }
    for (size_t i = 0; i < count; i++) {
        int r = tally_add_change_spread(tally, &changes[i]);
        if (r < 0) {
            return r;
        }
        tally_apply_change(tally, slice, &changes[i]);
    }
    for (size_t i = 0; i < count; i++) {
        tally_note_highs(tally, &changes[i]);
    }
    if (tally->live_bytes > slice->live_bytes) {
        slice->live_bytes = tally->live_bytes;
        slice->live_count = tally->live_count;
    }
    if (tally->live_bytes > tally->peak_bytes) {
        tally->peak_epoch++;
        tally->peak_bytes = tally->live_bytes;
        tally->peak_count = tally->live_count;
        tally->peak_ns = at_ns;
    }
    return 0;
}
