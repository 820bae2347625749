/*
 * run_frames.h - the part of `run` that deals with --frame-symbol: which functions can be named,
 * and what is said of them before the program runs and after.
 */
#ifndef ALLOCAUDIT_RUN_FRAMES_H
#define ALLOCAUDIT_RUN_FRAMES_H

#include "../base/err.h"
#include "../cli/options.h"
#include "../collect/recording/recording.h"

/* Can calls of all these be seen? Returns 0, -EINVAL (one cannot be named), or -ENOENT. */
int run_frames_check(const struct option_list *symbols, struct err *err);

/* Says what seems wrong with a name. `program` is the file that `command` leads to. */
void run_frames_advise(const struct option_list *symbols, const char *command, const char *program);

/* Says which functions were never called. */
void run_frames_tell(const struct option_list *symbols, const struct recording *recording);

#endif
