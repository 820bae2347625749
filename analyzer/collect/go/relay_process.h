/*
 * relay_process.h - the process between a Go program's stderr and ours (stderr_relay.h): what it
 * does until the last writer has ended.
 */
#ifndef ALLOCAUDIT_RELAY_PROCESS_H
#define ALLOCAUDIT_RELAY_PROCESS_H

#include <stdbool.h>

#include "../recording/clock.h"

/* Which of the runtime's lines are to be seen, too. */
struct relay_passing {
    bool cycles;
    bool scavenges;
    bool objects;
};

/* What it reads, and whom it tells. */
struct relay_channel {
    int input_fd; /* what the program writes */
    int note_fd;  /* relay_note.h */
    bool is_terminal;
    bool traces_objects; /* the program's runtime tells of each: a pipe of packets */
};

/* Becomes that process, in a forked child. Nothing else of ours stays open in it: it may outlive
 * us. */
_Noreturn void relay_process_become(const struct relay_channel *channel, const struct clock *clock,
                                    struct relay_passing passing);

#endif
