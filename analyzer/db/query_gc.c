#include "query_gc.h"

#include <stdlib.h>

#include "../base/vec.h"
#include "query_run.h"
#include "statement.h"

static int take_true(struct statement *from, void *context)
{
    *(bool *)context = statement_u64(from) != 0;
    return 0;
}

static int has_table(struct db *db, const char *name, bool *out_has, struct err *err)
{
    struct statement statement;
    statement_begin(&statement, db,
                    "SELECT count(*) FROM sqlite_schema WHERE type = 'table' AND name = ?1");
    statement_bind_text(&statement, name);
    return statement_each(&statement, take_true, out_has, err);
}

static int take_sums(struct statement *from, void *context)
{
    struct scavenge_sums *sums = context;
    sums->scavenge_count = statement_u64(from);
    sums->forced_count = statement_u64(from);
    sums->released_bytes = statement_u64(from);
    sums->forced_bytes = statement_u64(from);
    sums->returned_bytes = statement_u64(from);
    sums->in_use_pct = statement_u64(from);
    return 0;
}

int query_scavenges(struct db *db, uint32_t process_id, struct scavenge_sums *out_sums,
                    struct err *err)
{
    bool has_scavenges = false;
    *out_sums = (struct scavenge_sums){0};
    int result = has_table(db, "scavenge", &has_scavenges, err);
    if (result == 0 && has_scavenges) {
        struct statement statement;
        statement_begin(&statement, db,
                        "SELECT count(*), ifnull(sum(is_forced), 0),"
                        " ifnull(sum(released_bytes + ifnull(eager_bytes, 0)), 0),"
                        " ifnull(sum(released_bytes * is_forced), 0),"
                        " (SELECT returned_bytes FROM scavenge WHERE process_id = ?1"
                        " ORDER BY at_ns DESC, rowid DESC LIMIT 1),"
                        " (SELECT in_use_pct FROM scavenge WHERE process_id = ?1"
                        " ORDER BY at_ns DESC, rowid DESC LIMIT 1)"
                        " FROM scavenge WHERE process_id = ?1");
        statement_bind(&statement, process_id);
        result = statement_each(&statement, take_sums, out_sums, err);
    }
    return result;
}

struct gc_list {
    struct gc_row *rows;
    size_t count;
    size_t capacity;
};

static int take_gc(struct statement *from, void *context)
{
    struct gc_list *list = context;
    int result =
        vec_reserve((void **)&list->rows, &list->capacity, list->count + 1, sizeof(*list->rows));
    if (result < 0) {
        return result;
    }
    struct gc_row *row = &list->rows[list->count++];
    uint64_t *const fields[] = {
        &row->cycle,
        &row->at_ns,
        &row->since_start_ns,
        &row->sweep_stop_ns,
        &row->mark_ns,
        &row->mark_stop_ns,
        &row->sweep_stop_cpu_ns,
        &row->assist_cpu_ns,
        &row->background_cpu_ns,
        &row->idle_cpu_ns,
        &row->mark_stop_cpu_ns,
        &row->heap_start_bytes,
        &row->heap_end_bytes,
        &row->heap_live_bytes,
        &row->heap_goal_bytes,
        &row->root_bytes,
        &row->processor_count,
    };
    for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
        *fields[i] = statement_u64(from);
    }
    row->is_forced = statement_u64(from) != 0;
    return 0;
}

int query_gc(struct db *db, uint32_t process_id, struct gc_row **out_rows, size_t *out_count,
             struct err *err)
{
    struct gc_list list = {0};
    bool has_gc = false;
    int result = has_table(db, "gc", &has_gc, err);
    if (result == 0 && has_gc) {
        struct statement statement;
        statement_begin(&statement, db,
                        "SELECT cycle, at_ns, since_start_ns, sweep_stop_ns, mark_ns, mark_stop_ns,"
                        " sweep_stop_cpu_ns, assist_cpu_ns, background_cpu_ns, idle_cpu_ns,"
                        " mark_stop_cpu_ns, heap_start_bytes, heap_end_bytes, heap_live_bytes,"
                        " heap_goal_bytes, ifnull(stack_bytes, 0) + ifnull(global_bytes, 0),"
                        " processor_count, is_forced FROM gc WHERE process_id = ?1 ORDER BY cycle");
        statement_bind(&statement, process_id);
        result = statement_each(&statement, take_gc, &list, err);
    }
    if (result < 0) {
        free(list.rows);
        return result;
    }
    *out_rows = list.rows;
    *out_count = list.count;
    return 0;
}

struct runtime_target {
    go_runtime_sink *sink;
    void *context;
};

static int take_runtime(struct statement *from, void *context)
{
    const struct runtime_target *target = context;
    struct go_runtime_row row;
    row.process_id = statement_u32(from);
    row.go_version = statement_text(from);
    row.site_source = statement_text(from);
    row.site_reason = statement_text_or_null(from);
    row.profile_rate_bytes = statement_u64_or(from, QUERY_NULL);
    row.profile_read_ns = statement_u64_or(from, QUERY_NULL);
    row.gc_source = statement_text(from);
    row.gc_reason = statement_text_or_null(from);
    row.unread_line_count = statement_u64(from);
    row.foreign_line_count = statement_u64(from);
    row.lost_line_count = statement_u64(from);
    row.damaged_object_count = statement_u64(from);
    return target->sink(target->context, &row);
}

#define RUNTIME_TEXT(damaged)                                                                      \
    "SELECT process_id, go_version, site_source, site_reason, profile_rate_bytes,"                 \
    " profile_read_ns, gc_source, gc_reason, unread_line_count, foreign_line_count,"               \
    " lost_line_count, " damaged " FROM go_runtime ORDER BY process_id"

int query_go_runtime(struct db *db, go_runtime_sink *sink, void *context, struct err *err)
{
    bool has_runtime = false;
    int result = has_table(db, "go_runtime", &has_runtime, err);
    if (result < 0 || !has_runtime) {
        return result;
    }
    struct statement statement;
    struct runtime_target target = {.sink = sink, .context = context};
    bool has_damaged = false; /* older recordings do not */
    statement_begin(&statement, db,
                    "SELECT count(*) FROM pragma_table_info('go_runtime')"
                    " WHERE name = 'damaged_object_count'");
    result = statement_each(&statement, take_true, &has_damaged, err);
    if (result < 0) {
        return result;
    }
    statement_begin(&statement, db,
                    has_damaged ? RUNTIME_TEXT("damaged_object_count") : RUNTIME_TEXT("0"));
    return statement_each(&statement, take_runtime, &target, err);
}
