#include "provenance.h"

#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../base/str.h"
#include "../base/vec.h"

/* The figures themselves are told otherwise. */
static const char other_program[] = "another program, or asked for something else";
static const char other_build[] = "another build: what changed may be its code";
static const char other_library[] = "another build of a library";
static const char other_service[] = "usable bytes, moved blocks, time and RSS may differ for this";
static const char other_setting[] = "may change how memory behaves";
static const char other_machine[] = "times and threads may differ for this";
static const char other_stacks[] = "stacks are not the same length: sites may not find each other";
static const char other_mappings[] = "mappings count on one side only: do not compare the totals";
static const char estimates[] = "estimates: a change within its margin (±) is noise";
static const char other_recorder[] = "another version of the recorder";
static const char other_detail[] = "none on these figures, unless a run was recovered after a kill";
static const char other_profiler[] = "what its file does not tell is left out on both sides";
static const char too_low[] = "events were lost: counts are too low";
static const char incomplete[] = "what came later is missing: counts too low, leaks too high";

/* Takes both texts' copies; rows come only where they differ. */
static int add_row(struct provenance *provenance, const char *what, const char *old_value,
                   const char *new_value, const char *effect)
{
    if (vec_reserve((void **)&provenance->rows, &provenance->capacity, provenance->count + 1,
                    sizeof(*provenance->rows)) < 0) {
        return -ENOMEM;
    }
    struct provenance_row row = {
        .what = strdup(what),
        .values = {[SIDE_OLD] = strdup(old_value), [SIDE_NEW] = strdup(new_value)},
        .effect = effect,
    };
    provenance->rows[provenance->count++] = row;
    return row.what == NULL || row.values[SIDE_OLD] == NULL || row.values[SIDE_NEW] == NULL
               ? -ENOMEM
               : 0;
}

static int compare_texts(struct provenance *provenance, const char *what, const char *old_value,
                         const char *new_value, const char *effect)
{
    return strcmp(old_value, new_value) == 0
               ? 0
               : add_row(provenance, what, old_value, new_value, effect);
}

static int compare_numbers(struct provenance *provenance, const char *what, uint64_t old_value,
                           uint64_t new_value, const char *effect)
{
    if (old_value == new_value) {
        return 0;
    }
    char texts[SIDE_COUNT][32];
    (void)snprintf(texts[SIDE_OLD], sizeof(texts[SIDE_OLD]), "%" PRIu64, old_value);
    (void)snprintf(texts[SIDE_NEW], sizeof(texts[SIDE_NEW]), "%" PRIu64, new_value);
    return add_row(provenance, what, texts[SIDE_OLD], texts[SIDE_NEW], effect);
}

/* ---- the program and what served it ------------------------------------------------------------
 */

/* The process that is spoken of: the one selected, else the command itself. */
static const struct process_row *main_process(const struct matched_side *side)
{
    uint32_t process_id = side->selection->process_id;
    const struct process_row *process = trace_process(side->trace, process_id);
    return process != NULL || side->trace->process_count == 0 ? process
                                                              : &side->trace->processes[0];
}

static const struct module_row *find_module(const struct trace *trace, const char *path,
                                            bool is_whole_path)
{
    for (size_t i = 0; i < trace->module_count; i++) {
        const char *other = trace->modules[i].path;
        if (strcmp(is_whole_path ? other : str_base_name(other),
                   is_whole_path ? path : str_base_name(path)) == 0) {
            return &trace->modules[i];
        }
    }
    return NULL;
}

static const char *build_id_of(const struct module_row *module)
{
    if (module == NULL) {
        return "not loaded";
    }
    return module->build_id != NULL ? module->build_id : "none";
}

static int compare_programs(const struct matched_side sides[SIDE_COUNT],
                            struct provenance *provenance)
{
    const struct trace *old_trace = sides[SIDE_OLD].trace;
    const struct trace *new_trace = sides[SIDE_NEW].trace;
    const struct process_row *old_process = main_process(&sides[SIDE_OLD]);
    const struct process_row *new_process = main_process(&sides[SIDE_NEW]);
    if (old_process == NULL || new_process == NULL) {
        return 0;
    }
    int result = compare_texts(provenance, "command", old_process->command, new_process->command,
                               other_program);
    if (result == 0) {
        const char *old_id = build_id_of(find_module(old_trace, old_process->executable, true));
        const char *new_id = build_id_of(find_module(new_trace, new_process->executable, true));
        result = compare_texts(provenance, "build id of the program", old_id, new_id, other_build);
    }
    if (result == 0) {
        result = compare_texts(provenance, "allocator", old_process->allocator,
                               new_process->allocator, other_service);
    }
    if (result == 0) {
        result =
            compare_texts(provenance, "version of the allocator", old_process->allocator_version,
                          new_process->allocator_version, other_service);
    }
    return result;
}

