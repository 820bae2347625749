/*
 * go_lines.h - functions, files and lines of a Go program, from the table that its runtime itself
 * uses (.gopclntab), which is there also in stripped programs.
 *
 * Known are the layouts of Go 1.18 to 1.19 and of 1.20 and later; inlined functions need a symbol
 * that stripping removes. The table is checked at every step: it may be damaged. Single thread.
 */
#ifndef ALLOCAUDIT_GO_LINES_H
#define ALLOCAUDIT_GO_LINES_H

#include <stddef.h>
#include <stdint.h>

#include "../base/err.h"

enum {
    GO_LINES_DEPTH = 32, /* functions inlined into one another: more are left out */
};

struct go_line {
    const char *function;
    const char *file; /* NULL: not known */
    uint32_t line;    /* 0: not known */
};

struct go_lines; /* opaque */

/* Returns 0 and *out_lines is the caller's; -ENOENT (no Go program, or of an unknown version) or
 * another negative errno. */
int go_lines_open(const char *path, struct go_lines **out_lines, struct err *err);

/*
 * What the code at an ELF address is part of, the innermost inlined function first. Returns how
 * many there are; 0: it is not Go's. Texts live until go_lines_close().
 */
size_t go_lines_find(const struct go_lines *lines, uint64_t address,
                     struct go_line out_lines[GO_LINES_DEPTH]);

/* NULL is fine. */
void go_lines_close(struct go_lines *lines);

#endif
