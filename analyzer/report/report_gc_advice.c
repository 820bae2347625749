/*
 * What to set, and what to change, so that a Go program's garbage collector costs less: the model
 * of gc_model.h over a grid of settings, and what the trace and the sites give away.
 */
#include "report.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../model/gc_model.h"

enum {
    LIMIT_PCT = 90, /* of a container's memory that GOMEMLIMIT may have: the Go guide's rule */
    CPU_SHARE_MOST_PCT = 15,
    SAME_PCT = 5, /* settings that save less than this are no reason to change anything */
    POOL_SHARE_PCT = 5,
    POOL_SIZE_RATIO = 4,
    POOLS_SHOWN = 5,
    BALLAST_BYTES_LEAST = 16 << 20,
};

static const uint64_t gogc_grid[] = {25, 50, 100, 200, 400, 800};

enum {
    GRID_COUNT = sizeof(gogc_grid) / sizeof(gogc_grid[0])
};

/* What is known of the program that is advised. */
struct advising {
    struct report *report;
    const struct process_row *process;
    struct gc_history history;
    struct gc_model model;
    double duration_ns;
    bool has_misread; /* GOGC or GOMEMLIMIT was set to something that Go does not take either */
};

/* ---- settings ----------------------------------------------------------------------------------
 */

static const char *find_variable(const struct trace *trace, const char *name)
{
    for (size_t i = 0; i < trace->variable_count; i++) {
        if (strcmp(trace->variables[i].name, name) == 0) {
            return trace->variables[i].value;
        }
    }
    return NULL;
}

static struct gc_setting recorded_setting(struct advising *advising)
{
    const struct trace *trace = advising->report->trace;
    struct gc_setting setting = {.gogc_pct = GC_GOGC_COMMON, .limit_bytes = GC_LIMIT_NONE};
    bool is_read = gc_gogc_parse(find_variable(trace, "GOGC"), &setting.gogc_pct);
    is_read = gc_limit_parse(find_variable(trace, "GOMEMLIMIT"), &setting.limit_bytes) && is_read;
    advising->has_misread = !is_read;
    return setting;
}

static void describe(const struct gc_setting *setting, char *text, size_t size_bytes)
{
    char gogc[32] = "off";
    if (setting->gogc_pct != GC_GOGC_OFF) {
        snprintf(gogc, sizeof(gogc), "%llu", (unsigned long long)setting->gogc_pct);
    }
    if (setting->limit_bytes == GC_LIMIT_NONE) {
        snprintf(text, size_bytes, "GOGC=%s", gogc);
    } else {
        snprintf(text, size_bytes, "GOGC=%s GOMEMLIMIT=%lluMiB", gogc,
                 (unsigned long long)(setting->limit_bytes >> 20));
    }
}

static double cpu_pct(const struct advising *advising, double cpu_ns)
{
    double all_ns = advising->duration_ns * (double)advising->history.processor_count;
    return all_ns > 0 ? cpu_ns / all_ns * 100 : 0;
}

static void print_prediction(const struct advising *advising, const struct gc_setting *setting)
{
    struct out *out = advising->report->out;
    struct gc_prediction prediction;
    const struct gc_setting *recorded = &advising->model.recorded;
    bool is_recorded =
        setting->gogc_pct == recorded->gogc_pct && setting->limit_bytes == recorded->limit_bytes;
    char text[96];
    gc_model_predict(&advising->model, setting, &prediction);
    describe(setting, text, sizeof(text));
    out_begin_row(out);
    out_text(out, "setting", "setting", text);
    out_count(out, "cycle_count", "collections", (int64_t)(prediction.cycle_count + 0.5));
    out_ns(out, "gc_cpu_ns", "CPU time", (int64_t)prediction.cpu_ns);
    out_percent(out, "cpu_margin_pct", "±", prediction.cpu_margin, 1);
    out_bytes(out, "heap_bytes", "largest heap", (int64_t)prediction.heap_bytes);
    out_bytes(out, "memory_bytes", "resident", (int64_t)prediction.memory_bytes);
    out_percent(out, "memory_margin_pct", "±", prediction.memory_margin, 1);
    out_bool(out, "is_starved", NULL, prediction.is_starved);
    out_text(out, "remark", "",
             is_recorded             ? "as recorded"
             : prediction.is_starved ? "too tight: it would do nothing but collect"
                                     : "");
    out_end_row(out);
}

