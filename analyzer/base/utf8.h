/*
 * utf8.h - reading UTF-8 that may be broken: names come from other people's programs.
 */
#ifndef ALLOCAUDIT_UTF8_H
#define ALLOCAUDIT_UTF8_H

#include <stddef.h>
#include <stdint.h>

#include "str.h"

/*
 * Reads one character of text[0..size_bytes), size_bytes > 0. Returns the bytes it takes and sets
 * *out_code; a byte that begins no valid character (overlong, surrogate, cut) gives 1 and
 * UTF8_INVALID.
 */
#define UTF8_INVALID UINT32_MAX
size_t utf8_decode(const char *text, size_t size_bytes, uint32_t *out_code);

/* Appends `text` so that a terminal shows it and does nothing else: control characters, invalid
 * bytes and direction overrides become \n, \x1b, \u202e. Returns 0 or -ENOMEM. */
int utf8_append_visible(struct str *str, const char *text, size_t size_bytes);

/* Appends `text` as a JSON string with its quotes; invalid bytes become U+FFFD. */
int utf8_append_json(struct str *str, const char *text, size_t size_bytes);

/* Appends `text`, of what is longer than limit_bytes only the two ends with U+2026 between them: at
 * most limit_bytes + 3. Characters stay whole. */
int utf8_append_shortened(struct str *str, const char *text, size_t size_bytes, size_t limit_bytes);

#endif
