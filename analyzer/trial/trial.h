/*
 * trial.h - the rounds of a trial: in each, every candidate runs the command once, in an order that
 * changes from round to round.
 *
 * The first candidate is the baseline. A candidate whose run ends otherwise than it should is out
 * from there on; the baseline's ends the trial. Only whole rounds count.
 */
#ifndef ALLOCAUDIT_TRIAL_H
#define ALLOCAUDIT_TRIAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "../base/err.h"
#include "candidate.h"
#include "comparison.h"
#include "measurement.h"

struct trial;

/* What a command may want to tell while it lasts; each may be NULL. */
struct trial_listener {
    void (*on_run)(void *context, size_t entry, uint64_t done_count, uint64_t total_count);
    void (*on_failure)(void *context, size_t entry, const char *reason);
    void (*on_waiting)(void *context, pid_t pid); /* for a process that the command left behind */
    void *context;
};

struct trial_settings {
    char **command;
    const char *input; /* the file that is its stdin; NULL: /dev/null */
    size_t round_count;
    size_t warmup_count; /* rounds before them that are not counted */
    uint64_t timeout_ns; /* of one run; 0: none */
    int wanted_status;   /* with which the command must end */
    int echo_fd;         /* where its output goes; -1: nowhere */
    struct trial_listener listener;
};

/* How the output of a candidate's runs compares with that of the baseline's. */
enum trial_output {
    TRIAL_OUTPUT_SAME,
    TRIAL_OUTPUT_DIFFERS, /* though the baseline's was the same each time */
    TRIAL_OUTPUT_VARIES,  /* that of the baseline does, so nothing can be said */
};

struct trial_entry {
    const struct candidate *candidate;
    struct variables variables;
    struct measurement *runs; /* one for each round, trial.round_count of them whole */
    uint64_t output_hash;     /* of its first run */
    bool has_output;
    enum trial_output output;
    char *failure; /* why it is out; NULL: it is not */
};

struct trial {
    const struct trial_settings *settings;
    struct trial_entry *entries; /* of the candidates without an absence */
    size_t entry_count;
    size_t round_count; /* whole ones, so far */
    int interrupt;      /* the signal that ended it early; 0: none */
};

/* Prepares a trial of those candidates that are not absent, which must outlive it, as must the
 * settings. Returns 0 or -ENOMEM; trial_fini() ends it in either case. */
int trial_init(struct trial *trial, const struct trial_settings *settings,
               const struct candidates *candidates, struct err *err);

/*
 * Runs all rounds. Returns 0; -EINTR if a signal ended it (what is whole counts); -ECHILD if the
 * baseline did not end as it should; or another negative errno of executing the command. All but 0
 * have a line in *err.
 */
int trial_run(struct trial *trial, struct err *err);

/* Which entry has its turn as the i-th of a round. */
size_t trial_turn(size_t round, size_t i, size_t entry_count);

/* Compares an entry with the baseline in all metrics; METRIC_COUNT comparisons. Needs one whole
 * round. Returns 0 or -ENOMEM. */
int trial_compare(const struct trial *trial, size_t entry, double threshold_pct,
                  struct comparison *out_comparisons, struct err *err);

void trial_fini(struct trial *trial);

#endif
