/*
 * evidence.h - what a recording tells of a program's way with memory, whether that is enough to
 * advise upon, and whether there is anything to win.
 *
 * All of it comes from tables: no calls are read. Single thread.
 */
#ifndef ALLOCAUDIT_EVIDENCE_H
#define ALLOCAUDIT_EVIDENCE_H

#include <stdbool.h>
#include <stdint.h>

#include "../base/err.h"
#include "../base/str.h"
#include "../model/trace.h"
#include "goal.h"

/* Numbers that are not known are 0. */
struct evidence {
    bool is_sample;
    bool is_import; /* of another profiler's file */
    bool has_calls; /* each, not --detail sites */
    bool is_complete;
    bool has_policy; /* allocaudit's own policies served some of it */
    bool has_frames; /* it tells where frames end */
    uint64_t lost_event_count;
    uint64_t duration_ns;
    uint64_t allocation_count;
    uint64_t call_count;
    uint64_t thread_count;
    double remote_free_share; /* frees by another thread than the one that allocated */
    double small_share;       /* allocations of up to 64 bytes */
    double large_rate;        /* bytes a second in blocks of 128 KiB and more */
    uint64_t peak_bytes;      /* requested */
    uint64_t rss_peak_bytes;
    double rss_mean_bytes;  /* over the time in which it is known */
    double live_mean_bytes; /* requested, over the same time */
    uint64_t sample_count;  /* slices of time in which it is */
    uint64_t cpu_time_ns;
    double allocator_time_ns; /* in malloc, free and the like, at most */
};

enum evidence_verdict {
    EVIDENCE_ENOUGH,
    EVIDENCE_INSUFFICIENT,  /* it would have to be recorded otherwise */
    EVIDENCE_NOTHING_TO_WIN /* the program does too little with its heap */
};

/* Reads it. Returns 0 or the negative errno of a failed read. */
int evidence_load(const struct trace *trace, const struct process_row *process,
                  struct evidence *out_evidence, struct err *err);

/* Judges it, and appends why, and what helps: one line. Returns the verdict, or -ENOMEM. */
int evidence_judge(const struct evidence *evidence, const struct goal *goal, struct str *why);

/* What a replay on the recorded allocator adds. */
struct evidence_heap {
    double peak_bytes; /* resident */
    double mean_bytes;
    double tail_ns; /* of malloc, as ADVICE_TAIL */
};

/* The most that a perfect allocator could save: shares of the program's figures. */
struct headroom {
    double peak;
    double mean;
    double cpu;
};

struct headroom evidence_headroom(const struct evidence *evidence,
                                  const struct evidence_heap *heap);

/* True if all of it is below ADVICE_HEADROOM_LEAST. */
bool headroom_is_none(const struct headroom *headroom);

#endif
