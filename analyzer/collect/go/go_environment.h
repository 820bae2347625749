/*
 * go_environment.h - what a Go program is to do for us and its children are not.
 */
#ifndef ALLOCAUDIT_GO_ENVIRONMENT_H
#define ALLOCAUDIT_GO_ENVIRONMENT_H

#include <stddef.h>
#include <stdint.h>

#include "../../go/go_binary.h"

/* What the program's runtime was asked for when it started. */
struct go_wishes {
    uint64_t rate_bytes;    /* of its profile; 0: it does not matter, and neither does its end */
    const char *debug;      /* GODEBUG; "": as it is */
    size_t own_debug_bytes; /* of that, the user's: the rest is ours, and not for its children */
};

/*
 * The runtime has read GODEBUG: what is ours in the copy of the environment that its children get
 * is switched off again, so that they do not tell of what nobody reads. Needs the symbol table;
 * where anything looks otherwise than expected nothing is changed. memory_fd: /proc/PID/mem, of a
 * process that stands still; load_bias: run-time address - ELF address.
 */
void go_environment_spare_children(int memory_fd, uint64_t load_bias,
                                   const struct go_binary *binary, const struct go_wishes *wishes);

#endif
