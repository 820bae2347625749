#include "trace.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "../base/vec.h"
#include "../base/writer_lock.h"
#include "../db/query_fault.h"
#include "../db/query_gc.h"
#include "missing_programs.h"

/* Takes rows while they are read. */
struct loader {
    struct trace *trace;
    size_t process_capacity;
    size_t thread_capacity;
    size_t module_capacity;
    size_t variable_capacity;
    size_t unrecorded_capacity;
};

/* Where a kind of row has its texts. They die with the query, so each is copied. */
struct row_shape {
    size_t row_bytes;
    size_t text_count;
    size_t text_offsets[10];
};

static const struct row_shape run_shape = {
    sizeof(struct run_row),
    10,
    {offsetof(struct run_row, tool_version), offsetof(struct run_row, state),
     offsetof(struct run_row, command), offsetof(struct run_row, working_directory),
     offsetof(struct run_row, host), offsetof(struct run_row, kernel),
     offsetof(struct run_row, libc), offsetof(struct run_row, detail),
     offsetof(struct run_row, unwind), offsetof(struct run_row, ring_path)},
};

static const struct row_shape process_shape = {
    sizeof(struct process_row),
    6,
    {offsetof(struct process_row, start_kind), offsetof(struct process_row, executable),
     offsetof(struct process_row, command), offsetof(struct process_row, allocator),
     offsetof(struct process_row, allocator_version), offsetof(struct process_row, end_kind)},
};

static const struct row_shape thread_shape = {
    sizeof(struct thread_row),
    1,
    {offsetof(struct thread_row, name)},
};

static const struct row_shape module_shape = {
    sizeof(struct module_row),
    3,
    {offsetof(struct module_row, path), offsetof(struct module_row, build_id),
     offsetof(struct module_row, symbols)},
};

static const struct row_shape variable_shape = {
    sizeof(struct environment_row),
    2,
    {offsetof(struct environment_row, name), offsetof(struct environment_row, value)},
};

static const struct row_shape unrecorded_shape = {
    sizeof(struct unrecorded_row),
    2,
    {offsetof(struct unrecorded_row, path), offsetof(struct unrecorded_row, reason)},
};

static const char **text_at(const struct row_shape *shape, void *row, size_t index)
{
    return (const char **)((char *)row + shape->text_offsets[index]);
}

static void free_texts(const struct row_shape *shape, void *row)
{
    for (size_t i = 0; i < shape->text_count; i++) {
        const char **text = text_at(shape, row, i);
        free((char *)*text);
        *text = NULL;
    }
}

/* Copies a row with its texts; on failure *to holds none of them. */
static int copy_row(const struct row_shape *shape, void *to, const void *from)
{
    memcpy(to, from, shape->row_bytes);
    for (size_t i = 0; i < shape->text_count; i++) {
        const char **text = text_at(shape, to, i);
        const char *original = *text;
        *text = original != NULL ? strdup(original) : NULL;
        if (original != NULL && *text == NULL) {
            for (size_t rest = i; rest < shape->text_count; rest++) {
                *text_at(shape, to, rest) = NULL;
            }
            free_texts(shape, to);
            return -ENOMEM;
        }
    }
    return 0;
}

/* Appends a copy to the array (rows, count, capacity). */
static int append_row(const struct row_shape *shape, void **rows, size_t *count, size_t *capacity,
                      const void *row)
{
    int result = vec_reserve(rows, capacity, *count + 1, shape->row_bytes);
    if (result == 0) {
        result = copy_row(shape, (char *)*rows + *count * shape->row_bytes, row);
    }
    *count += result == 0 ? 1 : 0;
    return result;
}

static void free_rows(const struct row_shape *shape, void *rows, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        free_texts(shape, (char *)rows + i * shape->row_bytes);
    }
    free(rows);
}

static int take_run(void *context, const struct run_row *row)
{
    struct loader *loader = context;
    free_texts(&run_shape, &loader->trace->run);
    return copy_row(&run_shape, &loader->trace->run, row);
}

static int take_process(void *context, const struct process_row *row)
{
    struct loader *loader = context;
    struct trace *trace = loader->trace;
    return append_row(&process_shape, (void **)&trace->processes, &trace->process_count,
                      &loader->process_capacity, row);
}

static int take_thread(void *context, const struct thread_row *row)
{
    struct loader *loader = context;
    struct trace *trace = loader->trace;
    return append_row(&thread_shape, (void **)&trace->threads, &trace->thread_count,
                      &loader->thread_capacity, row);
}

static int take_module(void *context, const struct module_row *row)
{
    struct loader *loader = context;
    struct trace *trace = loader->trace;
    return append_row(&module_shape, (void **)&trace->modules, &trace->module_count,
                      &loader->module_capacity, row);
}

