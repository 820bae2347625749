/*
 * timeline.h - how the memory of one process went over time.
 *
 * Single thread. Times are ns since the run began.
 */
#ifndef ALLOCAUDIT_TIMELINE_H
#define ALLOCAUDIT_TIMELINE_H

#include <stddef.h>
#include <stdint.h>

#include "../base/err.h"
#include "../db/query_class.h"

struct timeline {
    struct timeline_row *rows; /* by time, as recorded */
    size_t count;
    size_t capacity;
    uint64_t from_ns; /* of the first row */
    uint64_t to_ns;   /* the end of the last row */
};

/* An equal share of the time; what the recorder has no slice for is -1 (levels) or 0 (a count). */
struct timeline_bin {
    int64_t live_bytes; /* most in it */
    int64_t rss_bytes;  /* most in it; between two samples: as the earlier one */
    double allocation_count;
};

/* Rows of a process that overlap [from_ns, to_ns). Returns 0 and *out_timeline is to be ended with
 * timeline_fini(). */
int timeline_load(struct db *db, uint32_t process_id, uint64_t from_ns, uint64_t to_ns,
                  struct timeline *out_timeline, struct err *err);

/* Spreads the rows over bins[0..count), count > 0. A row counts where it begins; one that is wider
 * than a bin holds its level in all bins that it covers, and its count is shared out among them.
 */
void timeline_fill(const struct timeline *timeline, struct timeline_bin *bins, size_t count);

/* A zeroed one is fine. */
void timeline_fini(struct timeline *timeline);

#endif
