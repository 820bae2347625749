/*
 * gc_model.h - what Go's garbage collector would cost under other settings, from its own trace.
 *
 * A run is gone through again (gc_course.h), collection by collection, as the pacer of Go 1.19
 * would with another GOGC and GOMEMLIMIT: where it begins to mark, what is allocated meanwhile, and
 * what that takes. docs/go.md has the rules, and says how well they predict. Single thread.
 */
#ifndef ALLOCAUDIT_GC_MODEL_H
#define ALLOCAUDIT_GC_MODEL_H

#include <stdbool.h>
#include <stdint.h>

#include "../base/err.h"
#include "gc_course.h"
#include "gc_history.h"
#include "gc_setting.h"

struct gc_prediction {
    double cycle_count;
    double cpu_ns;           /* of all collections, without idle time */
    double heap_mean_bytes;  /* at the end of marking, on the average of all collections */
    double heap_bytes;       /* largest */
    double memory_bytes;     /* largest resident set */
    double cpu_margin;       /* share of cpu_ns to each side, no less than was measured */
    double heap_mean_margin; /* of heap_mean_bytes */
    double memory_margin;    /* of memory_bytes and heap_bytes */
    bool is_starved; /* the limit leaves no room beside what is live: the program would crawl */
};

struct gc_model {
    const struct gc_history *history; /* the caller's */
    struct gc_course course;
    struct gc_setting recorded;
    double other_bytes; /* resident beyond the heap */
    double peak_ratio;  /* largest heap to the mean, as recorded */
    double cpu_check;   /* measured / predicted for the recorded setting, before calibration */
    double heap_check;  /* of the mean */
};

/* The recorded run had `recorded`, and that peak of its resident set (0: not known). Returns 0, and
 * the model is to be ended; -ENODATA, with what is missing in err; or -ENOMEM. */
int gc_model_fit(const struct gc_history *history, const struct gc_setting *recorded,
                 uint64_t rss_peak_bytes, struct gc_model *out_model, struct err *err);

void gc_model_predict(const struct gc_model *model, const struct gc_setting *setting,
                      struct gc_prediction *out_prediction);

/* A zeroed one is fine. */
void gc_model_fini(struct gc_model *model);

#endif
