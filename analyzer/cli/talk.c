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

void talk_hint(const char *format, ...)
{
    struct str text = {0};
    va_list args;
    va_start(args, format);
    if (str_vprintf(&text, format, args) == 0) {
        print_line("", text.text);
    }
    va_end(args);
    str_fini(&text);
}
