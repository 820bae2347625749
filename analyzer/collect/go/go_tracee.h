/*
 * go_tracee.h - a Go program held by ptrace where that is needed: from exec until its runtime is
 * initialised, and one thread of it at its end.
 *
 * The memory profile is switched on, at the rate wanted, once the runtime has set its own. From
 * then on a single thread is traced, the runtime's monitor where it can be told, which gets no
 * signals from the runtime and so never stops for us; it stops when it is about to die, as it does
 * when its process ends by whatever cause, and then the memory is still there to be read. Whatever
 * fails leaves the program running as if nobody had looked. Single thread, of which the program
 * must be a child that has asked to be traced (launch_settings.is_traced).
 */
#ifndef ALLOCAUDIT_GO_TRACEE_H
#define ALLOCAUDIT_GO_TRACEE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "../../base/err.h"
#include "../../go/go_binary.h"
#include "go_environment.h"

struct go_tracee {
    pid_t pid;
    pid_t thread;       /* traced until its end; 0: none */
    int memory_fd;      /* /proc/PID/mem; -1: may not be read */
    uint64_t load_bias; /* run-time address - ELF address */
    bool is_rate_set;
    bool is_stopped; /* the thread is about to die */
};

/* Takes the program from its exec to where it runs by itself; without a rate only to learn where it
 * lies. Returns 0; or a negative errno, and err says what cannot be had. */
int go_tracee_begin(struct go_tracee *tracee, pid_t pid, const struct go_binary *binary,
                    const struct go_wishes *wishes, struct err *err);

/* Deals with what its thread has come to. True: it is about to die, and stands still until
 * go_tracee_release(). */
bool go_tracee_is_ending(struct go_tracee *tracee);

/* Lets the thread go. Another one is traced if the process goes on without it. */
void go_tracee_release(struct go_tracee *tracee);

void go_tracee_end(struct go_tracee *tracee);

#endif
