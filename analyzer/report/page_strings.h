/*
 * page_strings.h - the names of a page, each written once and told by its number from then on.
 */
#ifndef ALLOCAUDIT_PAGE_STRINGS_H
#define ALLOCAUDIT_PAGE_STRINGS_H

#include <stddef.h>

#include "../base/intern.h"
#include "../base/str.h"

/* Appends all as a JSON array. Where they would take more than limit_bytes, the longest are
 * shortened in the middle until they fit. Returns 0 or -ENOMEM. */
int page_strings_append(const struct intern *strings, size_t limit_bytes, struct str *into);

#endif
