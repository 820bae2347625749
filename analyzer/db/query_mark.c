#include "query_mark.h"

#include <errno.h>
#include <stdlib.h>

#include "../base/vec.h"
#include "statement.h"

struct mark_list {
    struct frame_mark *marks;
    size_t count;
    size_t capacity;
};

static int take_mark(struct statement *from, void *context)
{
    struct mark_list *list = context;
    int result =
        vec_reserve((void **)&list->marks, &list->capacity, list->count + 1, sizeof(*list->marks));
    if (result == 0) {
        struct frame_mark *mark = &list->marks[list->count++];
        mark->at_ns = statement_u64(from);
        mark->thread_id = statement_u32(from);
    }
    return result;
}

int query_frame_marks(struct db *db, uint32_t process_id, struct frame_mark **out_marks,
                      size_t *out_count, struct err *err)
{
    struct statement statement;
    struct mark_list list = {0};
    statement_begin(&statement, db,
                    "SELECT at_ns, thread_id FROM mark WHERE process_id = ?1 AND kind = 'frame'"
                    " ORDER BY at_ns, id");
    statement_bind(&statement, process_id);
    int result = statement_each(&statement, take_mark, &list, err);
    if (result < 0) {
        free(list.marks);
        return result;
    }
    *out_marks = list.marks;
    *out_count = list.count;
    return 0;
}

/* What a reader of groups passes its rows to. */
struct group_reader {
    frame_group_sink *sink;
    void *context;
};

static int take_group(struct statement *from, void *context)
{
    const struct group_reader *reader = context;
    struct frame_group_row row = {.name = statement_text(from)};
    row.thread_id = statement_u32(from);
    row.mark_count = statement_u64(from);
    return reader->sink(reader->context, &row);
}

int query_frame_groups(struct db *db, uint32_t process_id, frame_group_sink *sink, void *context,
                       struct err *err)
{
    struct statement statement;
    struct group_reader reader = {.sink = sink, .context = context};
    statement_begin(&statement, db,
                    "SELECT name, thread_id, count(*) FROM mark"
                    " WHERE process_id = ?1 AND kind = 'frame'"
                    " GROUP BY name, thread_id ORDER BY name, thread_id");
    statement_bind(&statement, process_id);
    return statement_each(&statement, take_group, &reader, err);
}

struct process_reader {
    marked_process_sink *sink;
    void *context;
};

static int take_process(struct statement *from, void *context)
{
    const struct process_reader *reader = context;
    struct marked_process_row row = {.process_id = statement_u32(from)};
    row.frame_count = statement_u64(from);
    row.scope_count = statement_u64(from);
    return reader->sink(reader->context, &row);
}

int query_marked_processes(struct db *db, marked_process_sink *sink, void *context, struct err *err)
{
    struct statement statement;
    struct process_reader reader = {.sink = sink, .context = context};
    statement_begin(&statement, db,
                    "SELECT process_id, sum(kind = 'frame'), sum(kind = 'scope_begin')"
                    " FROM mark WHERE kind IN ('frame', 'scope_begin')"
                    " GROUP BY process_id ORDER BY process_id");
    return statement_each(&statement, take_process, &reader, err);
}

struct mark_cursor {
    struct statement statement;
    struct mark_row next;
    int has_next; /* 1: `next` is a mark that was not handed out yet; 0: no more; else not read */
};

static int open_marks(struct db *db, const char *sql, uint32_t process_id,
                      struct mark_cursor **out_cursor, struct err *err)
{
    struct mark_cursor *cursor = calloc(1, sizeof(*cursor));
    if (cursor == NULL) {
        return err_set_errno(err, ENOMEM, "cannot read '%s'", db_path(db));
    }
    statement_begin(&cursor->statement, db, sql);
    statement_bind(&cursor->statement, process_id);
    cursor->has_next = -1;
    *out_cursor = cursor;
    return 0;
}

int frame_marks_open(struct db *db, uint32_t process_id, struct mark_cursor **out_cursor,
                     struct err *err)
{
    return open_marks(db,
                      "SELECT at_ns, thread_id, 0, name FROM mark"
                      " WHERE process_id = ?1 AND kind = 'frame' ORDER BY at_ns, id",
                      process_id, out_cursor, err);
}

int scope_marks_open(struct db *db, uint32_t process_id, struct mark_cursor **out_cursor,
                     struct err *err)
{
    return open_marks(db,
                      "SELECT at_ns, thread_id, kind = 'scope_begin', name FROM mark"
                      " WHERE process_id = ?1 AND kind IN ('scope_begin', 'scope_end')"
                      " ORDER BY at_ns, id",
                      process_id, out_cursor, err);
}

int mark_cursor_before(struct mark_cursor *cursor, uint64_t before_ns, struct mark_row *out_mark,
                       struct err *err)
{
    if (cursor->has_next < 0) {
        int result = statement_next(&cursor->statement, err);
        if (result < 0) {
            return result;
        }
        cursor->has_next = result;
        if (result > 0) {
            cursor->next.at_ns = statement_u64(&cursor->statement);
            cursor->next.thread_id = statement_u32(&cursor->statement);
            cursor->next.is_begin = statement_u64(&cursor->statement) != 0;
            cursor->next.name = statement_text(&cursor->statement);
        }
    }
    if (cursor->has_next == 0 || cursor->next.at_ns >= before_ns) {
        return 0;
    }
    *out_mark = cursor->next;
    cursor->has_next = -1;
    return 1;
}

void mark_cursor_close(struct mark_cursor *cursor)
{
    if (cursor != NULL) {
        statement_end(&cursor->statement);
        free(cursor);
    }
}
