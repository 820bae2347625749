/*
 * route_tell.h - what the policies have counted, told the collector now and then.
 *
 * At its end a process tells it all (lifecycle.c). One that is killed, or ends by _exit() or a
 * signal, has told it here last: at most a tenth of a second, or a hundred times as long as telling
 * takes, before its last timed allocation.
 */
#ifndef ALLOCAUDIT_ROUTE_TELL_H
#define ALLOCAUDIT_ROUTE_TELL_H

#include <stdbool.h>

/* Calls are routed, so route_tell() has something to do. */
extern __attribute__((visibility("hidden"))) bool route_tell_is_on;

void route_tell_begin(void);

/* Behind a call that was timed: tells the counts if it is time. errno is left as it was. */
void route_tell(void);

#endif
