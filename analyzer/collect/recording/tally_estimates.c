#include <errno.h>
#include <string.h>

#include "../../base/vec.h"
#include "tally_count.h"

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
    return 0;
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