/* The limit for a container of that size. */
static uint64_t usable_limit(uint64_t container_bytes)
{
    return container_bytes / 100 * LIMIT_PCT;
}

static void print_grid(const struct advising *advising)
{
    struct out *out = advising->report->out;
    uint64_t container_bytes = advising->report->settings->limit_bytes;
    const struct gc_setting *recorded = &advising->model.recorded;
    bool is_in_grid = recorded->limit_bytes == GC_LIMIT_NONE;
    out_begin_table(out, "gc_grid", "What other settings would cost (predicted)");
    for (size_t i = 0; i < GRID_COUNT; i++) {
        print_prediction(advising, &(struct gc_setting){gogc_grid[i], GC_LIMIT_NONE});
        is_in_grid = is_in_grid && gogc_grid[i] != recorded->gogc_pct;
    }
    if (is_in_grid || recorded->limit_bytes != GC_LIMIT_NONE) {
        print_prediction(advising, recorded);
    }
    if (container_bytes != OPTION_NOT_GIVEN) {
        uint64_t limit_bytes = usable_limit(container_bytes);
        print_prediction(advising, &(struct gc_setting){GC_GOGC_COMMON, limit_bytes});
        print_prediction(advising, &(struct gc_setting){GC_GOGC_OFF, limit_bytes});
    }
    out_end_table(out);
}

/* ---- the choice --------------------------------------------------------------------------------
 */

struct choice {
    struct gc_setting setting;
    struct gc_prediction prediction;
};

static bool is_better(const struct advising *advising, const struct choice *choice,
                      const struct gc_prediction *now, const struct choice *best)
{
    uint64_t container_bytes = advising->report->settings->limit_bytes;
    const struct gc_prediction *predicted = &choice->prediction;
    bool wants_memory = advising->report->settings->gc_goal == REPORT_GC_GOAL_MEMORY;
    double room = container_bytes != OPTION_NOT_GIVEN ? (double)usable_limit(container_bytes)
                                                      : now->memory_bytes * 2;
    if (predicted->is_starved || (!wants_memory && predicted->memory_bytes > room)) {
        return false;
    }
    if (wants_memory) {
        double most = CPU_SHARE_MOST_PCT;
        double now_pct = cpu_pct(advising, now->cpu_ns);
        most = now_pct > most ? now_pct : most;
        return cpu_pct(advising, predicted->cpu_ns) <= most &&
               predicted->memory_bytes < best->prediction.memory_bytes;
    }
    return predicted->cpu_ns < best->prediction.cpu_ns;
}

static struct choice choose(const struct advising *advising, const struct gc_prediction *now)
{
    uint64_t container_bytes = advising->report->settings->limit_bytes;
    struct choice best = {.setting = advising->model.recorded, .prediction = *now};
    for (size_t i = 0; i <= GRID_COUNT; i++) {
        struct choice choice = {.setting = {i < GRID_COUNT ? gogc_grid[i] : GC_GOGC_OFF,
                                            container_bytes != OPTION_NOT_GIVEN
                                                ? usable_limit(container_bytes)
                                                : GC_LIMIT_NONE}};
        if (i == GRID_COUNT && container_bytes == OPTION_NOT_GIVEN) {
            break; /* nothing would ever be collected */
        }
        gc_model_predict(&advising->model, &choice.setting, &choice.prediction);
        if (is_better(advising, &choice, now, &best)) {
            best = choice;
        }
    }
    return best;
}