static bool is_main_executable(const struct matched_side *side, const struct module_row *module)
{
    const struct process_row *process = main_process(side);
    return process != NULL && strcmp(process->executable, module->path) == 0;
}

/* Libraries of one name, of which another build was loaded. */
static int compare_libraries(const struct matched_side sides[SIDE_COUNT],
                             struct provenance *provenance)
{
    const struct trace *old_trace = sides[SIDE_OLD].trace;
    int result = 0;
    for (size_t i = 0; i < old_trace->module_count && result == 0; i++) {
        const struct module_row *old_module = &old_trace->modules[i];
        const struct module_row *new_module =
            find_module(sides[SIDE_NEW].trace, old_module->path, false);
        if (new_module == NULL || is_main_executable(&sides[SIDE_OLD], old_module)) {
            continue;
        }
        struct str what = {0};
        result = str_printf(&what, "build id of %s", str_base_name(old_module->path));
        if (result == 0) {
            result = compare_texts(provenance, str_text(&what), build_id_of(old_module),
                                   build_id_of(new_module), other_library);
        }
        str_fini(&what);
    }
    return result;
}

static const char *find_variable(const struct trace *trace, const char *name)
{
    for (size_t i = 0; i < trace->variable_count; i++) {
        if (strcmp(trace->variables[i].name, name) == 0) {
            return trace->variables[i].value;
        }
    }
    return NULL;
}

static int compare_variable(struct provenance *provenance, const char *name, const char *old_value,
                            const char *new_value)
{
    return compare_texts(provenance, name, old_value != NULL ? old_value : "(not set)",
                         new_value != NULL ? new_value : "(not set)", other_setting);
}

static int compare_variables(const struct matched_side sides[SIDE_COUNT],
                             struct provenance *provenance)
{
    const struct trace *old_trace = sides[SIDE_OLD].trace;
    const struct trace *new_trace = sides[SIDE_NEW].trace;
    int result = 0;
    for (size_t i = 0; i < old_trace->variable_count && result == 0; i++) {
        const struct environment_row *row = &old_trace->variables[i];
        result = compare_variable(provenance, row->name, row->value,
                                  find_variable(new_trace, row->name));
    }
    for (size_t i = 0; i < new_trace->variable_count && result == 0; i++) {
        const struct environment_row *row = &new_trace->variables[i];
        if (find_variable(old_trace, row->name) == NULL) {
            result = compare_variable(provenance, row->name, NULL, row->value);
        }
    }
    return result;
}

/* ---- how it was recorded -----------------------------------------------------------------------
 */

static const char *sample_text(const struct run_row *run, char out_text[48])
{
    if (run->sample_bytes == QUERY_NULL) {
        return "every allocation";
    }
    (void)snprintf(out_text, 48, "one in %" PRIu64 " bytes", run->sample_bytes);
    return out_text;
}

/* Two samples of one kind are told, too: their figures are still estimates. */
static int compare_sampling(const struct run_row *old_run, const struct run_row *new_run,
                            struct provenance *provenance)
{
    char texts[SIDE_COUNT][48];
    if (old_run->sample_bytes == QUERY_NULL && new_run->sample_bytes == QUERY_NULL) {
        return 0;
    }
    return add_row(provenance, "sample", sample_text(old_run, texts[SIDE_OLD]),
                   sample_text(new_run, texts[SIDE_NEW]), estimates);
}

static const char *lost_text(const struct trace *trace, char out_text[32])
{
    struct totals totals;
    trace_totals(trace, 0, &totals);
    uint64_t count = totals.lost_event_count != QUERY_NULL ? totals.lost_event_count : 0;
    (void)snprintf(out_text, 32, "%" PRIu64, count);
    return out_text;
}

/* These are told also where both sides have them. */
static int compare_completeness(const struct matched_side sides[SIDE_COUNT],
                                struct provenance *provenance)
{
    const struct trace *old_trace = sides[SIDE_OLD].trace;
    const struct trace *new_trace = sides[SIDE_NEW].trace;
    char texts[SIDE_COUNT][32];
    int result = 0;
    if (!trace_is_complete(old_trace) || !trace_is_complete(new_trace)) {
        result =
            add_row(provenance, "state", old_trace->run.state, new_trace->run.state, incomplete);
    }
    const char *old_lost = lost_text(old_trace, texts[SIDE_OLD]);
    const char *new_lost = lost_text(new_trace, texts[SIDE_NEW]);
    if (result == 0 && (strcmp(old_lost, "0") != 0 || strcmp(new_lost, "0") != 0)) {
        result = add_row(provenance, "lost events", old_lost, new_lost, too_low);
    }
    return result;
}

