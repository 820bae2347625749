/*
 * launch.h - starts the command with the recorder preloaded and stands between it and the world's
 * signals, so that a terminal, a shell or a supervisor deals with it as if it ran alone.
 */
#ifndef ALLOCAUDIT_LAUNCH_H
#define ALLOCAUDIT_LAUNCH_H

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "../../base/err.h"

struct launch {
    pid_t pid;
    bool is_reaped;
    int exit_status; /* -1: ended by exit_signal */
    int exit_signal;
    uint64_t
        cpu_time_ns; /* of the process, without its children, once it has ended; 0: not known */
    unsigned interrupt_count; /* how often someone wanted us to stop */
    sigset_t old_mask;
};

struct launch_settings {
    char **command;           /* NULL-ended */
    const char *library;      /* liballocaudit.so */
    const char *allocator;    /* preloaded behind it; NULL or "": none */
    const char *frame_object; /* preloaded before it (frame_place.h); "": none */
    const char *sanitizer;    /* the command's, which wants to be the first of all; "": none */
    const char *ring_path;
    const char *go_debug; /* GODEBUG; NULL or "": as it is */
    int stderr_fd;        /* what it gets as stderr; -1: ours */
    bool is_traced;       /* asks to be traced, and so stops at its exec, if it may be */
};

/*
 * Starts the command. Returns 0; or -ENOENT or -EACCES or another errno of exec with a line in
 * *err. From here on signals are only taken by launch_wait().
 */
int launch_start(struct launch *launch, const struct launch_settings *settings, struct err *err);

/* Sleeps at most wait_ns for a signal and deals with what came: passes it on, reaps, stops with it.
 */
void launch_wait(struct launch *launch, uint64_t wait_ns);

/*
 * A file size limit or a closed stderr is an error to be told, not an end. Call before anything is
 * written; the command gets the old meaning back.
 */
void launch_shield(void);

/* Gives signals their old meaning back. */
void launch_end(struct launch *launch);

#endif
