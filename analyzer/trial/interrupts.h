/*
 * interrupts.h - the signals that ask us to stop, as something to wait for.
 */
#ifndef ALLOCAUDIT_INTERRUPTS_H
#define ALLOCAUDIT_INTERRUPTS_H

#include <signal.h>

#include "../base/err.h"

struct interrupts {
    int fd;            /* readable once one has come */
    sigset_t old_mask; /* of a program that is started meanwhile */
};

/* From here on SIGINT, SIGTERM, SIGHUP and SIGQUIT only wait. Returns 0 or a negative errno. */
int interrupts_begin(struct interrupts *interrupts, struct err *err);

/* The signal that has come, or 0; it is then taken. */
int interrupts_take(const struct interrupts *interrupts);

/* Gives them their old meaning back; those that have come are forgotten. */
void interrupts_end(struct interrupts *interrupts);

#endif
