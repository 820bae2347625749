/*
 * glob.h - patterns as SQL's GLOB has them: * any text, ? any character, [a-z] and [^a-z] sets.
 *
 * Bytes are compared, case counts. No memory, any thread.
 */
#ifndef ALLOCAUDIT_GLOB_H
#define ALLOCAUDIT_GLOB_H

#include <stdbool.h>

/* True if the whole text is like the pattern. */
bool glob_matches(const char *pattern, const char *text);

#endif
