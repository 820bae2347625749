#include "tally.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "../../base/vec.h"
#include "tally_count.h"

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

__attribute__((noinline)) int tally_time_birth(struct tally *tally, const struct block *block,
                                               uint64_t weight, uint64_t duration_ns)
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

int tally_time_free(struct tally *tally, uint32_t site_index, unsigned kind, uint64_t weight,
                    uint64_t duration_ns)
{
    struct site *site = &tally->sites[site_index];
    if (duration_ns > LATENCY_LONG_NS) {
        site->timed_long_ns += weight * duration_ns;
    } else {
        site->timed_free_ns += weight * duration_ns;
        site->timed_free_count += weight;
    }
    return latency_add(&tally->latency, latency_of_free(kind), site_index, duration_ns, weight);
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
    return 0;
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
