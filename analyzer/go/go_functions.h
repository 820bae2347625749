/*
 * go_functions.h - the table of functions that Go's runtime itself uses (.gopclntab), in the
 * layouts of Go 1.18 to 1.19 and of 1.20 and later. It is checked at every step: it may be damaged.
 */
#ifndef ALLOCAUDIT_GO_FUNCTIONS_H
#define ALLOCAUDIT_GO_FUNCTIONS_H

#include <stdbool.h>
#include <stdint.h>

#include "extent.h"

struct go_functions {
    bool is_before_20;   /* how inlined calls are laid out */
    uint64_t text_start; /* what code offsets are counted from; 0: the file's loader knows */
    uint64_t count;
    struct extent table;
    struct extent names;
    struct extent units; /* the files of each compilation unit, as offsets in `files` */
    struct extent files;
    struct extent values; /* of quantities that change along a function's code */
    struct extent functions;
};

/* What the table says of one function. */
struct go_function {
    struct extent entry; /* from there on */
    uint64_t code_offset;
    uint32_t name; /* in `names` */
    uint32_t value_count;
    uint32_t unit;
};

/* Reads the header. Returns 0, -ENOENT (an unknown layout) or -EBADMSG. */
int go_functions_read(const struct extent *table, struct go_functions *out_functions);

/* The last function that begins at or before the offset; false if there is none. */
bool go_functions_find(const struct go_functions *functions, uint64_t code_offset,
                       struct go_function *out_function);

/* The value of a quantity, whose course is at `values`, at an offset within its function; false if
 * it has none there. */
bool go_functions_value(const struct go_functions *functions, uint32_t values, uint64_t offset,
                        int32_t *out_value);

/* File and line at an offset within a function; NULL and 0 where they are not known. */
void go_functions_place(const struct go_functions *functions, const struct go_function *function,
                        uint64_t offset, const char **out_file, uint32_t *out_line);

#endif
