/*
 * export.h - a recording written for other tools: what an export reads, and the list of formats.
 *
 * A format is a writer in a file of its own and a row of the table in export.c. Sites are streamed;
 * what is held is the tree of stacks, the frames, and for some formats a figure or two per stack,
 * so the memory follows the number of different stacks, not of allocations. Single thread.
 */
#ifndef ALLOCAUDIT_EXPORT_H
#define ALLOCAUDIT_EXPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "../base/err.h"
#include "../cli/term.h"
#include "../db/query_site.h"
#include "../model/frame_table.h"
#include "../model/selection.h"
#include "../model/stack_tree.h"
#include "../model/trace.h"

/* What one number per stack can be: the word of --value, and the unit. */
enum export_value {
    EXPORT_COUNT,
    EXPORT_BYTES,
    EXPORT_PEAK,
    EXPORT_LEAKED,
    EXPORT_VALUE_COUNT /* how many there are; also: none was asked for */
};

struct export_value_kind {
    const char *word;
    const char *title; /* "bytes allocated" */
    bool is_bytes;
    size_t offset; /* in struct site_row */
};

extern const struct export_value_kind export_values[EXPORT_VALUE_COUNT];

struct export
{
    const struct trace *trace;
    const struct selection *selection;
    struct stack_tree *tree;
    struct frame_table *frames;
    bool *is_match; /* by place in the tree; NULL: all stacks are meant */
    enum export_value value;
    FILE *stream;
    struct term_progress *progress;
};

enum export_value_use {
    EXPORT_VALUE_NONE, /* every figure is in the format */
    EXPORT_VALUE_ONE,
    EXPORT_VALUE_ALL_OR_ONE,
};

struct export_format {
    const char *word; /* of --to; NULL ends the table */
    bool is_binary;
    enum export_value_use value_use;
    int (*write)(const struct export *export, struct err *err); /* 0 or a negative errno */
};

extern const struct export_format export_formats[];

/* Reads what all formats need. The trace and the selection must outlive it. Returns 0 and
 * *out_export is to be ended with export_fini(); or a negative errno. */
int export_init(const struct trace *trace, const struct selection *selection,
                struct export *out_export, struct err *err);

/* A zeroed one is fine. */
void export_fini(struct export *export);

/* Hands every selected site (process and stack) to the sink, with its stack's place in the tree. */
typedef int export_site_sink(void *context, const struct site_row *row, size_t place,
                             struct err *err);
int export_each_site(const struct export *export, export_site_sink *sink, void *context,
                     struct err *err);

/* The figure of every stack, by place in the tree, summed over processes. *out_values is the
 * caller's to free(). */
int export_stack_values(const struct export *export, enum export_value value, uint64_t **out_values,
                        struct err *err);

/* Returns -EIO or the like, told in err, if something could not be written to the stream. */
int export_check_stream(const struct export *export, struct err *err);

int folded_write(const struct export *export, struct err *err);
int speedscope_write(const struct export *export, struct err *err);
int pprof_write(const struct export *export, struct err *err);
int site_rows_write_csv(const struct export *export, struct err *err);
int site_rows_write_json(const struct export *export, struct err *err);

#endif
