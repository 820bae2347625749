#include "bursts.h"

#include <math.h>
#include <stdlib.h>

#include "../base/vec.h"
#include "../db/query_class.h"

struct slice_counts {
    uint64_t *counts; /* of slices that have a row */
    size_t count;
    size_t capacity;
    uint64_t first_ns;
    uint64_t last_ns;
    struct bursts *bursts;
};

static int take_slice(void *context, const struct timeline_row *row)
{
    struct slice_counts *slices = context;
    struct bursts *bursts = slices->bursts;
    int result = vec_reserve((void **)&slices->counts, &slices->capacity, slices->count + 1,
                             sizeof(*slices->counts));
    if (result < 0) {
        return result;
    }
    if (slices->count == 0) {
        slices->first_ns = row->at_ns;
    }
    slices->last_ns = row->at_ns;
    slices->counts[slices->count++] = row->allocation_count;
    bursts->width_ns = row->width_ns;
    bursts->allocation_count += row->allocation_count;
    if (row->allocation_count > bursts->most_count) {
        bursts->most_count = row->allocation_count;
        bursts->most_at_ns = row->at_ns;
    }
    return 0;
}

static int compare_counts(const void *left, const void *right)
{
    uint64_t a = *(const uint64_t *)left;
    uint64_t b = *(const uint64_t *)right;
    return (a < b) - (a > b); /* largest first */
}

static void work_out(struct slice_counts *slices)
{
    struct bursts *bursts = slices->bursts;
    double squares = 0;
    uint64_t seen = 0;
    size_t half = 0;
    bursts->slice_count = (slices->last_ns - slices->first_ns) / bursts->width_ns + 1;
    bursts->mean = (double)bursts->allocation_count / (double)bursts->slice_count;
    qsort(slices->counts, slices->count, sizeof(*slices->counts), compare_counts);
    for (size_t i = 0; i < slices->count; i++) {
        double distance = (double)slices->counts[i] - bursts->mean;
        squares += distance * distance;
        half += seen * 2 < bursts->allocation_count;
        seen += slices->counts[i];
        bursts->idle_count += slices->counts[i] == 0;
    }
    /* Slices in which nothing happened have no row. */
    uint64_t absent = bursts->slice_count - slices->count;
    bursts->idle_count += absent;
    squares += (double)absent * bursts->mean * bursts->mean;
    bursts->half_share = (double)half / (double)bursts->slice_count;
    bursts->dispersion = bursts->slice_count < 2 || bursts->mean == 0
                             ? NAN
                             : squares / (double)(bursts->slice_count - 1) / bursts->mean;
}

int bursts_load(struct db *db, uint32_t process_id, struct bursts *out_bursts, struct err *err)
{
    struct bursts bursts = {.dispersion = NAN};
    struct slice_counts slices = {.bursts = &bursts};
    int result = query_timeline(db, process_id, take_slice, &slices, err);
    if (result == 0 && slices.count > 0) {
        work_out(&slices);
    }
    free(slices.counts);
    if (result == 0) {
        *out_bursts = bursts;
    }
    return result;
}
