#include "err.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

int err_set(struct err *err, int code, const char *format, ...)
{
    if (err != NULL) {
        va_list args;
        va_start(args, format);
        vsnprintf(err->text, sizeof(err->text), format, args);
        va_end(args);
    }
    return -code;
}

int err_set_errno(struct err *err, int code, const char *format, ...)
{
    if (err != NULL) {
        va_list args;
        va_start(args, format);
        int length = vsnprintf(err->text, sizeof(err->text), format, args);
        va_end(args);
        if (length >= 0 && (size_t)length < sizeof(err->text)) {
            snprintf(err->text + length, sizeof(err->text) - (size_t)length, ": %s",
                     strerror(code));
        }
    }
    return -code;
}

void err_prepend(struct err *err, const char *format, ...)
{
    if (err == NULL) {
        return;
    }
    struct err old = *err;
    va_list args;
    va_start(args, format);
    int length = vsnprintf(err->text, sizeof(err->text), format, args);
    va_end(args);
    if (length >= 0 && (size_t)length < sizeof(err->text)) {
        snprintf(err->text + length, sizeof(err->text) - (size_t)length, ": %.*s",
                 (int)(sizeof(err->text) - (size_t)length), old.text);
    }
}
