/*
 * What a Go program's garbage collector did: how long the world stood still, what it cost, and
 * what it kept.
 */
#include "report.h"

#include <errno.h>
#include <stdlib.h>

#include "../db/query_latency.h"
#include "../model/gc_history.h"

enum {
    CYCLES_SHOWN = 8,
    ALARM_CPU_PCT = 15,    /* of all processor time: the Go guide's own measure */
    ALARM_ASSIST_PCT = 30, /* of what collecting costs */
    BUSY_SHARE_PCT = 75,   /* of the program's CPU time: more than the runtime lets it take */
};

static uint64_t stop_ns(const struct gc_row *row)
{
    return row->sweep_stop_ns > row->mark_stop_ns ? row->sweep_stop_ns : row->mark_stop_ns;
}

static int compare_stops(const void *left, const void *right)
{
    const struct gc_row *const *a = left;
    const struct gc_row *const *b = right;
    if (stop_ns(*a) != stop_ns(*b)) {
        return stop_ns(*a) > stop_ns(*b) ? -1 : 1;
    }
    return (*a)->cycle < (*b)->cycle ? -1 : 1;
}

/* By their longest stop; the caller's. NULL: no memory. */
static const struct gc_row *const *rank_rows(const struct gc_history *history)
{
    const struct gc_row **ranked = malloc((history->count + 1) * sizeof(*ranked));
    for (size_t i = 0; ranked != NULL && i < history->count; i++) {
        ranked[i] = &history->rows[i];
    }
    if (ranked != NULL) {
        qsort(ranked, history->count, sizeof(*ranked), compare_stops);
    }
    return ranked;
}

/* All processors' time while the program ran. */
static double available_ns(const struct report *report, const struct gc_history *history)
{
    const struct process_row *process = report_process(report);
    if (process->ended_ns == QUERY_NULL) {
        return 0;
    }
    return (double)(process->ended_ns - process->started_ns) * (double)history->processor_count;
}

static void print_verdict(struct report *report, const struct gc_history *history)
{
    struct out *out = report->out;
    double all_ns = available_ns(report, history);
    double cpu_pct = all_ns > 0 ? (double)history->cpu_ns / all_ns * 100 : 0;
    double assist_pct =
        history->cpu_ns > 0 ? (double)history->assist_cpu_ns / (double)history->cpu_ns * 100 : 0;
    if (cpu_pct > ALARM_CPU_PCT) {
        out_prose(out,
                  "  Collecting takes %.0f %% of all processor time, which is much: see "
                  "'allocaudit report gc-advice%s'.",
                  cpu_pct, report_file_words(report));
    } else {
        out_prose(out, "  Collecting takes %.1f %% of all processor time.", cpu_pct);
    }
    if (cpu_pct > 1 && assist_pct > ALARM_ASSIST_PCT) {
        out_prose(out,
                  "  %.0f %% of that is done by goroutines that wanted to allocate: allocation "
                  "outruns the collector, and requests wait for it.",
                  assist_pct);
    }
    if (history->rows[history->count - 1].heap_live_bytes == 0) {
        out_prose(out, "  The runtime tells of heaps in whole MiB: 0 B is less than one.");
    }
    if (history->periodic_count > 0) {
        out_prose(out,
                  "  %zu collections came because two minutes had gone by without one, which is "
                  "built into Go: GOGC and GOMEMLIMIT do not change them. What they cost follows "
                  "the live heap; fewer pointers in it make them shorter.",
                  history->periodic_count);
    }
    if (history->forced_count > 0) {
        out_prose(out,
                  "  %zu collections were forced by the program (runtime.GC, debug.FreeOSMemory).",
                  history->forced_count);
    }
}

/* gctrace counts by the clock: where threads wait for a processor, that counts as work. */
static int note_busy_machine(struct report *report, const struct gc_history *history,
                             struct err *err)
{
    struct cpu_time time;
    char gc[32];
    char whole[32];
    int result = query_cpu_time(report->trace->db, report_process(report)->id, &time, err);
    if (result == 0 && time.process_count > 0 &&
        history->cpu_ns > time.cpu_time_ns * BUSY_SHARE_PCT / 100) {
        out_note(report->out,
                 "collecting is said to have taken %s, of the program's whole CPU time of %s: "
                 "gctrace counts by the clock, and the machine was busy with other work, so that "
                 "these figures are too high. Record on a quiet one",
                 out_format_ns((int64_t)history->cpu_ns, gc),
                 out_format_ns((int64_t)time.cpu_time_ns, whole));
    }
    return result;
}