static int take_variable(void *context, const struct environment_row *row)
{
    struct loader *loader = context;
    struct trace *trace = loader->trace;
    return append_row(&variable_shape, (void **)&trace->variables, &trace->variable_count,
                      &loader->variable_capacity, row);
}

static int take_unrecorded(void *context, const struct unrecorded_row *row)
{
    struct loader *loader = context;
    struct trace *trace = loader->trace;
    return append_row(&unrecorded_shape, (void **)&trace->unrecorded, &trace->unrecorded_count,
                      &loader->unrecorded_capacity, row);
}

static int count_fault(void *context, const struct fault_row *row)
{
    struct trace *trace = ((struct loader *)context)->trace;
    for (size_t i = 0; i < trace->process_count; i++) {
        trace->processes[i].fault_count += trace->processes[i].id == row->process_id;
    }
    return 0;
}

static int take_runtime(void *context, const struct go_runtime_row *row)
{
    struct trace *trace = ((struct loader *)context)->trace;
    trace->is_go = true;
    trace->has_go_sites = strcmp(row->site_source, "none") != 0;
    return 0;
}

static int load(struct trace *trace, struct err *err)
{
    struct loader loader = {.trace = trace};
    int result = query_run(trace->db, take_run, &loader, err);
    if (result == 0) {
        result = query_processes(trace->db, take_process, &loader, err);
    }
    if (result == 0) {
        result = query_faults(trace->db, 0, count_fault, &loader, err);
    }
    if (result == 0) {
        result = query_threads(trace->db, take_thread, &loader, err);
    }
    if (result == 0) {
        result = query_modules(trace->db, take_module, &loader, err);
    }
    if (result == 0) {
        result = query_environment(trace->db, take_variable, &loader, err);
    }
    if (result == 0) {
        result = query_unrecorded(trace->db, take_unrecorded, &loader, err);
    }
    if (result == 0) {
        result = query_go_runtime(trace->db, take_runtime, &loader, err);
    }
    return result;
}

int trace_open(const char *path, struct trace **out_trace, struct err *err)
{
    struct trace *trace = calloc(1, sizeof(*trace));
    if (trace == NULL) {
        return err_set_errno(err, ENOMEM, "cannot open '%s'", path);
    }
    int result = db_open(path, &trace->db, err);
    if (result == 0) {
        result = load(trace, err);
    }
    if (result < 0) {
        trace_close(trace);
        return result;
    }
    *out_trace = trace;
    return 0;
}

void trace_close(struct trace *trace)
{
    if (trace == NULL) {
        return;
    }
    free_texts(&run_shape, &trace->run);
    free_rows(&process_shape, trace->processes, trace->process_count);
    free_rows(&thread_shape, trace->threads, trace->thread_count);
    free_rows(&module_shape, trace->modules, trace->module_count);
    free_rows(&variable_shape, trace->variables, trace->variable_count);
    free_rows(&unrecorded_shape, trace->unrecorded, trace->unrecorded_count);
    db_close(trace->db);
    free(trace);
}

bool trace_is_complete(const struct trace *trace)
{
    return strcmp(trace->run.state, "complete") == 0;
}

bool trace_is_import(const struct trace *trace)
{
    return strcmp(trace->run.detail, "import") == 0;
}

bool trace_is_sample(const struct trace *trace)
{
    return trace->run.sample_bytes != QUERY_NULL;
}

int trace_check_content(const struct trace *trace, struct err *err)
{
    if (trace->process_count > 0) {
        return 0;
    }
    const char *path = db_path(trace->db);
    if (trace_is_complete(trace)) {
        return err_set(
            err, ENODATA,
            "nothing was recorded in '%s': the program did not load the recorder (is it "
            "linked statically, setuid, or for another architecture? try 'file PROGRAM')",
            path);
    }
    if (writer_lock_is_held(path)) {
        return err_set(err, ENODATA,
                       "nothing is in '%s' yet: it is still being recorded; wait until 'allocaudit "
                       "run' has ended",
                       path);
    }
    return err_set(
        err, ENODATA,
        "nothing is in '%s' yet: the recording was not finished; 'allocaudit recover %s' "
        "saves what was recorded",
        path, path);
}

