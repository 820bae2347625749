/*
 * run_output.h - where a new recording is to lie.
 */
#ifndef ALLOCAUDIT_RUN_OUTPUT_H
#define ALLOCAUDIT_RUN_OUTPUT_H

#include "../base/err.h"

/* Makes room for a new recording at `path`: an old one is kept as PATH.old, anything else is not
 * ours to replace. Returns 0, -EEXIST or another negative errno. */
int run_output_keep_old(const char *path, struct err *err);

#endif
