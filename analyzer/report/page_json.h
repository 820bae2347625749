/*
 * page_json.h - compact JSON for a page, piece by piece. The first failure is kept, and what
 * follows then does nothing.
 */
#ifndef ALLOCAUDIT_PAGE_JSON_H
#define ALLOCAUDIT_PAGE_JSON_H

#include <stddef.h>
#include <stdint.h>

#include "../base/str.h"

struct page_json {
    struct str *into;
    int error; /* 0 or -ENOMEM */
};

void page_json_put(struct page_json *json, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* The number of that place in an array, with the comma before it. */
void page_json_number(struct page_json *json, size_t index, int64_t number);

/* A text in quotes, shortened in the middle if it is longer than limit_bytes. */
void page_json_text(struct page_json *json, const char *text, size_t limit_bytes);

#endif