static void print_summary(struct report *report, const struct gc_history *history)
{
    struct out *out = report->out;
    const struct process_row *process = report_process(report);
    const struct gc_row *last = &history->rows[history->count - 1];
    char title[REPORT_TITLE_BYTES];
    out_begin_section(out, "gc", report_title(report, "Garbage collection", title));
    out_count(out, "cycle_count", "collections", (int64_t)history->count);
    out_count(out, "forced_count", history->forced_count > 0 ? "forced" : NULL,
              (int64_t)history->forced_count);
    out_count(out, "periodic_count", history->periodic_count > 0 ? "after two minutes" : NULL,
              (int64_t)history->periodic_count);
    out_ns(out, "stop_p50_ns", "world stopped, median", (int64_t)history->stop_p50_ns);
    out_ns(out, "stop_p99_ns", "99 % of stops within", (int64_t)history->stop_p99_ns);
    out_ns(out, "stop_max_ns", "longest stop", (int64_t)history->stop_max_ns);
    out_ns(out, "stop_sum_ns", "all stops together", (int64_t)history->stop_sum_ns);
    out_ns(out, "gc_cpu_ns", "CPU time", (int64_t)history->cpu_ns);
    out_percent(out, "gc_cpu_pct", "of all processors", (double)history->cpu_ns,
                available_ns(report, history));
    out_percent(out, "assist_pct", "by allocating goroutines", (double)history->assist_cpu_ns,
                (double)history->cpu_ns);
    out_ns(out, "idle_cpu_ns", NULL, (int64_t)history->idle_cpu_ns);
    out_bytes(out, "allocated_bytes", "allocated between", (int64_t)history->allocated_bytes);
    out_bytes(out, "heap_live_bytes", "live after the last", (int64_t)last->heap_live_bytes);
    out_bytes(out, "live_peak_bytes", "most live", (int64_t)history->live_peak_bytes);
    out_bytes(out, "heap_goal_bytes", "last goal", (int64_t)last->heap_goal_bytes);
    out_bytes(out, "heap_mean_bytes", "mean heap", (int64_t)history->heap_mean_bytes);
    out_bytes(out, "heap_peak_bytes", "largest heap", (int64_t)history->heap_peak_bytes);
    if (process->rss_peak_bytes != QUERY_NULL) {
        out_bytes(out, "rss_peak_bytes", "resident peak", (int64_t)process->rss_peak_bytes);
    } else {
        out_null(out, "rss_peak_bytes", NULL);
    }
    print_verdict(report, history);
    out_end_section(out);
}

static int print_cycles(struct report *report, const struct gc_history *history, struct err *err)
{
    struct out *out = report->out;
    const struct gc_row *const *ranked = rank_rows(history);
    if (ranked == NULL) {
        return err_set(err, ENOMEM, "out of memory");
    }
    size_t count = report_top(report, CYCLES_SHOWN);
    count = count < history->count ? count : history->count;
    out_begin_table(out, "gc_cycles", "Collections that stopped the world longest");
    for (size_t i = 0; i < count; i++) {
        const struct gc_row *row = ranked[i];
        out_begin_row(out);
        out_number(out, "cycle", "cycle", (int64_t)row->cycle);
        out_ns(out, "at_ns", "ended at", (int64_t)row->at_ns);
        out_ns(out, "sweep_stop_ns", "stop to begin", (int64_t)row->sweep_stop_ns);
        out_ns(out, "mark_stop_ns", "to end", (int64_t)row->mark_stop_ns);
        out_ns(out, "mark_ns", "marking", (int64_t)row->mark_ns);
        out_ns(out, "gc_cpu_ns", "CPU time", (int64_t)gc_row_cpu_ns(row));
        out_bytes(out, "heap_start_bytes", "heap", (int64_t)row->heap_start_bytes);
        out_bytes(out, "heap_end_bytes", "at end", (int64_t)row->heap_end_bytes);
        out_bytes(out, "heap_live_bytes", "live", (int64_t)row->heap_live_bytes);
        out_bytes(out, "heap_goal_bytes", "goal", (int64_t)row->heap_goal_bytes);
        out_bool(out, "is_forced", "forced", row->is_forced);
        out_end_row(out);
    }
    out_end_table(out);
    free((void *)ranked);
    return 0;
}

/* What of the heap the kernel has got back. */
static int print_scavenges(struct report *report, struct err *err)
{
    struct out *out = report->out;
    struct scavenge_sums sums;
    int result = query_scavenges(report->trace->db, report_process(report)->id, &sums, err);
    if (result < 0 || sums.scavenge_count == 0) {
        return result;
    }
    out_begin_section(out, "gc_scavenges", "Memory given back to the kernel");
    out_bytes(out, "released_bytes", "by the runtime, in all", (int64_t)sums.released_bytes);
    out_count(out, "forced_count", sums.forced_count > 0 ? "debug.FreeOSMemory calls" : NULL,
              (int64_t)sums.forced_count);
    out_bytes(out, "forced_bytes", sums.forced_count > 0 ? "of that, by them" : NULL,
              (int64_t)sums.forced_bytes);
    out_bytes(out, "returned_bytes", "of the heap, at the end", (int64_t)sums.returned_bytes);
    out_percent(out, "in_use_pct", "in use of the rest", (double)sums.in_use_pct, 100);
    out_end_section(out);
    return 0;
}

int report_print_gc(struct report *report, struct err *err)
{
    const struct process_row *process = report_process(report);
    struct gc_history history = {0};
    int result =
        process != NULL ? gc_history_load(report->trace->db, process->id, &history, err) : 0;
    if (result < 0) {
        return result;
    }
    if (history.count > 0) {
        print_summary(report, &history);
        result = note_busy_machine(report, &history, err);
        if (result == 0 && !report->is_overview) {
            result = print_scavenges(report, err);
        }
        if (result == 0 && !report->is_overview) {
            result = print_cycles(report, &history, err);
        }
    } else if (!report->is_overview && !report->is_page) {
        out_note(report->out, "no garbage collection was recorded: there are some only of a Go "
                              "program that 'allocaudit run' started itself");
    }
    gc_history_fini(&history);
    return result;
}
