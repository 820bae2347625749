/*
 * captured.h - what a program wrote, of which only a little is kept: enough to tell whether two
 * outputs are the same, and what its first and last words were.
 */
#ifndef ALLOCAUDIT_CAPTURED_H
#define ALLOCAUDIT_CAPTURED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    CAPTURED_END_BYTES = 512,
    CAPTURED_LINE_BYTES = 200,
};

/* Zeroed is a valid empty one; it owns nothing. */
struct captured {
    uint64_t size_bytes;
    uint64_t hash;
    size_t first_bytes;
    size_t last_bytes;
    char first[CAPTURED_END_BYTES];
    char last[CAPTURED_END_BYTES];
};

void captured_add(struct captured *captured, const char *bytes, size_t size_bytes);

bool captured_is_same(const struct captured *left, const struct captured *right);

/* True if the first bytes are those of the text. */
bool captured_begins_with(const struct captured *captured, const char *text);

/* The last line that is not empty, as much of its beginning as there is room for; "" if none. */
void captured_last_line(const struct captured *captured, char out_line[CAPTURED_LINE_BYTES]);

#endif
