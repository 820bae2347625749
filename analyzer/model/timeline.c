#include "timeline.h"

#include <stdlib.h>

#include "../base/vec.h"
#include "../db/query_run.h"

struct timeline_loader {
    struct timeline *timeline;
    uint64_t from_ns;
    uint64_t to_ns;
};

static int take_row(void *context, const struct timeline_row *row)
{
    const struct timeline_loader *loader = context;
    struct timeline *timeline = loader->timeline;
    if (row->at_ns >= loader->to_ns || row->at_ns + row->width_ns <= loader->from_ns) {
        return 0;
    }
    int result = vec_reserve((void **)&timeline->rows, &timeline->capacity, timeline->count + 1,
                             sizeof(*timeline->rows));
    if (result == 0) {
        timeline->rows[timeline->count++] = *row;
    }
    return result;
}

int timeline_load(struct db *db, uint32_t process_id, uint64_t from_ns, uint64_t to_ns,
                  struct timeline *out_timeline, struct err *err)
{
    struct timeline timeline = {0};
    struct timeline_loader loader = {&timeline, from_ns, to_ns};
    int result = query_timeline(db, process_id, take_row, &loader, err);
    if (result < 0) {
        timeline_fini(&timeline);
        return result;
    }
    if (timeline.count > 0) {
        const struct timeline_row *last = &timeline.rows[timeline.count - 1];
        timeline.from_ns = timeline.rows[0].at_ns;
        timeline.to_ns = last->at_ns + last->width_ns;
    }
    *out_timeline = timeline;
    return 0;
}

static void raise_to(int64_t *level, uint64_t value)
{
    if (value != QUERY_NULL && (int64_t)value > *level) {
        *level = (int64_t)value;
    }
}

static size_t bin_of(const struct timeline *timeline, uint64_t at_ns, size_t count)
{
    double share =
        (double)(at_ns - timeline->from_ns) / (double)(timeline->to_ns - timeline->from_ns);
    size_t bin = (size_t)(share * (double)count);
    return bin < count ? bin : count - 1;
}

/* Few slices have a sample: a level holds from one sample to the next. */
static void hold_samples(struct timeline_bin *bins, size_t count)
{
    size_t last = 0;
    for (size_t i = 0; i < count; i++) {
        last = bins[i].rss_bytes >= 0 ? i : last;
    }
    for (size_t i = 1; i < last; i++) {
        if (bins[i].rss_bytes < 0) {
            bins[i].rss_bytes = bins[i - 1].rss_bytes;
        }
    }
}

void timeline_fill(const struct timeline *timeline, struct timeline_bin *bins, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        bins[i] = (struct timeline_bin){.live_bytes = -1, .rss_bytes = -1};
    }
    if (timeline->count == 0 || timeline->to_ns <= timeline->from_ns) {
        return;
    }
    for (size_t i = 0; i < timeline->count; i++) {
        const struct timeline_row *row = &timeline->rows[i];
        size_t first = bin_of(timeline, row->at_ns, count);
        size_t behind = bin_of(timeline, row->at_ns + row->width_ns, count);
        behind = i + 1 == timeline->count ? count : behind;
        size_t covered = behind > first ? behind - first : 1;
        for (size_t bin = 0; bin < covered; bin++) {
            struct timeline_bin *to = &bins[first + bin];
            raise_to(&to->live_bytes, row->live_bytes);
            raise_to(&to->rss_bytes, row->rss_bytes);
            to->allocation_count += (double)row->allocation_count / (double)covered;
        }
    }
    hold_samples(bins, count);
}

void timeline_fini(struct timeline *timeline)
{
    free(timeline->rows);
    *timeline = (struct timeline){0};
}
