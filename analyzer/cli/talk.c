#include "talk.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "../base/str.h"
#include "../base/utf8.h"

/* In one piece, so that lines of several processes do not mix. */
static void print_line(const char *prefix, const char *text)
{
    struct str line = {0};
    int r = str_append(&line, prefix);
    if (r == 0) {
        r = utf8_append_visible(&line, text, strlen(text));
    }
    if (r == 0) {
        r = str_append_char(&line, '\n');
    }
    fputs(r == 0 ? line.text : "allocaudit: out of memory\n", stderr);
    str_fini(&line);
}

void talk_error(const char *text)
{
    print_line("allocaudit: ", text);
}

static void print_formatted(const char *prefix, const char *format, va_list args)
{
    struct str text = {0};
    if (str_vprintf(&text, format, args) == 0) {
        print_line(prefix, text.text);
    }
    str_fini(&text);
}

void talk_note(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    print_formatted("allocaudit: ", format, args);
    va_end(args);
}

void talk_hint(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    print_formatted("", format, args);
    va_end(args);
}
