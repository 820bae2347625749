#include "query_latency.h"

#include "query_run.h"
#include "statement.h"

struct latency_target {
    call_latency_sink *call_sink; /* one of these */
    latency_class_sink *class_sink;
    site_latency_sink *site_sink;
    void *context;
};

static int read_call(struct statement *from, void *context)
{
    const struct latency_target *target = context;
    struct call_latency_row row;
    row.kind = statement_text(from);
    row.call_count = statement_u64(from);
    row.timed_count = statement_u64(from);
    row.time_sum_ns = statement_u64(from);
    row.time_max_ns = statement_u64(from);
    row.long_count = statement_u64(from);
    row.long_sum_ns = statement_u64(from);
    return target->call_sink(target->context, &row);
}

int query_call_latencies(struct db *db, uint32_t process_id, bool has_cpu_time,
                         call_latency_sink *sink, void *context, struct err *err)
{
    struct statement statement;
    statement_begin(&statement, db,
                    "SELECT kind, sum(call_count), sum(timed_count), sum(time_sum_ns),"
                    " max(time_max_ns), sum(long_count), sum(long_sum_ns) FROM call_latency"
                    " WHERE (?1 = 0 OR process_id = ?1) AND (?2 = 0 OR process_id IN"
                    " (SELECT id FROM process WHERE cpu_time_ns IS NOT NULL))"
                    " GROUP BY kind ORDER BY kind");
    statement_bind(&statement, process_id);
    statement_bind(&statement, has_cpu_time);
    struct latency_target target = {.call_sink = sink, .context = context};
    return statement_each(&statement, read_call, &target, err);
}

static int read_class(struct statement *from, void *context)
{
    const struct latency_target *target = context;
    struct latency_class_row row;
    row.kind = statement_text(from);
    row.time_min_ns = statement_u64(from);
    row.call_count = statement_u64(from);
    return target->class_sink(target->context, &row);
}

int query_latency_classes(struct db *db, uint32_t process_id, latency_class_sink *sink,
                          void *context, struct err *err)
{
    struct statement statement;
    statement_begin(&statement, db,
                    "SELECT kind, time_min_ns, sum(call_count) FROM latency_class"
                    " WHERE ?1 = 0 OR process_id = ?1"
                    " GROUP BY kind, time_min_ns ORDER BY kind, time_min_ns");
    statement_bind(&statement, process_id);
    struct latency_target target = {.class_sink = sink, .context = context};
    return statement_each(&statement, read_class, &target, err);
}

static int read_site(struct statement *from, void *context)
{
    const struct latency_target *target = context;
    struct site_latency_row row;
    row.time_min_ns = statement_u64(from);
    row.call_count = statement_u64(from);
    row.time_max_ns = statement_u64(from);
    return target->site_sink(target->context, &row);
}

int query_site_latencies(struct db *db, uint32_t process_id, uint32_t stack_id,
                         site_latency_sink *sink, void *context, struct err *err)
{
    struct statement statement;
    statement_begin(&statement, db,
                    "SELECT time_min_ns, sum(call_count), max(time_max_ns) FROM site_latency"
                    " WHERE process_id IN (SELECT id FROM process WHERE ?1 = 0 OR id = ?1)"
                    " AND stack_id = ?2 GROUP BY time_min_ns ORDER BY time_min_ns");
    statement_bind(&statement, process_id);
    statement_bind(&statement, stack_id);
    struct latency_target target = {.site_sink = sink, .context = context};
    return statement_each(&statement, read_site, &target, err);
}

static int read_cpu_time(struct statement *from, void *context)
{
    struct cpu_time *time = context;
    time->cpu_time_ns = statement_u64_or(from, 0);
    time->process_count = statement_u64(from);
    time->other_process_count = statement_u64(from);
    time->clock_cost_ns = statement_u64_or(from, QUERY_NULL);
    return 0;
}

int query_cpu_time(struct db *db, uint32_t process_id, struct cpu_time *out_time, struct err *err)
{
    struct statement statement;
    statement_begin(&statement, db,
                    "SELECT sum(cpu_time_ns), count(cpu_time_ns), count(*) - count(cpu_time_ns),"
                    " (SELECT clock_cost_ns FROM run) FROM process WHERE ?1 = 0 OR id = ?1");
    statement_bind(&statement, process_id);
    return statement_each(&statement, read_cpu_time, out_time, err);
}
