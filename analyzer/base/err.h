/*
 * err.h - a reason that a person can read, carried beside a negative errno.
 *
 * Libraries fill it and return; they never print. Untouched on success. A caller prepends context.
 */
#ifndef ALLOCAUDIT_ERR_H
#define ALLOCAUDIT_ERR_H

struct err {
    char text[512]; /* one line, lower case, no full stop: "cannot open 'x': no such file" */
};

/* Sets the text and returns -code, so that `return err_set(err, ENOENT, ...)` reads well.
 * `err` may be NULL: only the code is wanted then. */
int err_set(struct err *err, int code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Like err_set, with ": " and strerror(code) behind the text. */
int err_set_errno(struct err *err, int code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Puts context before what is already there: "context: text". */
void err_prepend(struct err *err, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
