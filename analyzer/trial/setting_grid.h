/*
 * setting_grid.h - lists of values among the settings of a trial: "GOGC=50,100,200" stands for
 * three, and with "GOMEMLIMIT=off,1GiB" beside it six candidates are to be tried. Pure functions.
 */
#ifndef ALLOCAUDIT_SETTING_GRID_H
#define ALLOCAUDIT_SETTING_GRID_H

#include <stdbool.h>
#include <stddef.h>

#include "../base/err.h"
#include "candidate.h"

enum {
    GRID_CANDIDATES_MAX = 64,
};

/* True if the setting is for all candidates and has a list of values. One that holds ':', '=' or
 * '/' has commas of its own (MALLOC_CONF, GODEBUG, paths), as has one with an empty piece. */
bool setting_is_list(const char *setting);

/* Makes of each candidate one for each value, in the order of the list, and names it by that.
 * Labels of "glibc" alone go without that word. Returns 0, or with a line in *err -EINVAL (more
 * than GRID_CANDIDATES_MAX) or -ENOMEM. */
int setting_grid_apply(struct candidates *candidates, const char *setting, struct err *err);

#endif