static void print_choice(const struct advising *advising)
{
    struct out *out = advising->report->out;
    bool wants_memory = advising->report->settings->gc_goal == REPORT_GC_GOAL_MEMORY;
    struct gc_prediction now;
    gc_model_predict(&advising->model, &advising->model.recorded, &now);
    struct choice best = choose(advising, &now);
    double saved_cpu_pct = (1 - best.prediction.cpu_ns / now.cpu_ns) * 100;
    double saved_memory_pct = (1 - best.prediction.memory_bytes / now.memory_bytes) * 100;
    double saved_pct = wants_memory ? saved_memory_pct : saved_cpu_pct;
    char text[96];
    char memory[2][32];
    char cpu[2][32];
    describe(&best.setting, text, sizeof(text));
    out_begin_section(out, "gc_advice",
                      wants_memory ? "Advice for less memory" : "Advice for less CPU time");
    out_text(out, "goal", NULL, wants_memory ? "memory" : "cpu");
    out_text(out, "set", "set", saved_pct > SAME_PCT ? text : NULL);
    out_ns(out, "gc_cpu_ns", NULL, (int64_t)best.prediction.cpu_ns);
    out_bytes(out, "memory_bytes", NULL, (int64_t)best.prediction.memory_bytes);
    if (saved_pct > SAME_PCT) {
        out_prose(out,
                  "  GC CPU time %s instead of %s (± %.0f %%), resident %s instead of %s "
                  "(± %.0f %%).",
                  out_format_ns((int64_t)best.prediction.cpu_ns, cpu[0]),
                  out_format_ns((int64_t)now.cpu_ns, cpu[1]), best.prediction.cpu_margin * 100,
                  out_format_bytes((int64_t)best.prediction.memory_bytes, memory[0]),
                  out_format_bytes((int64_t)now.memory_bytes, memory[1]),
                  best.prediction.memory_margin * 100);
        out_prose(out, "  Measure it: allocaudit trial -a glibc,glibc@new -e 'glibc@new:GOGC=...' "
                       "-- COMMAND");
    } else {
        out_prose(out,
                  "  Leave GOGC and GOMEMLIMIT as they are: no setting saves more than %d %% "
                  "of %s%s.",
                  SAME_PCT, wants_memory ? "memory" : "GC CPU time",
                  wants_memory ? " without costing much CPU time" : " within twice the memory");
    }
    if (best.setting.gogc_pct == GC_GOGC_OFF && saved_pct > SAME_PCT) {
        out_prose(out, "  GOGC=off is right only if the program is alone in its container.");
    }
    out_end_section(out);
}

/* ---- what the trace gives away -----------------------------------------------------------------
 */

static double allocation_share(const struct advising *advising, size_t place)
{
    const struct sites *sites = advising->report->sites;
    double total = (double)sites_total(sites, SITE_KEY_BYTES);
    return total > 0 ? (double)sites_value(sites, place, SITE_KEY_BYTES) / total : 0;
}

/* Buffers of about one size that hardly any collection finds alive. What was allocated since the
 * last few collections has not been freed yet, whatever becomes of it. */
static bool is_pool_candidate(const struct advising *advising, size_t place,
                              const struct site_row *row)
{
    double share = allocation_share(advising, place);
    double unfinished = 3.0 / (double)advising->history.count;
    double survival =
        row->allocated_bytes > 0 ? (double)row->leaked_bytes / (double)row->allocated_bytes : 1;
    return strcmp(row->kind, "go") == 0 && share * 100 >= POOL_SHARE_PCT &&
           survival <= 0.01 + (unfinished < 0.25 ? unfinished : 0.25) &&
           row->size_max_bytes <= row->size_min_bytes * POOL_SIZE_RATIO;
}

static int print_pools(struct advising *advising, struct err *err)
{
    struct report *report = advising->report;
    struct out *out = report->out;
    size_t *places = NULL;
    int count = sites_top(report->sites, SITE_KEY_BYTES, POOLS_SHOWN * 4, &places, err);
    int result = count < 0 ? count : 0;
    out_begin_table(out, "pool_candidates", "Candidates for a sync.Pool");
    for (int i = 0; i < count && result == 0; i++) {
        struct site_row row;
        struct call_stack stack;
        result = sites_read(report->sites, places[i], &row, err);
        if (result < 0 || !is_pool_candidate(advising, places[i], &row)) {
            continue;
        }
        double share = allocation_share(advising, places[i]);
        result = stacks_expand(report->stacks, row.stack_id, &stack, err);
        if (result < 0) {
            break;
        }
        out_begin_row(out);
        out_number(out, "stack_id", "stack", row.stack_id);
        out_bytes(out, "allocated_bytes", "allocated", (int64_t)row.allocated_bytes);
        out_percent(out, "share_pct", "share", share, 1);
        out_bytes(out, "size_max_bytes", "size", (int64_t)row.size_max_bytes);
        out_ns(out, "saved_gc_cpu_ns", "saves GC CPU",
               (int64_t)(share * (double)advising->history.cpu_ns));
        report_print_shown_frame(out, call_stack_shown(&stack), "function");
        out_end_row(out);
        call_stack_fini(&stack);
    }
    out_end_table(out);
    free(places);
    return result;
}

