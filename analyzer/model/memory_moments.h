/*
 * memory_moments.h - the memory of a process as the recorder saw it from outside, moment by moment.
 * Single thread.
 */
#ifndef ALLOCAUDIT_MEMORY_MOMENTS_H
#define ALLOCAUDIT_MEMORY_MOMENTS_H

#include <stddef.h>
#include <stdint.h>

#include "../../schema/mapping_kind.h"
#include "../base/err.h"
#include "../db/query_memory.h"

struct memory_moment {
    uint64_t at_ns;
    uint64_t rss_bytes; /* of all kinds */
    uint64_t rss_of_kind[MAPPING_KIND_COUNT];
    uint64_t lazy_free_bytes;
    uint64_t swap_bytes;
    size_t first_range; /* in struct memory_moments */
    size_t range_count; /* 0: residency could not be read */
};

struct memory_moments {
    struct memory_moment *moments; /* by time */
    size_t count;
    size_t capacity;
    struct resident_row *ranges; /* by time and address */
    size_t range_count;
    size_t range_capacity;
};

/* *out_moments is the caller's, to be ended with memory_moments_fini(). No samples is no error.
 * Returns 0 or a negative errno. */
int memory_moments_load(struct db *db, uint32_t process_id, struct memory_moments *out_moments,
                        struct err *err);

/* The one with the largest resident set; NULL: there is none. */
const struct memory_moment *memory_moments_largest(const struct memory_moments *moments);

/* A zeroed one is fine. */
void memory_moments_fini(struct memory_moments *moments);

#endif
