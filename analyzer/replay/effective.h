/*
 * effective.h - whether a candidate's library serves malloc, and its options took.
 */
#ifndef ALLOCAUDIT_EFFECTIVE_H
#define ALLOCAUDIT_EFFECTIVE_H

#include "../base/err.h"
#include "replay_candidate.h"

/*
 * Starts allocaudit-replay once under the candidate and reads back. Returns 0, or a negative errno
 * with a line that says what did not take. Checked are: that the library serves malloc; jemalloc's
 * MALLOC_CONF by what jemalloc says of it and by mallctl; mimalloc's MIMALLOC_... by what it tells
 * when verbose; tcmalloc's TCMALLOC_... by the names in its library; glibc's GLIBC_TUNABLES by the
 * loader's list of tunables, and its MALLOC_... by name.
 */
int effective_check(const struct replay_candidate *candidate, const char *program, struct err *err);

#endif
