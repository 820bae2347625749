/*
 * bursts.h - how evenly a process allocates over time, from the slices of its timeline.
 *
 * The index of dispersion is the variance of the counts per slice by their mean (Fano, 1947): about
 * 1 where allocations come at random, 0 for a clockwork, and the larger the more they come in
 * bursts. It depends on the width of the slices, which is told.
 */
#ifndef ALLOCAUDIT_BURSTS_H
#define ALLOCAUDIT_BURSTS_H

#include <stddef.h>
#include <stdint.h>

#include "../base/err.h"
#include "../db/open.h"

struct bursts {
    uint64_t width_ns;    /* 0: there are no slices */
    uint64_t slice_count; /* from the first with a call to the last */
    uint64_t idle_count;  /* without an allocation */
    uint64_t allocation_count;
    double mean;         /* allocations in a slice */
    double dispersion;   /* not a number where fewer than two slices are there */
    uint64_t most_count; /* in a slice */
    uint64_t most_at_ns;
    double half_share; /* the smallest share of the slices that holds half of the allocations */
};

/* Of one process. Returns 0 or a negative errno. */
int bursts_load(struct db *db, uint32_t process_id, struct bursts *out_bursts, struct err *err);

#endif
