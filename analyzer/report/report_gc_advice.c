/*
 * What to set, and what to change, so that a Go program's garbage collector costs less: the model
 * of gc_model.h over a grid of settings, and what the trace and the sites give away.
 */
#include "report.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../advice/gc_advice.h"

enum {
    POOL_SHARE_PCT = 5,
    POOL_SIZE_RATIO = 4,
    POOLS_SHOWN = 5,
    BALLAST_BYTES_LEAST = 16 << 20,
    FORCED_LEAST = 3, /* fewer are no habit of the program's */
};

static const uint64_t gogc_grid[] = {25, 50, 100, 200, 400, 800};

enum {
    GRID_COUNT = sizeof(gogc_grid) / sizeof(gogc_grid[0])
};

struct advising {
    struct report *report;
    struct gc_advice gc;
};

static enum gc_goal gc_goal_of(const struct report *report)
{
    return report->settings->gc_goal == REPORT_GC_GOAL_MEMORY ? GC_GOAL_MEMORY : GC_GOAL_CPU;
}

static uint64_t container_of(const struct report *report)
{
    uint64_t limit_bytes = report->settings->limit_bytes;
    return limit_bytes != OPTION_NOT_GIVEN ? limit_bytes : GC_CONTAINER_NONE;
}

/* ---- the grid ----------------------------------------------------------------------------------
 */

static void print_prediction(const struct advising *advising, const struct gc_setting *setting,
                             const char *remark)
{
    struct out *out = advising->report->out;
    struct gc_prediction prediction;
    char text[GC_SETTING_BYTES];
    bool is_recorded = gc_setting_equals(setting, &advising->gc.recorded);
    gc_model_predict(&advising->gc.model, setting, &prediction);
    gc_setting_describe(setting, text);
    out_begin_row(out);
    out_text(out, "setting", "setting", text);
    out_count(out, "cycle_count", "collections", (int64_t)(prediction.cycle_count + 0.5));
    out_ns(out, "gc_cpu_ns", "CPU time", (int64_t)prediction.cpu_ns);
    out_percent(out, "cpu_margin_pct", "±", prediction.cpu_margin, 1);
    out_bytes(out, "heap_mean_bytes", "mean heap", (int64_t)prediction.heap_mean_bytes);
    out_percent(out, "heap_mean_margin_pct", "±", prediction.heap_mean_margin, 1);
    out_bytes(out, "heap_bytes", "largest", (int64_t)prediction.heap_bytes);
    out_bytes(out, "memory_bytes", "resident", (int64_t)prediction.memory_bytes);
    out_percent(out, "memory_margin_pct", "±", prediction.memory_margin, 1);
    out_bool(out, "is_starved", NULL, prediction.is_starved);
    out_text(out, "remark", "",
             is_recorded             ? "as recorded"
             : prediction.is_starved ? "too tight: it would do nothing but collect"
                                     : remark);
    out_end_row(out);
}

static void print_grid(const struct advising *advising)
{
    struct out *out = advising->report->out;
    const struct report_settings *settings = advising->report->settings;
    uint64_t container_bytes = container_of(advising->report);
    const struct gc_setting *recorded = &advising->gc.recorded;
    bool has_recorded = false;
    out_begin_table(out, "gc_grid", "What other settings would cost (predicted)");
    for (size_t i = 0; i < GRID_COUNT; i++) {
        struct gc_setting setting = {gogc_grid[i], GC_LIMIT_NONE};
        has_recorded = has_recorded || gc_setting_equals(&setting, recorded);
        print_prediction(advising, &setting, "");
    }
    if (!has_recorded) {
        print_prediction(advising, recorded, "");
    }
    if (container_bytes != GC_CONTAINER_NONE) {
        uint64_t limit_bytes = gc_advice_limit(container_bytes);
        print_prediction(advising, &(struct gc_setting){GC_GOGC_COMMON, limit_bytes}, "");
        print_prediction(advising, &(struct gc_setting){GC_GOGC_OFF, limit_bytes}, "");
    }
    if (settings->gc_setting != NULL) {
        struct gc_setting asked;
        if (gc_setting_parse(settings->gc_setting, &asked)) {
            print_prediction(advising, &asked, "as asked for");
        }
    }
    out_end_table(out);
}

/* ---- the choice --------------------------------------------------------------------------------
 */

/* How to measure it: "allocaudit trial -e GOGC=100,50 -- COMMAND". */
static void print_trial(struct out *out, const struct gc_choice *now, const struct gc_choice *best)
{
    char gogc[2][32];
    for (int i = 0; i < 2; i++) {
        uint64_t gogc_pct = (i == 0 ? now : best)->setting.gogc_pct;
        snprintf(gogc[i], sizeof(gogc[i]), gogc_pct == GC_GOGC_OFF ? "off" : "%llu",
                 (unsigned long long)gogc_pct);
    }
    bool differs = now->setting.gogc_pct != best->setting.gogc_pct;
    if (best->setting.limit_bytes == GC_LIMIT_NONE) {
        out_prose(out, "  Measure it: allocaudit trial -e GOGC=%s,%s -- COMMAND", gogc[0], gogc[1]);
    } else {
        out_prose(out,
                  "  Measure it: allocaudit trial -e GOGC=%s%s%s -e GOMEMLIMIT=off,%lluMiB -- "
                  "COMMAND",
                  gogc[0], differs ? "," : "", differs ? gogc[1] : "",
                  (unsigned long long)(best->setting.limit_bytes >> 20));
    }
}

