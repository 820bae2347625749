/*
 * query_mark.h - what a program has told its recorder (allocaudit.h): ends of frames, begins and
 * ends of scopes, in the order of time. Single thread.
 */
#ifndef ALLOCAUDIT_QUERY_MARK_H
#define ALLOCAUDIT_QUERY_MARK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../base/err.h"
#include "open.h"

struct frame_mark {
    uint64_t at_ns;
    uint32_t thread_id;
};

/* Returns 0 and *out_marks is the caller's, to be freed; or a negative errno, told in err. */
int query_frame_marks(struct db *db, uint32_t process_id, struct frame_mark **out_marks,
                      size_t *out_count, struct err *err);

/* How often one thread has ended a frame under one name ("" for allocaudit_frame()). The name lives
 * until the sink returns. */
struct frame_group_row {
    const char *name;
    uint32_t thread_id;
    uint64_t mark_count;
};

typedef int frame_group_sink(void *context, const struct frame_group_row *row);

/* By name, then by thread. Sinks and results as in query_run.h. */
int query_frame_groups(struct db *db, uint32_t process_id, frame_group_sink *sink, void *context,
                       struct err *err);

/* How many frames a process has ended, and scopes begun. */
struct marked_process_row {
    uint32_t process_id;
    uint64_t frame_count;
    uint64_t scope_count;
};

typedef int marked_process_sink(void *context, const struct marked_process_row *row);

/* Those that have any, by id. Sinks and results as in query_run.h. */
int query_marked_processes(struct db *db, marked_process_sink *sink, void *context,
                           struct err *err);

struct mark_row {
    const char *name; /* lives until the next row */
    uint64_t at_ns;
    uint32_t thread_id;
    bool is_begin; /* of a scope */
};

struct mark_cursor; /* opaque; pulled, so that marks can be merged with calls */

/* Begins. Returns 0 and *out_cursor is the caller's, or a negative errno. */
int frame_marks_open(struct db *db, uint32_t process_id, struct mark_cursor **out_cursor,
                     struct err *err);
int scope_marks_open(struct db *db, uint32_t process_id, struct mark_cursor **out_cursor,
                     struct err *err);

/* The next mark, if it was made before that time: 1 and *out_mark. 0: there is none, and the same
 * question may be asked again of a later time. Else the negative errno of a failed read. */
int mark_cursor_before(struct mark_cursor *cursor, uint64_t before_ns, struct mark_row *out_mark,
                       struct err *err);

/* NULL is fine. */
void mark_cursor_close(struct mark_cursor *cursor);

#endif
