/*
 * stderr_relay.h - stands between a Go program's stderr and ours, and takes the lines
 * of its garbage collector out.
 *
 * The program writes to a pipe that keeps its writes apart (O_DIRECT), or, where our stderr is a
 * terminal, to a terminal of its own, so that it colours and wraps as ever. A process of ours reads
 * that, passes on what is the program's own (gc_sieve.h, object_trace.h), and tells the collector
 * of each garbage collection and traced object. It is a process, not a thread, so that a program
 * whose collector is killed keeps its stderr; it ends when the last writer has. Single thread.
 */
#ifndef ALLOCAUDIT_STDERR_RELAY_H
#define ALLOCAUDIT_STDERR_RELAY_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "../../base/err.h"
#include "../recording/clock.h"
#include "relay_note.h"
#include "relay_process.h"

struct stderr_relay {
    pid_t pid;      /* of the relaying process; 0: none */
    int program_fd; /* what the program is to have as its stderr; -1: handed over */
    int note_fd;    /* from it */
    bool is_draining;
    bool is_drained;
    uint64_t unread_count;
    uint64_t lost_count;    /* collections that it could not tell of */
    uint64_t damaged_count; /* traced objects that could not be read */
};

/* Starts relaying to our stderr; traces_objects: the program's is a pipe in any case. Returns 0; or
 * -EBADF (stderr is closed) or another negative errno, and then there is none. */
int stderr_relay_start(struct stderr_relay *relay, const struct clock *clock,
                       struct relay_passing passing, bool traces_objects, struct err *err);

/* The program has it: our own end is closed. */
void stderr_relay_hand_over(struct stderr_relay *relay);

/* The next note, if there is one now. */
bool stderr_relay_next(struct stderr_relay *relay, struct relay_note *out_note);

/* The same, after the program has ended: waits until all that it wrote has been passed on, a
 * second at most for each note. False: no more. */
bool stderr_relay_next_of_rest(struct stderr_relay *relay, struct relay_note *out_note);

/* Lets go of it. It goes on for children of the program that still have its stderr. */
void stderr_relay_end(struct stderr_relay *relay);

#endif
