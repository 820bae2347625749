/*
 * waterfall.h - where the resident heap goes: requested, rounding, headers, holes, empty pages.
 *
 * The terms add up exactly:
 *
 *     resident = requested + rounding + header + hole + empty - untouched
 *
 * Requested, usable and used pages follow from the calls alone and are known at any time. Which
 * pages are resident was measured at a few dozen moments (model/memory_moments.h); an allocator's
 * mapping is one in which a block ever lay. Single thread.
 */
#ifndef ALLOCAUDIT_WATERFALL_H
#define ALLOCAUDIT_WATERFALL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../model/memory_moments.h"
#include "../model/operations.h"
#include "page_map.h"

/* At one moment, or on average. */
struct waterfall {
    uint64_t at_ns;
    double requested_bytes;
    double rounding_bytes;  /* usable - requested */
    double header_bytes;    /* the allocator's own, before each block; 0 where it has none */
    double hole_bytes;      /* the rest of the pages that hold a live block */
    double empty_bytes;     /* resident pages without a live block */
    double untouched_bytes; /* pages with a live block that are not resident: never written to */
    double resident_bytes;
};

/* What is live, and its integrals over time in bytes times seconds. */
struct heap_sums {
    uint64_t now_ns;
    uint64_t requested_bytes;
    uint64_t usable_bytes;
    uint64_t block_count;
    double requested_seconds;
    double usable_seconds;
    double block_seconds;
    double page_seconds; /* of used pages, in bytes */
};

/* Moves time on, with that many pages used since. */
void heap_sums_advance(struct heap_sums *sums, uint64_t now_ns, uint64_t used_page_count);

/* One measured moment. */
struct heap_moment {
    const struct memory_moment *memory;
    struct heap_sums sums;
    struct waterfall waterfall;
    uint64_t
        known_bytes; /* resident, of the allocator's mappings, in pages that ever held a block */
    uint64_t foreign_bytes; /* resident, heap or anonymous, but no block ever lay in the mapping */
};

/* Splits what is resident at a moment, and drops the ranges of mappings without blocks from it.
 * header_bytes: of one block. */
struct heap_moment heap_moment_measure(struct memory_moments *all, struct memory_moment *memory,
                                       const struct page_map *map, const struct heap_sums *sums,
                                       uint64_t header_bytes);

/* Without residency: all pages that ever held a block count as resident, which is the most that can
 * be. */
struct waterfall waterfall_model(const struct page_map *map, const struct heap_sums *sums,
                                 uint64_t header_bytes);

/* Over the time from the first to the last moment; false: there are not two. */
bool waterfall_average(const struct heap_moment *moments, size_t count, uint64_t header_bytes,
                       struct waterfall *out_average);

/* The four measures of Johnstone and Wilson; 0: not known. */
struct fragmentation_measures {
    double mean;         /* 1: footprint / requested, averaged over time */
    double at_peak;      /* 2: where most is requested */
    double at_footprint; /* 3: where the footprint is largest */
    double overall;      /* 4: largest footprint / most requested */
};

/* The footprint is what is resident at the moments. peak_bytes: most requested at any time. */
struct fragmentation_measures waterfall_measures(const struct heap_moment *moments, size_t count,
                                                 uint64_t peak_bytes);

#endif
