/*
 * profile_import.h - a heap profile of Go's pprof as a recording: sites and sums, no rows of
 * blocks.
 */
#ifndef ALLOCAUDIT_PROFILE_IMPORT_H
#define ALLOCAUDIT_PROFILE_IMPORT_H

#include <stdint.h>

#include "../../base/err.h"
#include "imported.h"

struct profile_import {
    const char *profile_path;
    const char *output_path; /* must not exist */
    const char *command;     /* what the recording says it came from */
    struct import_sums sums; /* out */
};

/* Returns 0; -EBADMSG (no heap profile, or damaged) or another negative errno, told in err, and
 * then there is no output. */
int profile_import_run(struct profile_import *import, struct err *err);

#endif
