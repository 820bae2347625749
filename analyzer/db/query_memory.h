/*
 * query_memory.h - what the recorder saw of a process's memory from outside, and what the allocator
 * said of itself: memory_sample, resident_range, allocator_sample. Recordings made before there
 * were these tables have no rows.
 *
 * Sinks and results as in query_run.h.
 */
#ifndef ALLOCAUDIT_QUERY_MEMORY_H
#define ALLOCAUDIT_QUERY_MEMORY_H

#include <stdbool.h>
#include <stdint.h>

#include "../base/err.h"
#include "open.h"

/* Columns of memory_sample. */
struct memory_row {
    uint64_t at_ns;
    const char *kind;
    uint64_t mapped_bytes;
    uint64_t rss_bytes;
    uint64_t pss_bytes;
    uint64_t lazy_free_bytes;
    uint64_t swap_bytes;
};

/* Columns of resident_range. */
struct resident_row {
    uint64_t at_ns;
    uint64_t start_address;
    uint64_t end_address; /* greater than start_address */
    uint64_t resident_bytes;
    uint64_t mapping_address;
    bool is_heap; /* what brk made */
};

/* Columns of allocator_sample. */
struct allocator_row {
    uint64_t at_ns;
    const char *name;
    uint64_t value;
};

typedef int memory_sink(void *context, const struct memory_row *row);
typedef int resident_sink(void *context, const struct resident_row *row);
typedef int allocator_sink(void *context, const struct allocator_row *row);

/* Of one process, by time. */
int query_memory_samples(struct db *db, uint32_t process_id, memory_sink *sink, void *context,
                         struct err *err);

/* Of one process, by time and address. */
int query_resident_ranges(struct db *db, uint32_t process_id, resident_sink *sink, void *context,
                          struct err *err);

/* Of one process, by time and name. */
int query_allocator_samples(struct db *db, uint32_t process_id, allocator_sink *sink, void *context,
                            struct err *err);

#endif
