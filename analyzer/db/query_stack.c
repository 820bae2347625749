#include "query_stack.h"

#include <errno.h>
#include <stdlib.h>

#include "statement.h"

struct stack_lookup {
    struct statement stack;
    struct statement frame;
};

static void read_stack(struct statement *from, struct stack_row *row)
{
    row->id = statement_u32(from);
    row->parent_id = (uint32_t)statement_u64_or(from, 0);
    row->frame_id = statement_u32(from);
}

#define FRAME_COLUMNS                                                                              \
    "SELECT frame.id, function, file, line, module.path, module_id, offset, inlined_by_id"         \
    " FROM frame LEFT JOIN module ON module.id = module_id"

static void read_frame(struct statement *from, struct frame_row *row)
{
    row->id = statement_u32(from);
    row->function = statement_text(from);
    row->file = statement_text_or_null(from);
    row->line = (uint32_t)statement_u64_or(from, 0);
    row->module = statement_text_or_null(from);
    row->module_id = (uint32_t)statement_u64_or(from, 0);
    row->offset = (uint64_t)statement_signed(from);
    row->inlined_by_id = (uint32_t)statement_u64_or(from, 0);
}

int stack_lookup_create(struct db *db, struct stack_lookup **out_lookup, struct err *err)
{
    struct stack_lookup *lookup = calloc(1, sizeof(*lookup));
    if (lookup == NULL) {
        return err_set_errno(err, ENOMEM, "cannot read '%s'", db_path(db));
    }
    statement_begin(&lookup->stack, db, "SELECT id, parent_id, frame_id FROM stack WHERE id = ?1");
    statement_begin(&lookup->frame, db, FRAME_COLUMNS " WHERE frame.id = ?1");
    *out_lookup = lookup;
    return 0;
}

int stack_lookup_stack(struct stack_lookup *lookup, uint32_t stack_id, struct stack_row *out_row,
                       struct err *err)
{
    statement_reset(&lookup->stack);
    statement_bind(&lookup->stack, stack_id);
    int result = statement_next(&lookup->stack, err);
    if (result > 0) {
        read_stack(&lookup->stack, out_row);
    }
    return result;
}

int stack_lookup_frame(struct stack_lookup *lookup, uint32_t frame_id, struct frame_row *out_row,
                       struct err *err)
{
    statement_reset(&lookup->frame);
    statement_bind(&lookup->frame, frame_id);
    int result = statement_next(&lookup->frame, err);
    if (result > 0) {
        read_frame(&lookup->frame, out_row);
    }
    return result;
}

void stack_lookup_destroy(struct stack_lookup *lookup)
{
    if (lookup == NULL) {
        return;
    }
    statement_end(&lookup->stack);
    statement_end(&lookup->frame);
    free(lookup);
}

struct stack_target {
    stack_sink *sink;
    void *context;
};

static int take_stack(struct statement *from, void *context)
{
    const struct stack_target *target = context;
    struct stack_row row;
    read_stack(from, &row);
    return target->sink(target->context, &row);
}

int query_stacks(struct db *db, stack_sink *sink, void *context, struct err *err)
{
    struct statement statement;
    statement_begin(&statement, db, "SELECT id, parent_id, frame_id FROM stack ORDER BY id");
    struct stack_target target = {sink, context};
    return statement_each(&statement, take_stack, &target, err);
}

struct frame_target {
    frame_sink *sink;
    void *context;
};

static int take_frame(struct statement *from, void *context)
{
    const struct frame_target *target = context;
    struct frame_row row;
    read_frame(from, &row);
    return target->sink(target->context, &row);
}

int query_frames(struct db *db, frame_sink *sink, void *context, struct err *err)
{
    struct statement statement;
    statement_begin(&statement, db, FRAME_COLUMNS " ORDER BY frame.id");
    struct frame_target target = {sink, context};
    return statement_each(&statement, take_frame, &target, err);
}

struct frame_match_target {
    frame_match_sink *sink;
    void *context;
};

static int read_frame_match(struct statement *from, void *context)
{
    const struct frame_match_target *target = context;
    struct frame_match_row row;
    row.id = statement_u32(from);
    row.inlined_by_id = (uint32_t)statement_u64_or(from, 0);
    row.is_match = statement_u64_or(from, 0) != 0;
    return target->sink(target->context, &row);
}

static void bind_glob(struct statement *statement, const char *glob)
{
    if (glob != NULL) {
        statement_bind_text(statement, glob);
    } else {
        statement_bind_null(statement);
    }
}

int query_frame_matches(struct db *db, const char *function_glob, const char *module_glob,
                        frame_match_sink *sink, void *context, struct err *err)
{
    struct statement statement;
    statement_begin(&statement, db,
                    "SELECT frame.id, inlined_by_id,"
                    " (?1 IS NULL OR function GLOB ?1)"
                    " AND (?2 IS NULL OR module_id IN (SELECT id FROM module WHERE path GLOB ?2"
                    " OR replace(path, rtrim(path, replace(path, '/', '')), '') GLOB ?2))"
                    " FROM frame WHERE frame.id <> 0 ORDER BY frame.id");
    bind_glob(&statement, function_glob);
    bind_glob(&statement, module_glob);
    struct frame_match_target target = {sink, context};
    return statement_each(&statement, read_frame_match, &target, err);
}

static int read_flag(struct statement *from, void *context)
{
    bool *flag = context;
    *flag = statement_u64(from) != 0;
    return 0;
}

int query_has_cut_stacks(struct db *db, bool *out_has, struct err *err)
{
    struct statement statement;
    /* The frame's own row comes first: only where it exists are the stacks worth a look. */
    statement_begin(&statement, db,
                    "SELECT CASE WHEN EXISTS (SELECT 1 FROM frame WHERE id = 0)"
                    " THEN EXISTS (SELECT 1 FROM stack WHERE parent_id IS NULL"
                    "  AND frame_id = 0) ELSE 0 END");
    return statement_each(&statement, read_flag, out_has, err);
}
