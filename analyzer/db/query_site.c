#include "query_site.h"

#include <assert.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>

#include "../base/str.h"
#include "statement.h"

static const char *const column_names[SITE_COLUMN_COUNT] = {
    [SITE_COLUMN_ALLOCATION_COUNT] = "allocation_count",
    [SITE_COLUMN_ALLOCATED_BYTES] = "allocated_bytes",
    [SITE_COLUMN_PEAK_BYTES] = "peak_bytes",
    [SITE_COLUMN_TIME_NS] = "time_ns",
    [SITE_COLUMN_LEAKED_COUNT] = "leaked_count",
    [SITE_COLUMN_LEAKED_BYTES] = "leaked_bytes",
    [SITE_COLUMN_FAILED_COUNT] = "failed_count",
    [SITE_COLUMN_LIVE_BYTES_MAX] = "live_bytes_max",
    [SITE_COLUMN_REALLOC_COUNT] = "realloc_count",
    [SITE_COLUMN_REALLOC_MOVED_BYTES] = "realloc_moved_bytes",
    [SITE_COLUMN_LARGE_SHORT_LIVED_COUNT] = "large_short_lived_count",
    [SITE_COLUMN_LARGE_SHORT_LIVED_BYTES] = "large_short_lived_bytes",
};

struct rank_target {
    site_rank_sink *sink;
    void *context;
    size_t column_count;
};

static int read_rank(struct statement *from, void *context)
{
    const struct rank_target *target = context;
    uint64_t values[SITE_COLUMN_COUNT];
    uint32_t stack_id = statement_u32(from);
    for (size_t i = 0; i < target->column_count; i++) {
        values[i] = statement_u64(from);
    }
    return target->sink(target->context, stack_id, values);
}

int query_site_ranks(struct db *db, uint32_t process_id, const enum site_column *columns,
                     size_t column_count, site_rank_sink *sink, void *context, struct err *err)
{
    assert(column_count <= SITE_COLUMN_COUNT);
    struct str sql = {0};
    int result = str_append(&sql, "SELECT stack_id");
    for (size_t i = 0; i < column_count && result == 0; i++) {
        result = str_printf(&sql, ", %s", column_names[columns[i]]);
    }
    if (result == 0) {
        result = str_printf(&sql, " FROM site%s ORDER BY process_id, stack_id",
                            process_id != 0 ? " WHERE process_id = ?1" : "");
    }
    if (result < 0) {
        str_fini(&sql);
        return err_set_errno(err, -result, "cannot read '%s'", db_path(db));
    }
    struct statement statement;
    statement_begin(&statement, db, sql.text);
    str_fini(&sql);
    if (process_id != 0) {
        statement_bind(&statement, process_id);
    }
    struct rank_target target = {sink, context, column_count};
    return statement_each(&statement, read_rank, &target, err);
}

struct site_target {
    site_sink *sink;
    void *context;
};

static void read_kind(struct statement *from, struct site_row *row)
{
    (void)snprintf(row->kind, sizeof(row->kind), "%s", statement_text(from));
}

static uint64_t read_root(struct statement *from)
{
    return (uint64_t)llround(sqrt(statement_real(from)));
}

static int read_site(struct statement *from, void *context)
{
    struct site_row *row = context;
    row->process_count = statement_u64(from);
    if (row->process_count == 0) {
        return 0; /* an aggregate over nothing */
    }
    read_kind(from, row);
#define X(name, how) row->name = statement_u64(from);
    SITE_FIGURES(X)
#undef X
#define X(name, how) row->name = read_root(from);
    SITE_STDERRS(X)
#undef X
    return 0;
}

int query_site(struct db *db, uint32_t process_id, uint32_t stack_id, struct site_row *out_row,
               struct err *err)
{
    struct statement statement;
    /* A key for each process: the table is sorted by process first. */
#define FIGURE(name, how) ", " #how "(" #name ")"
#define STDERR(name, how) ", total(1.0 * " #name " * " #name ")"
    statement_begin(
        &statement, db,
        "SELECT count(*), min(kind)" SITE_FIGURES(FIGURE) SITE_STDERRS(
            STDERR) " FROM site WHERE stack_id = ?1"
                    " AND process_id IN (SELECT id FROM process WHERE ?2 = 0 OR id = ?2)");
#undef FIGURE
#undef STDERR
    statement_bind(&statement, stack_id);
    statement_bind(&statement, process_id);
    *out_row = (struct site_row){.stack_id = stack_id};
    return statement_each(&statement, read_site, out_row, err);
}

static int read_each_site(struct statement *from, void *context)
{
    const struct site_target *target = context;
    struct site_row row = {.process_count = 1};
    row.process_id = statement_u32(from);
    row.stack_id = statement_u32(from);
    read_kind(from, &row);
#define X(name, how) row.name = statement_u64(from);
    SITE_FIGURES(X)
#undef X
#define X(name, how) row.name = statement_u64_or(from, 0);
    SITE_STDERRS(X)
#undef X
    return target->sink(target->context, &row);
}

