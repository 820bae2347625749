#include "query_run.h"

#include <errno.h>
#include <stddef.h>

#include "statement.h"

struct run_target {
    run_sink *sink;
    void *context;
    unsigned row_count;
};

static int read_run(struct statement *from, void *context)
{
    struct run_target *target = context;
    struct run_row run;
    struct run_row *row = &run;
    row->tool_version = statement_text(from);
    row->state = statement_text(from);
    row->command = statement_text(from);
    row->working_directory = statement_text(from);
    row->host = statement_text(from);
    row->kernel = statement_text(from);
    row->libc = statement_text(from);
    row->detail = statement_text(from);
    row->unwind = statement_text(from);
    row->ring_path = statement_text_or_null(from);
    row->cpu_count = statement_u32(from);
    row->depth_limit = statement_u32(from);
    row->is_mmap_recorded = statement_u64(from) != 0;
    row->sample_bytes = statement_u64_or(from, QUERY_NULL);
    row->started_unix_ns = statement_u64(from);
    row->duration_ns = statement_u64_or(from, QUERY_NULL);
    row->exit_status = statement_u64_or(from, QUERY_NULL);
    row->exit_signal = statement_u64_or(from, QUERY_NULL);
    row->allocation_count = statement_u64_or(from, QUERY_NULL);
    row->free_count = statement_u64_or(from, QUERY_NULL);
    row->allocated_bytes = statement_u64_or(from, QUERY_NULL);
    row->failed_count = statement_u64_or(from, QUERY_NULL);
    row->peak_bytes = statement_u64_or(from, QUERY_NULL);
    row->peak_ns = statement_u64_or(from, QUERY_NULL);
    row->leaked_count = statement_u64_or(from, QUERY_NULL);
    row->leaked_bytes = statement_u64_or(from, QUERY_NULL);
    row->lost_event_count = statement_u64_or(from, QUERY_NULL);
    row->unpaired_free_count = statement_u64_or(from, QUERY_NULL);
    row->allocation_count_stderr = statement_u64_or(from, QUERY_NULL);
    row->allocated_bytes_stderr = statement_u64_or(from, QUERY_NULL);
    row->leaked_count_stderr = statement_u64_or(from, QUERY_NULL);
    row->leaked_bytes_stderr = statement_u64_or(from, QUERY_NULL);
    target->row_count++;
    return target->sink(target->context, row);
}

int query_run(struct db *db, run_sink *sink, void *context, struct err *err)
{
    struct statement statement;
    statement_begin(&statement, db,
                    "SELECT tool_version, state, command, working_directory, host, kernel, libc,"
                    " detail, unwind, ring_path, cpu_count, depth_limit, is_mmap_recorded,"
                    " sample_bytes, started_unix_ns, duration_ns, exit_status, exit_signal,"
                    " allocation_count, free_count, allocated_bytes, failed_count, peak_bytes,"
                    " peak_ns, leaked_count, leaked_bytes, lost_event_count, unpaired_free_count,"
                    " allocation_count_stderr, allocated_bytes_stderr, leaked_count_stderr,"
                    " leaked_bytes_stderr FROM run WHERE id = 1");
    struct run_target target = {.sink = sink, .context = context};
    int result = statement_each(&statement, read_run, &target, err);
    if (result == 0 && target.row_count == 0) {
        return err_set(err, EBADMSG, "cannot read '%s': damaged: the table 'run' is empty",
                       db_path(db));
    }
    return result;
}

struct process_target {
    process_sink *sink;
    void *context;
};

static int read_process(struct statement *from, void *context)
{
    const struct process_target *target = context;
    struct process_row process = {0};
    struct process_row *row = &process;
    row->id = statement_u32(from);
    row->pid = statement_u32(from);
    row->parent_id = (uint32_t)statement_u64_or(from, 0);
    row->start_kind = statement_text(from);
    row->executable = statement_text(from);
    row->command = statement_text(from);
    row->allocator = statement_text(from);
    row->allocator_version = statement_text(from);
    row->started_ns = statement_u64(from);
    row->ended_ns = statement_u64_or(from, QUERY_NULL);
    row->end_kind = statement_text_or_null(from);
    row->exit_status = statement_u64_or(from, QUERY_NULL);
    row->exit_signal = statement_u64_or(from, QUERY_NULL);
    row->allocation_count = statement_u64(from);
    row->free_count = statement_u64(from);
    row->allocated_bytes = statement_u64(from);
    row->failed_count = statement_u64(from);
    row->peak_count = statement_u64(from);
    row->peak_bytes = statement_u64(from);
    row->peak_ns = statement_u64(from);
    row->leaked_count = statement_u64(from);
    row->leaked_bytes = statement_u64(from);
    row->inherited_free_count = statement_u64(from);
    row->unpaired_free_count = statement_u64(from);
    row->lost_event_count = statement_u64(from);
    row->rss_peak_bytes = statement_u64_or(from, QUERY_NULL);
    row->allocation_count_stderr = statement_u64_or(from, QUERY_NULL);
    row->allocated_bytes_stderr = statement_u64_or(from, QUERY_NULL);
    row->leaked_count_stderr = statement_u64_or(from, QUERY_NULL);
    row->leaked_bytes_stderr = statement_u64_or(from, QUERY_NULL);
    row->is_malloc_replaced = statement_u64(from) != 0;
    return target->sink(target->context, row);
}

