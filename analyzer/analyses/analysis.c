#include "analysis.h"

#include <errno.h>
#include <inttypes.h>

enum {
    WATCH_STEP = 1 << 16, /* calls between two looks of the watcher */
};

static int create_all(const struct trace *trace, uint32_t process_id, struct analysis_run *runs,
                      size_t count, bool *out_observes, struct err *err)
{
    int result = 0;
    *out_observes = false;
    for (size_t i = 0; i < count && result == 0; i++) {
        result = runs[i].analysis->create(trace, process_id, &runs[i].state, err);
        *out_observes = *out_observes || runs[i].analysis->observe != NULL;
    }
    return result;
}

static bool is_ignored(const struct map *stacks, const struct block_facts *block)
{
    uint32_t value;
    return map_get(stacks, block->stack_id, &value);
}

/* What is left of an operation without the blocks of those stacks. False: nothing. */
static bool leave_out(const struct map *stacks, const struct operation *operation,
                      struct operation *out_rest)
{
    bool has_made = operation->kind != OPERATION_FREE && !is_ignored(stacks, &operation->made);
    bool has_ended = operation->kind != OPERATION_ALLOC && !is_ignored(stacks, &operation->ended);
    if (!has_made && !has_ended) {
        return false;
    }
    *out_rest = *operation;
    if (!has_made) {
        out_rest->kind = OPERATION_FREE;
        out_rest->made = (struct block_facts){0};
    } else if (!has_ended) {
        out_rest->kind = OPERATION_ALLOC;
        out_rest->ended = (struct block_facts){0};
    }
    return true;
}

static int observe(const struct analysis_run *run, const struct operation *operation,
                   struct err *err)
{
    struct operation rest;
    if (run->ignored_stacks == NULL) {
        return run->analysis->observe(run->state, operation, err);
    }
    return leave_out(run->ignored_stacks, operation, &rest)
               ? run->analysis->observe(run->state, &rest, err)
               : 0;
}

static int observe_all(struct analysis_run *runs, size_t count, const struct operation *operation,
                       struct err *err)
{
    int result = 0;
    for (size_t i = 0; i < count && result == 0; i++) {
        if (runs[i].analysis->observe != NULL) {
            result = observe(&runs[i], operation, err);
        }
    }
    return result;
}

static int read_calls(const struct trace *trace, uint32_t process_id, struct analysis_run *runs,
                      size_t count, analysis_watcher *watcher, void *context, struct err *err)
{
    const struct process_row *process = trace_process(trace, process_id);
    uint64_t total = process != NULL ? process->allocation_count + process->free_count : 0;
    uint64_t done = 0;
    struct operations *operations = NULL;
    struct operation operation;
    int result = operations_open(trace->db, process_id, &operations, err);
    while (result == 0 && (result = operations_next(operations, &operation, err)) > 0) {
        result = observe_all(runs, count, &operation, err);
        if (result == 0 && watcher != NULL && done++ % WATCH_STEP == 0 &&
            !watcher(context, done, total)) {
            result = err_set(err, ECANCELED, "stopped after %" PRIu64 " calls", done);
        }
    }
    operations_close(operations);
    return result;
}

int analyses_run(const struct trace *trace, uint32_t process_id, struct analysis_run *runs,
                 size_t count, analysis_watcher *watcher, void *context, struct err *err)
{
    bool observes = false;
    int result = create_all(trace, process_id, runs, count, &observes, err);
    if (result == 0 && observes) {
        result = read_calls(trace, process_id, runs, count, watcher, context, err);
    }
    for (size_t i = 0; i < count && result == 0; i++) {
        if (runs[i].analysis->finish != NULL) {
            result = runs[i].analysis->finish(runs[i].state, err);
        }
    }
    return result;
}

void analyses_end(struct analysis_run *runs, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        runs[i].analysis->destroy(runs[i].state);
        runs[i].state = NULL;
    }
}