static void totals_of_process(const struct process_row *process, struct totals *totals)
{
    bool has_ended = process->ended_ns != QUERY_NULL && process->ended_ns >= process->started_ns;
    totals->duration_ns = has_ended ? process->ended_ns - process->started_ns : QUERY_NULL;
    totals->allocation_count = process->allocation_count;
    totals->free_count = process->free_count;
    totals->allocated_bytes = process->allocated_bytes;
    totals->failed_count = process->failed_count;
    totals->peak_bytes = process->peak_bytes;
    totals->peak_ns = process->peak_ns;
    totals->leaked_count = process->leaked_count;
    totals->leaked_bytes = process->leaked_bytes;
    totals->lost_event_count = process->lost_event_count;
    totals->unpaired_free_count = process->unpaired_free_count;
    totals->inherited_free_count = process->inherited_free_count;
    totals->fault_count = process->fault_count;
    totals->rss_peak_bytes = process->rss_peak_bytes;
    totals->allocation_count_stderr = process->allocation_count_stderr;
    totals->allocated_bytes_stderr = process->allocated_bytes_stderr;
    totals->leaked_count_stderr = process->leaked_count_stderr;
    totals->leaked_bytes_stderr = process->leaked_bytes_stderr;
}

static uint64_t known(uint64_t value, uint64_t otherwise)
{
    return value != QUERY_NULL ? value : otherwise;
}

static void totals_of_run(const struct trace *trace, struct totals *totals)
{
    struct totals sum = {
        .rss_peak_bytes = QUERY_NULL, .peak_bytes = QUERY_NULL, .peak_ns = QUERY_NULL};
    for (size_t i = 0; i < trace->process_count; i++) {
        const struct process_row *process = &trace->processes[i];
        sum.allocation_count += process->allocation_count;
        sum.free_count += process->free_count;
        sum.allocated_bytes += process->allocated_bytes;
        sum.failed_count += process->failed_count;
        sum.leaked_count += process->leaked_count;
        sum.leaked_bytes += process->leaked_bytes;
        sum.lost_event_count += process->lost_event_count;
        sum.unpaired_free_count += process->unpaired_free_count;
        sum.inherited_free_count += process->inherited_free_count;
        sum.fault_count += process->fault_count;
        if (process->rss_peak_bytes != QUERY_NULL &&
            (sum.rss_peak_bytes == QUERY_NULL || process->rss_peak_bytes > sum.rss_peak_bytes)) {
            sum.rss_peak_bytes = process->rss_peak_bytes;
        }
    }
    if (trace->process_count == 1) {
        sum.peak_bytes = trace->processes[0].peak_bytes;
        sum.peak_ns = trace->processes[0].peak_ns;
    }
    const struct run_row *run = &trace->run;
    totals->duration_ns = run->duration_ns;
    totals->allocation_count = known(run->allocation_count, sum.allocation_count);
    totals->free_count = known(run->free_count, sum.free_count);
    totals->allocated_bytes = known(run->allocated_bytes, sum.allocated_bytes);
    totals->failed_count = known(run->failed_count, sum.failed_count);
    totals->peak_bytes = known(run->peak_bytes, sum.peak_bytes);
    totals->peak_ns = known(run->peak_ns, sum.peak_ns);
    totals->leaked_count = known(run->leaked_count, sum.leaked_count);
    totals->leaked_bytes = known(run->leaked_bytes, sum.leaked_bytes);
    totals->lost_event_count = known(run->lost_event_count, sum.lost_event_count);
    totals->unpaired_free_count = known(run->unpaired_free_count, sum.unpaired_free_count);
    totals->inherited_free_count = sum.inherited_free_count;
    totals->fault_count = sum.fault_count;
    totals->rss_peak_bytes = sum.rss_peak_bytes;
    totals->allocation_count_stderr = run->allocation_count_stderr;
    totals->allocated_bytes_stderr = run->allocated_bytes_stderr;
    totals->leaked_count_stderr = run->leaked_count_stderr;
    totals->leaked_bytes_stderr = run->leaked_bytes_stderr;
}

void trace_totals(const struct trace *trace, uint32_t process_id, struct totals *out_totals)
{
    const struct process_row *process = trace_process(trace, process_id);
    if (process != NULL) {
        totals_of_process(process, out_totals);
    } else {
        totals_of_run(trace, out_totals);
    }
    out_totals->unrecorded_count = missing_programs_count(trace, process_id);
}

const struct process_row *trace_process(const struct trace *trace, uint32_t process_id)
{
    for (size_t i = 0; i < trace->process_count; i++) {
        if (trace->processes[i].id == process_id) {
            return &trace->processes[i];
        }
    }
    return NULL;
}

const struct thread_row *trace_thread(const struct trace *trace, uint32_t thread_id)
{
    for (size_t i = 0; i < trace->thread_count; i++) {
        if (trace->threads[i].id == thread_id) {
            return &trace->threads[i];
        }
    }
    return NULL;
}

const struct process_row *trace_largest_process(const struct trace *trace)
{
    const struct process_row *largest = NULL;
    for (size_t i = 0; i < trace->process_count; i++) {
        if (largest == NULL || trace->processes[i].peak_bytes > largest->peak_bytes) {
            largest = &trace->processes[i];
        }
    }
    return largest;
}
