/*
 * go_program.h - a small file that looks like a Go program: its build information, its table of
 * functions and its symbols, for tests that then damage it.
 *
 * It has two functions: main.outer, 0x100 bytes at 0x401000, in whose bytes 0x40 to 0x80 main.inner
 * is inlined, called from byte 0x10; and main.plain, 0x40 bytes behind it.
 */
#ifndef ALLOCAUDIT_TEST_GO_PROGRAM_H
#define ALLOCAUDIT_TEST_GO_PROGRAM_H

#include <stddef.h>

enum {
    GO_PROGRAM_TEXT = 0x401000,
    GO_PROGRAM_BUCKETS = 0x601000,
};

struct go_program_options {
    int is_before_20;    /* the layouts of Go 1.18 and 1.19 */
    int is_stripped;     /* no symbols */
    int has_loader;      /* dynamically linked */
    const char *version; /* NULL: no build information */
};

/* Writes it to `path`; at most that many bytes of it, if truncated_bytes is not 0. */
void go_program_write(const char *path, const struct go_program_options *options,
                      size_t truncated_bytes);

/* Of a group of tests: a file for such a program, which is gone afterwards. */
extern char go_program_path[];
int go_program_make_path(void **state);
int go_program_remove_path(void **state);

#endif
