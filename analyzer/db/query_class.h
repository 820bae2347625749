/*
 * query_class.h - what a run did by size, by lifetime and by time: size_class, lifetime_class,
 * timeline.
 *
 * Sinks and results as in query_run.h. A process_id of 0 stands for all processes.
 */
#ifndef ALLOCAUDIT_QUERY_CLASS_H
#define ALLOCAUDIT_QUERY_CLASS_H

#include <stdint.h>

#include "open.h"

struct size_class_row {
    uint64_t size_min_bytes;
    uint64_t size_max_bytes;
    uint64_t allocation_count;
    uint64_t allocated_bytes;
    uint64_t usable_bytes;
    uint64_t free_count;
    uint64_t live_count_max; /* summed over processes */
    uint64_t leaked_count;
};

struct lifetime_class_row {
    uint64_t lifetime_min_ns;
    uint64_t free_count;
    uint64_t freed_bytes;
};

struct timeline_row {
    uint64_t at_ns;
    uint64_t width_ns;
    uint64_t live_bytes;
    uint64_t live_count;
    uint64_t allocation_count;
    uint64_t allocated_bytes;
    uint64_t free_count;
    uint64_t rss_bytes; /* may be QUERY_NULL */
};

typedef int size_class_sink(void *context, const struct size_class_row *row);
typedef int lifetime_class_sink(void *context, const struct lifetime_class_row *row);
typedef int timeline_sink(void *context, const struct timeline_row *row);

/* By size, smallest first. */
int query_size_classes(struct db *db, uint32_t process_id, size_class_sink *sink, void *context,
                       struct err *err);

/* By lifetime, shortest first. */
int query_lifetime_classes(struct db *db, uint32_t process_id, lifetime_class_sink *sink,
                           void *context, struct err *err);

/* Of one process, by time. */
int query_timeline(struct db *db, uint32_t process_id, timeline_sink *sink, void *context,
                   struct err *err);

#endif
