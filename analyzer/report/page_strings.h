/*
 * page_strings.h - names of a page, each written once and told by its number from then on.
 */
#ifndef ALLOCAUDIT_PAGE_STRINGS_H
#define ALLOCAUDIT_PAGE_STRINGS_H

#include <stddef.h>
#include <stdint.h>

#include "../base/map.h"
#include "../base/str.h"

/* Zeroed is a valid empty one. */
struct page_strings {
    struct map by_hash;
    const char **texts; /* borrowed */
    size_t count;
    size_t capacity;
};

/* The number of `text`, which must live as long as the strings. Returns 0 or -ENOMEM. */
int page_strings_add(struct page_strings *strings, const char *text, uint32_t *out_number);

/* Appends all as a JSON array. Where they would take more than limit_bytes, the longest are
 * shortened in the middle until they fit. Returns 0 or -ENOMEM. */
int page_strings_append_json(const struct page_strings *strings, size_t limit_bytes,
                             struct str *into);

void page_strings_fini(struct page_strings *strings);

#endif
