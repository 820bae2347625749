/*
 * analysis.h - what is found out by reading a process's calls one by one, and one reading for all.
 *
 * An analysis is a `const struct analysis` in a file of its own; `create` makes its state,
 * `observe` is handed each call in the order of time (model/operations.h), `finish` works out the
 * answer, which its header describes. A state keeps what is live and sums, never what was: memory
 * must not grow with the length of the recording. Nothing here prints. Single thread.
 */
#ifndef ALLOCAUDIT_ANALYSIS_H
#define ALLOCAUDIT_ANALYSIS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../base/err.h"
#include "../base/map.h"
#include "../model/operations.h"
#include "../model/trace.h"

struct analysis {
    /* Returns 0 and *out_state, or a negative errno. `trace` outlives the state. */
    int (*create)(const struct trace *trace, uint32_t process_id, void **out_state,
                  struct err *err);
    /* NULL: it needs no calls, only tables. */
    int (*observe)(void *state, const struct operation *operation, struct err *err);
    /* NULL: nothing is left to do after the last call. */
    int (*finish)(void *state, struct err *err);
    void (*destroy)(void *state); /* NULL is fine */
};

/* An analysis with its state. */
struct analysis_run {
    const struct analysis *analysis;
    void *state; /* NULL until analyses_run() has made it */
    /* Stacks (keys) whose blocks are for it as if they were not there; NULL: none. */
    const struct map *ignored_stacks;
};

/* Told how far it is, in calls. False: it is to stop. */
typedef bool analysis_watcher(void *context, uint64_t done, uint64_t total);

/*
 * Runs them all, side by side, over one reading of the process's calls (or none, if none observes).
 * watcher: NULL is fine. Returns 0, -ECANCELED (the watcher said so) or another negative errno;
 * states are the caller's either way, to be ended with analyses_end().
 */
int analyses_run(const struct trace *trace, uint32_t process_id, struct analysis_run *runs,
                 size_t count, analysis_watcher *watcher, void *context, struct err *err);

/* Destroys the states that there are. */
void analyses_end(struct analysis_run *runs, size_t count);

#endif