static int compare_recorders(const struct run_row *old_run, const struct run_row *new_run,
                             struct provenance *provenance)
{
    const struct {
        const char *what;
        const char *values[SIDE_COUNT];
        const char *effect;
    } texts[] = {
        {"recorder", {old_run->tool_version, new_run->tool_version}, other_recorder},
        {"--detail", {old_run->detail, new_run->detail}, other_detail},
        {"--unwind", {old_run->unwind, new_run->unwind}, other_stacks},
        {"libc", {old_run->libc, new_run->libc}, other_service},
        {"host", {old_run->host, new_run->host}, other_machine},
        {"kernel", {old_run->kernel, new_run->kernel}, other_machine},
    };
    int result = 0;
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]) && result == 0; i++) {
        result = compare_texts(provenance, texts[i].what, texts[i].values[SIDE_OLD],
                               texts[i].values[SIDE_NEW], texts[i].effect);
    }
    if (result == 0) {
        result = compare_numbers(provenance, "--depth", old_run->depth_limit, new_run->depth_limit,
                                 other_stacks);
    }
    if (result == 0) {
        result = compare_numbers(provenance, "processors", old_run->cpu_count, new_run->cpu_count,
                                 other_machine);
    }
    if (result == 0) {
        result = compare_numbers(provenance, "--mmap", old_run->is_mmap_recorded,
                                 new_run->is_mmap_recorded, other_mappings);
    }
    return result < 0 ? result : compare_sampling(old_run, new_run, provenance);
}

/* Of an imported file neither builds nor settings are known: only that, and what it was of. */
static int compare_imports(const struct matched_side sides[SIDE_COUNT],
                           struct provenance *provenance)
{
    const char *texts[SIDE_COUNT];
    const struct process_row *processes[SIDE_COUNT];
    for (int i = 0; i < SIDE_COUNT; i++) {
        bool is_import = trace_is_import(sides[i].trace);
        texts[i] = is_import ? "imported from another profiler's file" : "recorded by allocaudit";
        processes[i] = main_process(&sides[i]);
    }
    int result =
        compare_texts(provenance, "origin", texts[SIDE_OLD], texts[SIDE_NEW], other_profiler);
    if (result == 0 && processes[SIDE_OLD] != NULL && processes[SIDE_NEW] != NULL) {
        result = compare_texts(provenance, "command", processes[SIDE_OLD]->command,
                               processes[SIDE_NEW]->command, other_program);
    }
    return result < 0 ? result
                      : compare_sampling(&sides[SIDE_OLD].trace->run, &sides[SIDE_NEW].trace->run,
                                         provenance);
}

static int compare_recordings(const struct matched_side sides[SIDE_COUNT],
                              struct provenance *provenance)
{
    int result = compare_programs(sides, provenance);
    if (result == 0) {
        result = compare_libraries(sides, provenance);
    }
    if (result == 0) {
        result = compare_variables(sides, provenance);
    }
    if (result == 0) {
        result =
            compare_recorders(&sides[SIDE_OLD].trace->run, &sides[SIDE_NEW].trace->run, provenance);
    }
    return result;
}

int provenance_compare(const struct matched_side sides[SIDE_COUNT],
                       struct provenance *out_provenance, struct err *err)
{
    struct provenance provenance = {0};
    int result = compare_completeness(sides, &provenance);
    if (result == 0) {
        bool has_import =
            trace_is_import(sides[SIDE_OLD].trace) || trace_is_import(sides[SIDE_NEW].trace);
        result = has_import ? compare_imports(sides, &provenance)
                            : compare_recordings(sides, &provenance);
    }
    if (result < 0) {
        provenance_fini(&provenance);
        return err_set_errno(err, -result, "cannot compare");
    }
    *out_provenance = provenance;
    return 0;
}

void provenance_fini(struct provenance *provenance)
{
    for (size_t i = 0; i < provenance->count; i++) {
        free(provenance->rows[i].what);
        free(provenance->rows[i].values[SIDE_OLD]);
        free(provenance->rows[i].values[SIDE_NEW]);
    }
    free(provenance->rows);
    *provenance = (struct provenance){0};
}
