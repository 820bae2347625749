/*
 * leak_demand.h - answers `allocaudit leaks --now`: looks at a process that runs on, and writes
 * what is live in it, by kind, as a database of its own into the session's directory.
 *
 * Its threads are stopped by ptrace for the look where the kernel allows it. Where it does not,
 * several looks are taken while they run, and only what all of them call lost is. The database is
 * written by a forked copy of the collector, which goes on meanwhile.
 */
#ifndef ALLOCAUDIT_LEAK_DEMAND_H
#define ALLOCAUDIT_LEAK_DEMAND_H

#include <stdbool.h>
#include <sys/types.h>

#include "../../base/err.h"
#include "../drain/drain.h"
#include "../tables/store.h"

#define LEAK_DEMAND_FILE "look.db" /* in the session's directory */

struct leak_demand {
    bool is_routed; /* a policy or plan serves some of the blocks */
    pid_t writer;   /* the copy that is at work; 0: none */
};

/* Whether somebody asks, or waits for what is being written. */
bool leak_demand_is_due(const struct leak_demand *demand, const struct session *session);

/* After a round of `drain`, of which more may be made. Returns 0 or as drain_round(). */
int leak_demand_look(struct leak_demand *demand, struct drain *drain, const struct run_facts *facts,
                     struct err *err);

/* At the end of the run: waits for what is being written, and a moment for it to be fetched. */
void leak_demand_end(struct leak_demand *demand, const struct session *session);

#endif