static void explain_choice(const struct advising *advising, const struct gc_choice *now,
                           const struct gc_choice *best)
{
    struct out *out = advising->report->out;
    const struct gc_prediction *before = &now->prediction;
    const struct gc_prediction *after = &best->prediction;
    char memory[3][32];
    char cpu[2][32];
    out_prose(out,
              "  GC CPU time %s instead of %s (± %.0f %%): %.1f %% of all processors instead of "
              "%.1f %%. Resident %s instead of %s (± %.0f %%).",
              out_format_ns((int64_t)after->cpu_ns, cpu[0]),
              out_format_ns((int64_t)before->cpu_ns, cpu[1]), after->cpu_margin * 100,
              gc_advice_cpu_pct(&advising->gc, after->cpu_ns),
              gc_advice_cpu_pct(&advising->gc, before->cpu_ns),
              out_format_bytes((int64_t)after->memory_bytes, memory[0]),
              out_format_bytes((int64_t)before->memory_bytes, memory[1]),
              after->memory_margin * 100);
    out_prose(out,
              "  Because %s are live, and a collection costs about %s for them: %.0f instead of "
              "%.0f do.",
              out_format_bytes((int64_t)advising->gc.history.live_peak_bytes, memory[2]),
              out_format_ns((int64_t)(after->cpu_ns / fmax(after->cycle_count, 1)), cpu[0]),
              after->cycle_count, before->cycle_count);
    print_trial(out, now, best);
    if (best->setting.gogc_pct == GC_GOGC_OFF) {
        out_prose(out, "  GOGC=off is right only if the program is alone in its container.");
    }
}

static void print_choice(const struct advising *advising)
{
    struct out *out = advising->report->out;
    enum gc_goal goal = gc_goal_of(advising->report);
    bool wants_memory = goal == GC_GOAL_MEMORY;
    struct gc_choice now;
    struct gc_choice best;
    char text[GC_SETTING_BYTES];
    gc_advice_choose(&advising->gc, goal, container_of(advising->report), &now, &best);
    bool is_worth_it = gc_advice_saved_pct(goal, &now, &best) > GC_ADVICE_SAME_PCT;
    out_begin_section(out, "gc_advice",
                      wants_memory ? "Advice for less memory" : "Advice for less CPU time");
    out_text(out, "goal", NULL, wants_memory ? "memory" : "cpu");
    out_text(out, "set", "set", is_worth_it ? gc_setting_describe(&best.setting, text) : NULL);
    out_ns(out, "gc_cpu_ns", NULL, (int64_t)best.prediction.cpu_ns);
    out_bytes(out, "memory_bytes", NULL, (int64_t)best.prediction.memory_bytes);
    out_percent(out, "cpu_margin_pct", NULL, best.prediction.cpu_margin, 1);
    out_percent(out, "memory_margin_pct", NULL, best.prediction.memory_margin, 1);
    if (is_worth_it) {
        explain_choice(advising, &now, &best);
    } else {
        out_prose(out,
                  "  Leave GOGC and GOMEMLIMIT as they are: no setting saves more than %d %% "
                  "of %s%s.",
                  GC_ADVICE_SAME_PCT, wants_memory ? "memory" : "GC CPU time",
                  wants_memory ? " without costing much CPU time"
                  : container_of(advising->report) == GC_CONTAINER_NONE ? " within twice the memory"
                                                                        : " within that container");
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
    double unfinished = 3.0 / (double)advising->gc.history.count;
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
               (int64_t)(share * (double)advising->gc.history.cpu_ns));
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
            advising->gc.process->rss_peak_bytes == QUERY_NULL) {
            continue;
        }
        /* It counts in the heap, but its pages were never touched. */
        bool is_untouched = advising->gc.process->rss_peak_bytes + row.leaked_bytes / 2 <
                            advising->gc.history.heap_peak_bytes;
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
    const struct gc_history *history = &advising->gc.history;
    char cpu[32];
    if (history->forced_count < FORCED_LEAST) {
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
    struct out *out = advising->report->out;
    if (advising->gc.has_model) {
        print_choice(advising);
        print_grid(advising);
    } else {
        out_note(out, "no prediction for GOGC and GOMEMLIMIT: %s", advising->gc.why.text);
    }
    if (advising->gc.has_misread) {
        out_note(out, "GOGC or GOMEMLIMIT was set to what Go cannot read");
    }
    int result = print_pools(advising, err);
    if (result == 0) {
        result = note_ballast(advising, err);
    }
    note_forced(advising);
    return result;
}

int report_print_gc_advice(struct report *report, struct err *err)
{
    struct advising advising = {.report = report};
    const struct process_row *process = report_process(report);
    if (process == NULL) {
        return 0;
    }
    int result = gc_advice_load(report->trace, process, &advising.gc, err);
    if (result < 0) {
        return result;
    }
    if (advising.gc.history.count > 0) {
        result = print_advice(&advising, err);
    } else if (!report->is_page) {
        out_note(report->out, "gc-advice needs the garbage collections of a Go program that "
                              "'allocaudit run' started itself");
    }
    gc_advice_fini(&advising.gc);
    return result;
}