int query_processes(struct db *db, process_sink *sink, void *context, struct err *err)
{
    struct process_target target = {sink, context};
    struct statement statement;
    bool tells_malloc = false;
    int result = statement_find_column(db, "process", "is_malloc_replaced", &tells_malloc, err);
    if (result < 0) {
        return result;
    }
#define COLUMNS                                                                                    \
    "SELECT id, pid, parent_id, start_kind, executable, command, allocator, allocator_version,"    \
    " started_ns, ended_ns, end_kind, exit_status, exit_signal, allocation_count, free_count,"     \
    " allocated_bytes, failed_count, peak_count, peak_bytes, peak_ns, leaked_count, leaked_bytes," \
    " inherited_free_count, unpaired_free_count, lost_event_count, rss_peak_bytes,"                \
    " allocation_count_stderr, allocated_bytes_stderr, leaked_count_stderr, leaked_bytes_stderr"
    statement_begin(&statement, db,
                    tells_malloc ? COLUMNS ", is_malloc_replaced FROM process ORDER BY id"
                                 : COLUMNS ", 0 FROM process ORDER BY id");
#undef COLUMNS
    return statement_each(&statement, read_process, &target, err);
}

struct thread_target {
    thread_sink *sink;
    void *context;
};

static int read_thread(struct statement *from, void *context)
{
    const struct thread_target *target = context;
    struct thread_row row;
    row.id = statement_u32(from);
    row.process_id = statement_u32(from);
    row.tid = statement_u32(from);
    row.name = statement_text_or_null(from);
    row.started_ns = statement_u64(from);
    row.ended_ns = statement_u64(from);
    row.allocation_count = statement_u64(from);
    row.allocated_bytes = statement_u64(from);
    row.free_count = statement_u64(from);
    row.remote_free_count = statement_u64(from);
    return target->sink(target->context, &row);
}

int query_threads(struct db *db, thread_sink *sink, void *context, struct err *err)
{
    struct statement statement;
    statement_begin(&statement, db,
                    "SELECT id, process_id, tid, name, started_ns, ended_ns, allocation_count,"
                    " allocated_bytes, free_count, remote_free_count FROM thread ORDER BY id");
    struct thread_target target = {sink, context};
    return statement_each(&statement, read_thread, &target, err);
}

struct module_target {
    module_sink *sink;
    void *context;
};

static int read_module(struct statement *from, void *context)
{
    const struct module_target *target = context;
    struct module_row row;
    row.id = statement_u32(from);
    row.path = statement_text(from);
    row.build_id = statement_text_or_null(from);
    row.symbols = statement_text(from);
    row.process_count = statement_u64(from);
    return target->sink(target->context, &row);
}

int query_modules(struct db *db, module_sink *sink, void *context, struct err *err)
{
    struct statement statement;
    statement_begin(&statement, db,
                    "SELECT module.id, path, build_id, symbols, count(DISTINCT process_id)"
                    " FROM module LEFT JOIN module_load ON module_id = module.id"
                    " GROUP BY module.id ORDER BY module.id");
    struct module_target target = {sink, context};
    return statement_each(&statement, read_module, &target, err);
}

struct environment_target {
    environment_sink *sink;
    void *context;
};

static int read_environment(struct statement *from, void *context)
{
    const struct environment_target *target = context;
    struct environment_row row;
    row.name = statement_text(from);
    row.value = statement_text(from);
    return target->sink(target->context, &row);
}

int query_environment(struct db *db, environment_sink *sink, void *context, struct err *err)
{
    struct statement statement;
    statement_begin(&statement, db, "SELECT name, value FROM environment ORDER BY name");
    struct environment_target target = {sink, context};
    return statement_each(&statement, read_environment, &target, err);
}

struct module_load_target {
    module_load_sink *sink;
    void *context;
};

static int read_module_load(struct statement *from, void *context)
{
    const struct module_load_target *target = context;
    struct module_load_row row;
    row.process_id = statement_u32(from);
    row.module_id = statement_u32(from);
    row.start_address = (uint64_t)statement_signed(from);
    row.end_address = (uint64_t)statement_signed(from);
    row.load_bias = (uint64_t)statement_signed(from);
    return target->sink(target->context, &row);
}

int query_module_loads(struct db *db, module_load_sink *sink, void *context, struct err *err)
{
    struct statement statement;
    statement_begin(&statement, db,
                    "SELECT process_id, module_id, start_address, end_address, load_bias"
                    " FROM module_load ORDER BY process_id, loaded_ns, rowid");
    struct module_load_target target = {sink, context};
    return statement_each(&statement, read_module_load, &target, err);
}

struct counter_target {
    counter_sink *sink;
    void *context;
};

static int read_counter(struct statement *from, void *context)
{
    const struct counter_target *target = context;
    struct counter_row row;
    row.name = statement_text(from);
    row.value = statement_u64(from);
    return target->sink(target->context, &row);
}

int query_counters(struct db *db, uint32_t process_id, counter_sink *sink, void *context,
                   struct err *err)
{
    struct statement statement;
    statement_begin(&statement, db,
                    "SELECT name, sum(value) FROM counter WHERE ?1 = 0 OR process_id = ?1"
                    " GROUP BY name ORDER BY name");
    statement_bind(&statement, process_id);
    struct counter_target target = {sink, context};
    return statement_each(&statement, read_counter, &target, err);
}
