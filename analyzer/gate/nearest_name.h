/*
 * nearest_name.h - of a limit whose name fits nothing: the name in the recording that may have been
 * meant. Single thread.
 */
#ifndef ALLOCAUDIT_NEAREST_NAME_H
#define ALLOCAUDIT_NEAREST_NAME_H

#include "entry_figures.h"
#include "judged_sites.h"

/* Returns 0 and *out_name, the caller's to free(), or NULL where none is near or the limit's name
 * is a pattern; or a negative errno. */
int nearest_name_find(const struct judged_sources *sources, const struct entry_figures *entries,
                      const struct budget_limit *limit, char **out_name, struct err *err);

#endif
