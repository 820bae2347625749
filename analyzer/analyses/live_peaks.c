#include "live_peaks.h"

#include <errno.h>
#include <stdlib.h>

#include "../base/vec.h"

void live_peaks_take(struct live_peaks *peaks, uint64_t size_bytes)
{
    peaks->live_bytes -= size_bytes < peaks->live_bytes ? size_bytes : peaks->live_bytes;
}

static int keep_level(struct live_peaks *peaks)
{
    while (peaks->count > 0 && peaks->levels[peaks->count - 1].live_bytes <= peaks->live_bytes) {
        peaks->count--;
    }
    if (vec_reserve((void **)&peaks->levels, &peaks->capacity, peaks->count + 1,
                    sizeof(*peaks->levels)) < 0) {
        return -ENOMEM;
    }
    peaks->levels[peaks->count++] =
        (struct live_level){.moment = ++peaks->moment, .live_bytes = peaks->live_bytes};
    return 0;
}

int live_peaks_add(struct live_peaks *peaks, uint64_t size_bytes, bool is_watched)
{
    peaks->live_bytes += size_bytes;
    return is_watched ? keep_level(peaks) : 0;
}

int live_peaks_begin(struct live_peaks *peaks, uint64_t *out_moment)
{
    int result = keep_level(peaks);
    *out_moment = peaks->moment;
    return result;
}

uint64_t live_peaks_since(const struct live_peaks *peaks, uint64_t moment)
{
    size_t low = 0;
    size_t high = peaks->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        bool is_before = peaks->levels[middle].moment < moment;
        low = is_before ? middle + 1 : low;
        high = is_before ? high : middle;
    }
    return low < peaks->count ? peaks->levels[low].live_bytes : peaks->live_bytes;
}

void live_peaks_forget(struct live_peaks *peaks)
{
    peaks->count = 0;
}

void live_peaks_fini(struct live_peaks *peaks)
{
    free(peaks->levels);
    *peaks = (struct live_peaks){0};
}
