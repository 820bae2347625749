/*
 * query_stack.h - call stacks: the tables stack and frame, looked up one by one or read whole.
 *
 * Sinks and results as in query_run.h.
 */
#ifndef ALLOCAUDIT_QUERY_STACK_H
#define ALLOCAUDIT_QUERY_STACK_H

#include <stdbool.h>
#include <stdint.h>

#include "open.h"

enum {
    FRAME_CUT = 0, /* frame.id that stands for "cut at the depth limit" */
};

struct stack_row {
    uint32_t id;
    uint32_t parent_id; /* the caller; 0: none */
    uint32_t frame_id;
};

struct frame_row {
    const char *function;
    const char *file;   /* NULL: not known */
    const char *module; /* path; NULL: none */
    uint64_t offset;    /* return address - load bias; 0: none */
    uint32_t id;
    uint32_t module_id;     /* 0: none */
    uint32_t line;          /* 0: not known */
    uint32_t inlined_by_id; /* 0: not inlined */
};

/* A frame, and whether it is one of those asked for. */
struct frame_match_row {
    uint32_t id;
    uint32_t inlined_by_id;
    bool is_match;
};

typedef int stack_sink(void *context, const struct stack_row *row);
typedef int frame_sink(void *context, const struct frame_row *row);
typedef int frame_match_sink(void *context, const struct frame_match_row *row);

/* Keeps prepared statements for lookups by id. Texts of a frame live until the next frame. */
struct stack_lookup;

int stack_lookup_create(struct db *db, struct stack_lookup **out_lookup, struct err *err);

/* Return 1 and fill *out_row, 0 if there is no such id, or a negative errno. */
int stack_lookup_stack(struct stack_lookup *lookup, uint32_t stack_id, struct stack_row *out_row,
                       struct err *err);
int stack_lookup_frame(struct stack_lookup *lookup, uint32_t frame_id, struct frame_row *out_row,
                       struct err *err);

/* NULL is fine. */
void stack_lookup_destroy(struct stack_lookup *lookup);

/* The whole tree, by id. */
int query_stacks(struct db *db, stack_sink *sink, void *context, struct err *err);

/* Every frame, by id. */
int query_frames(struct db *db, frame_sink *sink, void *context, struct err *err);

/*
 * Every frame, and whether its function is like function_glob and its module, by path or by the
 * last part of it, like module_glob (NULL: any). GLOB as in SQL: *, ? and [...].
 */
int query_frame_matches(struct db *db, const char *function_glob, const char *module_glob,
                        frame_match_sink *sink, void *context, struct err *err);

/* Whether any stack ends in FRAME_CUT. */
int query_has_cut_stacks(struct db *db, bool *out_has, struct err *err);

#endif
