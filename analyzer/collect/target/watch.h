/*
 * watch.h - looks at the recorded processes from outside: their resident set, their threads' names,
 * and whether they still live.
 */
#ifndef ALLOCAUDIT_WATCH_H
#define ALLOCAUDIT_WATCH_H

#include <stdbool.h>
#include <stdint.h>

#include "../drain/session.h"
#include "../recording/recording.h"

/*
 * Starts watching subjects that are new, and marks those that have ended since (end, ended_ns).
 * Their exit status is known to their parent only, their CPU time until their parent has waited for
 * them. command_pid is left to waitpid.
 */
void watch_processes(struct recording *recording, const struct session *session,
                     uint32_t command_pid);

/* The process that the subject is an image of has used so much by now; 0: that is not known. */
void watch_cpu_time(struct subject *subject, uint64_t used_ns);

/* Takes one sample of every running subject's CPU time and resident set, without the session's
 * ring. Returns 0 or -ENOMEM. */
int watch_resident_sets(struct recording *recording, const struct session *session);

/* How many subjects have not ended; *out_pid is one of them. */
uint32_t watch_running_count(const struct recording *recording, uint32_t *out_pid);

#endif
