/*
 * supervisor.h - the process between us and a command that is measured: all that the command
 * starts, orphans too, is its own to wait for, to add up and, if need be, to kill.
 *
 * It is forked for one run and reports through a pipe. It runs in a session of its own, so what a
 * terminal sends reaches neither it nor the command, and it ends when its parent does.
 */
#ifndef ALLOCAUDIT_SUPERVISOR_H
#define ALLOCAUDIT_SUPERVISOR_H

#include <signal.h>
#include <stdint.h>
#include <sys/types.h>

#include "measurement.h"

struct supervisor_task {
    char **command;     /* NULL-ended; found by the PATH of its environment */
    char **environment; /* NULL-ended */
    int input_fd;       /* its stdin, stdout, stderr: above 2, and closed on exec */
    int output_fd;
    int errors_fd;
    sigset_t signal_mask; /* its own */
    uint64_t timeout_ns;  /* 0: none */
};

enum supervisor_news {
    SUPERVISOR_NOT_STARTED, /* the command could not be executed: `code` says why */
    SUPERVISOR_WAITING,     /* the command has ended, and something that it started has not */
    SUPERVISOR_DONE,        /* the measurement; nothing follows */
};

/* What comes through the pipe, each in one piece. */
struct supervisor_report {
    enum supervisor_news news;
    int code;  /* an errno */
    pid_t pid; /* of one that is waited for */
    struct measurement measurement;
};

/* Runs the task and does not return. SIGTERM makes it kill all that it has started and report
 * what was measured up to then. */
_Noreturn void supervisor_run(const struct supervisor_task *task, pid_t parent_pid, int report_fd);

#endif
