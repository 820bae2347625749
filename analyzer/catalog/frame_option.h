/*
 * frame_option.h - the names that `run --frame-symbol` takes: which can be, and what is to be said
 * of one that seems wrong.
 *
 * No state. Any thread.
 */
#ifndef ALLOCAUDIT_FRAME_OPTION_H
#define ALLOCAUDIT_FRAME_OPTION_H

#include <stddef.h>

#include "../base/err.h"
#include "../base/str.h"

/* Can calls of all these be seen? Returns 0; -EINVAL with a line in *err: one is no name of a
 * function, or the recorder calls it itself, or there are too many; or -ENOENT: our own library is
 * not there. */
int frame_option_check(const char *const *symbols, size_t count, struct err *err);

/* Appends what the user should know of this name in that program before it runs; nothing if all
 * looks well. Returns 0 or -ENOMEM. */
int frame_option_advise(const char *program, const char *symbol, struct str *advice);

#endif