static int note_ballast(struct advising *advising, struct err *err)
{
    struct report *report = advising->report;
    size_t *places = NULL;
    int count = sites_top(report->sites, SITE_KEY_LEAKED, POOLS_SHOWN, &places, err);
    int result = count < 0 ? count : 0;
    for (int i = 0; i < count && result == 0; i++) {
        struct site_row row;
        char bytes[32];
        result = sites_read(report->sites, places[i], &row, err);
        if (result < 0 || row.size_min_bytes < BALLAST_BYTES_LEAST || row.leaked_count > 2 ||
            advising->process->rss_peak_bytes == QUERY_NULL) {
            continue;
        }
        /* It counts in the heap, but its pages were never touched. */
        bool is_untouched = advising->process->rss_peak_bytes + row.leaked_bytes / 2 <
                            advising->history.heap_peak_bytes;
        if (is_untouched) {
            out_note(report->out,
                     "stack %u keeps %s that is never touched, a ballast: since Go 1.19 "
                     "GOMEMLIMIT with a higher GOGC does the same without it",
                     row.stack_id, out_format_bytes((int64_t)row.leaked_bytes, bytes));
        }
    }
    free(places);
    return result;
}

static void note_forced(const struct advising *advising)
{
    const struct gc_history *history = &advising->history;
    char cpu[32];
    if (history->forced_count < 3) {
        return;
    }
    double share_pct =
        history->cpu_ns > 0 ? (double)history->forced_cpu_ns / (double)history->cpu_ns * 100 : 0;
    out_note(advising->report->out,
             "%zu of %zu collections were forced (runtime.GC, debug.FreeOSMemory): %s, %.0f %% of "
             "all GC CPU time; Go gives memory back by itself, and GOMEMLIMIT makes it do so "
             "sooner where memory is short",
             history->forced_count, history->count,
             out_format_ns((int64_t)history->forced_cpu_ns, cpu), share_pct);
}

static int print_advice(struct advising *advising, struct err *err)
{
    struct report *report = advising->report;
    struct gc_setting recorded = recorded_setting(advising);
    struct err reason;
    uint64_t rss_peak_bytes = advising->process->rss_peak_bytes;
    int fitted =
        gc_model_fit(&advising->history, &recorded,
                     rss_peak_bytes != QUERY_NULL ? rss_peak_bytes : 0, &advising->model, &reason);
    if (fitted == 0) {
        print_choice(advising);
        print_grid(advising);
    } else {
        out_note(report->out, "no prediction for GOGC and GOMEMLIMIT: %s", reason.text);
    }
    if (advising->has_misread) {
        out_note(report->out, "GOGC or GOMEMLIMIT was set to what Go cannot read");
    }
    int result = advising->history.count > 0 ? print_pools(advising, err) : 0;
    if (result == 0) {
        result = note_ballast(advising, err);
    }
    note_forced(advising);
    return result;
}

int report_print_gc_advice(struct report *report, struct err *err)
{
    struct advising advising = {.report = report, .process = report_process(report)};
    if (advising.process == NULL) {
        return 0;
    }
    int result = gc_history_load(report->trace->db, advising.process->id, &advising.history, err);
    if (result < 0) {
        return result;
    }
    if (advising.process->ended_ns != QUERY_NULL) {
        advising.duration_ns = (double)(advising.process->ended_ns - advising.process->started_ns);
    }
    if (advising.history.count > 0) {
        result = print_advice(&advising, err);
    } else {
        out_note(report->out, "gc-advice needs the garbage collections of a Go program that "
                              "'allocaudit run' started itself");
    }
    gc_history_fini(&advising.history);
    return result;
}
