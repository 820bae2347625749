#include "query_thread.h"

#include <errno.h>

#include "query_leak.h"
#include "query_run.h"
#include "statement.h"

struct thread_leak_target {
    thread_leak_sink *sink;
    void *context;
};

static int read_thread_leak(struct statement *from, void *context)
{
    const struct thread_leak_target *target = context;
    struct thread_leak_row row = {.thread_id = statement_u32(from)};
    row.stack_id = statement_u32(from);
    row.kind = query_leak_kind(statement_text(from));
    row.leaked_count = statement_u64(from);
    row.leaked_bytes = statement_u64(from);
    return target->sink(target->context, &row);
}

int query_thread_leaks(struct db *db, thread_leak_sink *sink, void *context, struct err *err)
{
    struct thread_leak_target target = {sink, context};
    struct statement statement;
    statement_begin(&statement, db,
                    "SELECT thread_id, stack_id, leak_kind, count(*), sum(size_bytes)"
                    " FROM allocation WHERE lifetime_ns IS NULL"
                    " GROUP BY thread_id, stack_id, leak_kind ORDER BY thread_id, stack_id");
    return statement_each(&statement, read_thread_leak, &target, err);
}

struct thread_site_target {
    thread_site_sink *sink;
    void *context;
};

static int read_thread_site(struct statement *from, void *context)
{
    const struct thread_site_target *target = context;
    struct thread_site_row row = {.thread_id = statement_u32(from)};
    row.stack_id = statement_u32(from);
    row.allocation_count = statement_u64(from);
    row.allocated_bytes = statement_u64(from);
    return target->sink(target->context, &row);
}

int query_thread_sites(struct db *db, thread_site_sink *sink, void *context, struct err *err)
{
    struct thread_site_target target = {sink, context};
    struct statement statement;
    statement_begin(&statement, db,
                    "SELECT thread_id, stack_id, count(*), sum(size_bytes) FROM allocation"
                    " GROUP BY thread_id, stack_id ORDER BY thread_id, stack_id");
    return statement_each(&statement, read_thread_site, &target, err);
}

struct thread_temporary_target {
    thread_temporary_sink *sink;
    void *context;
};

static int read_temporary(struct statement *from, void *context)
{
    const struct thread_temporary_target *target = context;
    uint32_t thread_id = statement_u32(from);
    uint64_t temporary_count = statement_u64_or(from, QUERY_NULL);
    return temporary_count != QUERY_NULL ? target->sink(target->context, thread_id, temporary_count)
                                         : -ENODATA;
}

int query_thread_temporaries(struct db *db, thread_temporary_sink *sink, void *context,
                             struct err *err)
{
    struct thread_temporary_target target = {sink, context};
    struct statement statement;
    bool is_there = false;
    int result = statement_find_column(db, "thread", "temporary_count", &is_there, err);
    if (result == 0 && is_there) {
        statement_begin(&statement, db, "SELECT id, temporary_count FROM thread ORDER BY id");
        result = statement_each(&statement, read_temporary, &target, err);
    }
    return result == -ENODATA || (result == 0 && !is_there)
               ? err_set(err, ENODATA, "temporary blocks of threads are not known of it")
               : result;
}