int query_sites(struct db *db, uint32_t process_id, site_sink *sink, void *context, struct err *err)
{
    struct statement statement;
#define COLUMN(name, how) ", " #name
    statement_begin(
        &statement, db,
        "SELECT process_id, stack_id, kind" SITE_FIGURES(COLUMN) SITE_STDERRS(
            COLUMN) " FROM site WHERE ?1 = 0 OR process_id = ?1 ORDER BY process_id, stack_id");
#undef COLUMN
    statement_bind(&statement, process_id);
    struct site_target target = {sink, context};
    return statement_each(&statement, read_each_site, &target, err);
}

static int read_block_site(struct statement *from, void *context)
{
    const struct site_target *target = context;
    struct site_row row = {0};
    row.stack_id = statement_u32(from);
    row.process_count = statement_u64(from);
    read_kind(from, &row);
    row.allocation_count = statement_u64(from);
    row.allocated_bytes = statement_u64(from);
    row.usable_bytes = statement_u64(from);
    row.free_count = statement_u64(from);
    row.size_min_bytes = statement_u64(from);
    row.size_max_bytes = statement_u64(from);
    row.leaked_count = statement_u64(from);
    row.leaked_bytes = statement_u64(from);
    row.lifetime_sum_ns = statement_u64(from);
    row.lifetime_max_ns = statement_u64(from);
    row.remote_free_count = statement_u64(from);
    row.realloc_count = statement_u64(from);
    row.large_short_lived_count = statement_u64(from);
    row.large_short_lived_bytes = statement_u64(from);
    return target->sink(target->context, &row);
}

int query_block_sites(struct db *db, const struct block_selection *selection, site_sink *sink,
                      void *context, struct err *err)
{
    struct statement statement;
    statement_begin(
        &statement, db,
        "SELECT stack_id, process_count, (SELECT name FROM alloc_kind WHERE id = kind_id),"
        " allocation_count, allocated_bytes, usable_bytes, free_count, size_min_bytes,"
        " size_max_bytes, allocation_count - free_count, leaked_bytes, lifetime_sum_ns,"
        " lifetime_max_ns, remote_free_count, realloc_count, large_count, large_bytes"
        " FROM (SELECT stack_id, count(DISTINCT process_id) AS process_count,"
        "  min(alloc_kind_id) AS kind_id, count(*) AS allocation_count,"
        "  sum(size_bytes) AS allocated_bytes,"
        "  sum(size_bytes + coalesce(block.slack_bytes, context.slack_bytes)) AS usable_bytes,"
        "  count(lifetime_ns) AS free_count, min(size_bytes) AS size_min_bytes,"
        "  max(size_bytes) AS size_max_bytes,"
        "  total(size_bytes) FILTER (WHERE lifetime_ns IS NULL) AS leaked_bytes,"
        "  total(lifetime_ns) AS lifetime_sum_ns, coalesce(max(lifetime_ns), 0) AS lifetime_max_ns,"
        "  count(*) FILTER (WHERE freed_by_thread_id <> thread_id) AS remote_free_count,"
        "  count(realloc_of_id) AS realloc_count,"
        "  count(*) FILTER (WHERE size_bytes >= 65536 AND lifetime_ns < 10000000) AS large_count,"
        "  total(size_bytes) FILTER (WHERE size_bytes >= 65536 AND lifetime_ns < 10000000)"
        "   AS large_bytes"
        " FROM block CROSS JOIN context ON context.id = context_id"
        " WHERE (?1 IS NULL OR thread_id IN (SELECT value FROM json_each(?1)))"
        " AND born_ns >= ?2 AND born_ns < ?3"
        " AND alloc_kind_id NOT IN (SELECT id FROM alloc_kind WHERE name = 'internal')"
        " GROUP BY stack_id) ORDER BY stack_id");
    if (selection->thread_ids != NULL) {
        statement_bind_text(&statement, selection->thread_ids);
    } else {
        statement_bind_null(&statement);
    }
    statement_bind(&statement, selection->from_ns);
    statement_bind(&statement, selection->to_ns);
    struct site_target target = {sink, context};
    return statement_each(&statement, read_block_site, &target, err);
}

struct temporary_target {
    temporary_sink *sink;
    void *context;
};

static int read_temporary(struct statement *from, void *context)
{
    const struct temporary_target *target = context;
    uint32_t stack_id = statement_u32(from);
    uint64_t free_count = statement_u64(from);
    return target->sink(target->context, stack_id, free_count);
}

int query_temporary(struct db *db, uint32_t process_id, uint64_t within, temporary_sink *sink,
                    void *context, struct err *err)
{
    struct statement statement;
    statement_begin(&statement, db,
                    "SELECT stack_id, free_count FROM temporary"
                    " WHERE within < ?1 AND (?2 = 0 OR process_id = ?2)"
                    " ORDER BY process_id, stack_id");
    statement_bind(&statement, within);
    statement_bind(&statement, process_id);
    struct temporary_target target = {sink, context};
    return statement_each(&statement, read_temporary, &target, err);
}
