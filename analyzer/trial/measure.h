/*
 * measure.h - runs a command once and says what it took.
 *
 * The command and all that it starts run beneath a supervisor (supervisor.h), which has no
 * terminal; what they write is read here, so that a pipe never fills up. Call it from a process
 * with one thread and little memory of its own: no peak can be measured that is lower than that.
 */
#ifndef ALLOCAUDIT_MEASURE_H
#define ALLOCAUDIT_MEASURE_H

#include <signal.h>
#include <stdint.h>
#include <sys/types.h>

#include "../base/err.h"
#include "captured.h"
#include "measurement.h"

struct measure_request {
    char **command;       /* NULL-ended; found by the PATH of its environment */
    char **environment;   /* NULL-ended */
    const char *input;    /* the file that is its stdin; NULL: /dev/null */
    uint64_t timeout_ns;  /* after which all of it is killed; 0: never */
    int echo_fd;          /* what it writes is written there, too; -1: nowhere */
    int interrupt_fd;     /* as soon as it is readable, all of it is killed; -1: never */
    sigset_t signal_mask; /* the command's */
    void (*on_waiting)(void *context, pid_t pid); /* the command has ended, that process has not */
    void *context;
};

/* What it wrote to stdout and stderr. */
struct measure_words {
    struct captured output;
    struct captured errors;
};

/*
 * Returns 0, however the command ended; -EINTR if it was interrupted; or with a line in *err a
 * negative errno: -ENOENT, -EACCES and the like of executing it, or of setting it up.
 */
int measure_run(const struct measure_request *request, struct measurement *out_measurement,
                struct measure_words *out_words, struct err *err);

#endif
