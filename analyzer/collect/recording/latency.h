/*
 * latency.h - how long the calls took that were timed, by kind of call and by site.
 *
 * A kind has a histogram (base/histogram.h) once one of its calls was timed. A site has counts in
 * classes that are eight of a histogram's wide, four to each doubling; there may be many sites, so
 * only those that are not 0 are kept. Single thread.
 */
#ifndef ALLOCAUDIT_LATENCY_H
#define ALLOCAUDIT_LATENCY_H

#include <stddef.h>
#include <stdint.h>

#include "../../../schema/event.h"
#include "../../base/histogram.h"
#include "../../base/map.h"

enum {
    LATENCY_KINDS = (int)ALLOC_KIND_COUNT + (int)FREE_KIND_COUNT,
    LATENCY_LONG_NS = 1000000, /* longer calls have probably lost their processor meanwhile */
    LATENCY_SITE_CLASS = 8,    /* so many classes of a histogram are one of a site */
};

struct latency_kind {
    uint64_t time_sum_ns;
    uint64_t long_count; /* of the timed ones, those longer than LATENCY_LONG_NS */
    uint64_t long_sum_ns;
    struct histogram *timed; /* NULL: no call was timed */
};

struct latency_site {
    uint32_t site;
    uint32_t time_class; /* histogram_class() / LATENCY_SITE_CLASS */
    uint64_t call_count;
    uint64_t time_max_ns;
};

/* Zeroed is a valid empty one. */
struct latency {
    uint64_t call_counts[LATENCY_KINDS];      /* of all calls: by alloc_kind, then by free_kind */
    struct latency_kind kinds[LATENCY_KINDS]; /* in the same order */
    struct latency_site *sites;
    size_t site_count;
    size_t site_capacity;
    struct map site_places; /* site and class -> index */
};

/* The place of a kind in these. */
static inline unsigned latency_of_alloc(unsigned alloc_kind)
{
    return alloc_kind;
}
static inline unsigned latency_of_free(unsigned free_kind)
{
    return ALLOC_KIND_COUNT + free_kind;
}

/* The name of the kind at that place; NULL: it is no call to an allocator. */
const char *latency_kind_name(unsigned kind);

/* A call of that kind, for that site, that stands for `weight`, took so long. Returns 0 or -ENOMEM.
 */
int latency_add(struct latency *latency, unsigned kind, uint32_t site, uint64_t duration_ns,
                uint64_t weight);

void latency_fini(struct latency *latency);

#endif
