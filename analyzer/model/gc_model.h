/*
 * gc_model.h - what Go's garbage collector would cost under other settings, from its own trace.
 *
 * A collection costs F + m * live CPU time, fitted over those recorded, and begins so that the heap
 * ends at the goal: live + (live + roots) * GOGC / 100, at most what GOMEMLIMIT leaves for it. The
 * program allocates the same bytes whatever the settings, and its live heap is a function of how
 * much it has allocated; so a run is gone through again, collection by collection, with another
 * goal. docs/go.md says how well that predicts. Single thread.
 */
#ifndef ALLOCAUDIT_GC_MODEL_H
#define ALLOCAUDIT_GC_MODEL_H

#include <stdbool.h>
#include <stdint.h>

#include "../base/err.h"
#include "gc_history.h"

#define GC_GOGC_OFF    UINT64_MAX
#define GC_LIMIT_NONE  UINT64_MAX
#define GC_GOGC_COMMON UINT64_C(100) /* where GOGC is not set */

struct gc_setting {
    uint64_t gogc_pct;    /* GC_GOGC_OFF: collects only because of the limit */
    uint64_t limit_bytes; /* GOMEMLIMIT; GC_LIMIT_NONE */
};

struct gc_prediction {
    double cycle_count;
    double cpu_ns;        /* of all collections, without idle time */
    double heap_bytes;    /* largest at the end of marking */
    double memory_bytes;  /* largest resident set */
    double cpu_margin;    /* share of cpu_ns to each side, no less than was measured */
    double memory_margin; /* of memory_bytes and heap_bytes */
    bool is_starved; /* the limit leaves no room beside what is live: the program would crawl */
};

struct gc_model {
    const struct gc_history *history; /* the caller's */
    struct gc_setting recorded;
    double fixed_ns; /* F */
    double per_byte_ns;
    double spread;      /* of a collection's cost about the fit, as a share of the mean */
    double overshoot;   /* where marking ends, as a share of the goal */
    double other_bytes; /* resident beyond the heap */
    double cpu_check;   /* measured / predicted for the recorded settings, before calibration */
    double heap_check;
};

/* The recorded run had `recorded`, and that peak of its resident set (0: not known). Returns 0; or
 * -ENODATA, with what is missing in err. */
int gc_model_fit(const struct gc_history *history, const struct gc_setting *recorded,
                 uint64_t rss_peak_bytes, struct gc_model *out_model, struct err *err);

void gc_model_predict(const struct gc_model *model, const struct gc_setting *setting,
                      struct gc_prediction *out_prediction);

/* What GOGC= and GOMEMLIMIT= say; NULL or "": the default. False: no such value. */
bool gc_gogc_parse(const char *text, uint64_t *out_gogc_pct);
bool gc_limit_parse(const char *text, uint64_t *out_limit_bytes);

#endif
