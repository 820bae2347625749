#include "str.h"

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Makes room for extra_bytes more and the NUL. */
static int str_reserve(struct str *str, size_t extra_bytes)
{
    if (extra_bytes >= SIZE_MAX / 2 - str->size_bytes) {
        return -ENOMEM;
    }

    size_t wanted_bytes = str->size_bytes + extra_bytes + 1;
    if (wanted_bytes <= str->capacity_bytes) {
        return 0;
    }

    size_t capacity_bytes = str->capacity_bytes + str->capacity_bytes / 2;
    if (capacity_bytes < wanted_bytes) {
        capacity_bytes = wanted_bytes < 32 ? 32 : wanted_bytes;
    }
    char *text = realloc(str->text, capacity_bytes);
    if (text == NULL) {
        return -ENOMEM;
    }

    str->text = text;
    str->capacity_bytes = capacity_bytes;
    str->text[str->size_bytes] = '\0';
    return 0;
}

int str_append_bytes(struct str *str, const void *bytes, size_t size_bytes)
{
    int r = str_reserve(str, size_bytes);
    if (r < 0) {
        return r;
    }

    if (size_bytes > 0) {
        memcpy(str->text + str->size_bytes, bytes, size_bytes);
    }
    str->size_bytes += size_bytes;
    str->text[str->size_bytes] = '\0';
    return 0;
}

int str_append(struct str *str, const char *text)
{
    return str_append_bytes(str, text, strlen(text));
}

int str_append_char(struct str *str, char c)
{
    return str_append_bytes(str, &c, 1);
}

int str_append_repeated(struct str *str, char c, size_t count)
{
    int r = str_reserve(str, count);
    if (r < 0) {
        return r;
    }

    memset(str->text + str->size_bytes, c, count);
    str->size_bytes += count;
    str->text[str->size_bytes] = '\0';
    return 0;
}

int str_vprintf(struct str *str, const char *format, va_list args)
{
    va_list again;
    va_copy(again, args);
    int length = vsnprintf(NULL, 0, format, args);
    int r = length < 0 ? -EINVAL : str_reserve(str, (size_t)length);
    if (r == 0) {
        vsnprintf(str->text + str->size_bytes, (size_t)length + 1, format, again);
        str->size_bytes += (size_t)length;
    }
    va_end(again);
    return r;
}

int str_printf(struct str *str, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    int r = str_vprintf(str, format, args);
    va_end(args);
    return r;
}

static bool is_harmless_to_shell(const char *word)
{
    static const char harmless[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                                   "-_./,:@%+=";
    return word[0] != '\0' && word[strspn(word, harmless)] == '\0';
}

int str_append_quoted(struct str *str, const char *word)
{
    if (is_harmless_to_shell(word)) {
        return str_append(str, word);
    }

    const size_t old_bytes = str->size_bytes;
    int r = str_append_char(str, '\'');
    for (const char *c = word; *c != '\0' && r == 0; c++) {
        r = *c == '\'' ? str_append(str, "'\\''") : str_append_char(str, *c);
    }
    if (r == 0) {
        r = str_append_char(str, '\'');
    }
    if (r < 0 && str->text != NULL) {
        str->size_bytes = old_bytes;
        str->text[old_bytes] = '\0';
    }
    return r;
}

const char *str_text(const struct str *str)
{
    return str->text != NULL ? str->text : "";
}

void str_clear(struct str *str)
{
    str->size_bytes = 0;
    if (str->text != NULL) {
        str->text[0] = '\0';
    }
}

void str_fini(struct str *str)
{
    free(str->text);
    *str = (struct str){0};
}

const char *str_base_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash != NULL && slash[1] != '\0' ? slash + 1 : path;
}
