#include <string.h>

#include "../../base/vec.h"
#include "tally_count.h"

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

__attribute__((noinline)) struct slice *tally_find_slice(struct tally *tally, uint64_t at_ns)
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
