/*
 * gc_advice.h - which GOGC and GOMEMLIMIT a recorded Go program should have. Single thread.
 */
#ifndef ALLOCAUDIT_GC_ADVICE_H
#define ALLOCAUDIT_GC_ADVICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../base/err.h"
#include "../model/gc_model.h"
#include "../model/trace.h"

/* What is to be saved. */
enum gc_goal {
    GC_GOAL_CPU,
    GC_GOAL_MEMORY,
};

#define GC_CONTAINER_NONE UINT64_MAX

struct gc_choice {
    struct gc_setting setting;
    struct gc_prediction prediction;
};

/* What is known of the program that is advised. */
struct gc_advice {
    const struct process_row *process;
    struct gc_history history;
    struct gc_setting recorded;
    struct gc_model model; /* if has_model */
    struct err why;        /* there is no model */
    double duration_ns;    /* of the run; 0: not known */
    bool has_model;
    bool has_misread; /* GOGC or GOMEMLIMIT was set to something that Go does not take either */
};

/* The process is one of the trace's. Returns 0 and it is to be ended, with history.count 0 where no
 * collection was recorded; or a negative errno. */
int gc_advice_load(const struct trace *trace, const struct process_row *process,
                   struct gc_advice *out_advice, struct err *err);

/* GOMEMLIMIT for a container of that size. */
uint64_t gc_advice_limit(uint64_t container_bytes);

/* The recorded setting and the best one for that goal, which may be the same; of advice that has a
 * model. container_bytes: GC_CONTAINER_NONE, and then GC CPU time may cost twice the memory. */
void gc_advice_choose(const struct gc_advice *advice, enum gc_goal goal, uint64_t container_bytes,
                      struct gc_choice *out_now, struct gc_choice *out_best);

/* What *best saves of what the goal is about, in percent; below GC_ADVICE_SAME_PCT it is no reason
 * to change anything. */
#define GC_ADVICE_SAME_PCT 5
double gc_advice_saved_pct(enum gc_goal goal, const struct gc_choice *now,
                           const struct gc_choice *best);

/* Share of all processors' time while the program ran, in percent. */
double gc_advice_cpu_pct(const struct gc_advice *advice, double cpu_ns);

/* A zeroed one is fine. */
void gc_advice_fini(struct gc_advice *advice);

#endif
