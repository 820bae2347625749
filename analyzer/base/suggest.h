/*
 * suggest.h - the right word for a misspelt one.
 */
#ifndef ALLOCAUDIT_SUGGEST_H
#define ALLOCAUDIT_SUGGEST_H

#include <stddef.h>

/* Edits (insert, delete, replace, swap of neighbours) between two words; words of over 63 bytes are
 * never near: UINT_MAX. */
unsigned suggest_distance(const char *a, const char *b);

/* The nearest of the NULL-ended `words`, or NULL if none is near enough to be meant (about a third
 * of the letters may be wrong). On a tie it is the one that begins alike for longer, else the
 * earlier.
 */
const char *suggest_nearest(const char *word, const char *const *words);

#endif
