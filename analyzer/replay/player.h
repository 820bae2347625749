/*
 * player.h - runs allocaudit-replay: one process for each run, under one allocator.
 *
 * Nothing of our own environment reaches it, and no two runs place their memory differently.
 * Single thread.
 */
#ifndef ALLOCAUDIT_PLAYER_H
#define ALLOCAUDIT_PLAYER_H

#include <stddef.h>
#include <stdint.h>

#include "../base/err.h"
#include "../base/str.h"

enum player_call {
    PLAYER_MALLOC,
    PLAYER_CALLOC,
    PLAYER_ALIGNED,
    PLAYER_REALLOC,
    PLAYER_FREE,
    PLAYER_CALL_COUNT
};

/* How long calls of one kind took, in ns. */
struct player_latency {
    uint64_t count;
    double p50_ns;
    double p99_ns;
    double p999_ns;
    double max_ns;
};

struct player_result {
    uint64_t call_count;
    uint64_t failed_count;    /* calls that gave NULL */
    uint64_t missed_count;    /* blocks that were not there to be freed */
    uint64_t rss_ready_bytes; /* before the first call; the others are of the whole process, too */
    uint64_t rss_peak_bytes;
    uint64_t rss_mean_bytes;
    uint64_t private_ready_bytes; /* of that, without what is mapped from files */
    uint64_t private_peak_bytes;
    uint64_t rss_end_bytes;
    uint64_t rss_at_peak_bytes; /* 0: not known */
    uint64_t fault_count;
    uint64_t cpu_ns;
    uint64_t wall_ns;
    uint64_t worst_ns; /* of what "worst" plays alone */
    struct player_latency latencies[PLAYER_CALL_COUNT];
};

struct player_job {
    const char *program;      /* allocaudit-replay */
    const char *preload;      /* libraries for LD_PRELOAD, or "" */
    const char *const *pairs; /* NAME=VALUE, NULL-ended: its environment besides */
    const char *const *words; /* its arguments, NULL-ended; where the script's descriptor belongs
                                 stands PLAYER_SCRIPT */
    int script_fd;
};

#define PLAYER_SCRIPT "3"

/* What a call is called: "malloc", "calloc", "aligned", "realloc", "free". */
const char *player_call_name(enum player_call call);

/*
 * Runs a job to its end. Returns 0 and what it wrote to its two streams is in *out_answer and
 * *out_talk, which are the caller's in every case; or -ECHILD and how it ended ("was killed by
 * signal 11"), or another negative errno.
 */
int player_run(const struct player_job *job, struct str *out_answer, struct str *out_talk,
               struct err *err);

/* Reads the answer of a replay. Returns 0, or -EBADMSG if it is no whole one. */
int player_read(const char *answer, struct player_result *out_result, struct err *err);

#endif
