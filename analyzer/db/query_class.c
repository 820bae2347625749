#include "query_class.h"

#include "query_run.h"
#include "statement.h"

struct size_class_target {
    size_class_sink *sink;
    void *context;
};

static int read_size_class(struct statement *from, void *context)
{
    const struct size_class_target *target = context;
    struct size_class_row row;
    row.size_min_bytes = statement_u64(from);
    row.size_max_bytes = statement_u64(from);
    row.allocation_count = statement_u64(from);
    row.allocated_bytes = statement_u64(from);
    row.usable_bytes = statement_u64(from);
    row.free_count = statement_u64(from);
    row.live_count_max = statement_u64(from);
    row.leaked_count = statement_u64(from);
    return target->sink(target->context, &row);
}

int query_size_classes(struct db *db, uint32_t process_id, size_class_sink *sink, void *context,
                       struct err *err)
{
    struct statement statement;
    statement_begin(&statement, db,
                    "SELECT size_min_bytes, max(size_max_bytes), sum(allocation_count),"
                    " sum(allocated_bytes), sum(usable_bytes), sum(free_count),"
                    " sum(live_count_max), sum(leaked_count)"
                    " FROM size_class WHERE ?1 = 0 OR process_id = ?1"
                    " GROUP BY size_min_bytes ORDER BY size_min_bytes");
    statement_bind(&statement, process_id);
    struct size_class_target target = {sink, context};
    return statement_each(&statement, read_size_class, &target, err);
}

struct lifetime_class_target {
    lifetime_class_sink *sink;
    void *context;
};

static int read_lifetime_class(struct statement *from, void *context)
{
    const struct lifetime_class_target *target = context;
    struct lifetime_class_row row;
    row.lifetime_min_ns = statement_u64(from);
    row.free_count = statement_u64(from);
    row.freed_bytes = statement_u64(from);
    return target->sink(target->context, &row);
}

int query_lifetime_classes(struct db *db, uint32_t process_id, lifetime_class_sink *sink,
                           void *context, struct err *err)
{
    struct statement statement;
    statement_begin(&statement, db,
                    "SELECT lifetime_min_ns, sum(free_count), sum(freed_bytes)"
                    " FROM lifetime_class WHERE ?1 = 0 OR process_id = ?1"
                    " GROUP BY lifetime_min_ns ORDER BY lifetime_min_ns");
    statement_bind(&statement, process_id);
    struct lifetime_class_target target = {sink, context};
    return statement_each(&statement, read_lifetime_class, &target, err);
}

struct timeline_target {
    timeline_sink *sink;
    void *context;
};

static int read_timeline(struct statement *from, void *context)
{
    const struct timeline_target *target = context;
    struct timeline_row row;
    row.at_ns = statement_u64(from);
    row.width_ns = statement_u64(from);
    row.live_bytes = statement_u64(from);
    row.live_count = statement_u64(from);
    row.allocation_count = statement_u64(from);
    row.allocated_bytes = statement_u64(from);
    row.free_count = statement_u64(from);
    row.rss_bytes = statement_u64_or(from, QUERY_NULL);
    return target->sink(target->context, &row);
}

int query_timeline(struct db *db, uint32_t process_id, timeline_sink *sink, void *context,
                   struct err *err)
{
    struct statement statement;
    statement_begin(&statement, db,
                    "SELECT at_ns, width_ns, live_bytes, live_count, allocation_count,"
                    " allocated_bytes, free_count, rss_bytes"
                    " FROM timeline WHERE process_id = ?1 ORDER BY at_ns");
    statement_bind(&statement, process_id);
    struct timeline_target target = {sink, context};
    return statement_each(&statement, read_timeline, &target, err);
}
