/*
 * str.h - a growable string. Zeroed is a valid empty one; str_fini() frees it.
 *
 * Appending returns 0 or -ENOMEM and then leaves the content as it was. `text` is NUL-ended and
 * never NULL after the first successful append; use str_text() before that.
 */
#ifndef ALLOCAUDIT_STR_H
#define ALLOCAUDIT_STR_H

#include <stdarg.h>
#include <stddef.h>

struct str {
    char *text;
    size_t size_bytes;     /* without the NUL */
    size_t capacity_bytes; /* with it */
};

int str_append(struct str *str, const char *text);
int str_append_bytes(struct str *str, const void *bytes, size_t size_bytes);
int str_append_char(struct str *str, char c);
int str_append_repeated(struct str *str, char c, size_t count);
int str_printf(struct str *str, const char *format, ...) __attribute__((format(printf, 2, 3)));
int str_vprintf(struct str *str, const char *format, va_list args)
    __attribute__((format(printf, 2, 0)));

/* Appends `word` as a shell would need it: as it is if harmless, else in single quotes. */
int str_append_quoted(struct str *str, const char *word);

/* The content, "" if nothing was ever appended. */
const char *str_text(const struct str *str);

/* The part of a path behind the last '/', all of it if nothing is. */
const char *str_base_name(const char *path);

/* Empties it and keeps the memory. */
void str_clear(struct str *str);
void str_fini(struct str *str);

#endif
