/*
 * Time in the allocator: how much of it, by kind of call, and where.
 */
#include "report.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../analyses/latencies.h"

/* Below it there is no speed to win. */
#define CPU_SHARE_OF_NOTE 0.01

static void print_time(struct out *out, const char *key, const char *label, uint64_t time_ns)
{
    if (time_ns == LATENCY_UNKNOWN) {
        out_null(out, key, label);
    } else {
        out_ns(out, key, label, (int64_t)time_ns);
    }
}

/* What reading the clock may have added to the estimate for so many calls. */
static double clock_time(const struct latencies *latencies, uint64_t call_count)
{
    return (double)latencies->clock_cost_ns * (double)call_count;
}

static void print_verdict(struct out *out, const struct latencies *latencies)
{
    double cpu_ns = (double)latencies->cpu.cpu_time_ns;
    double margin_ns = REPORT_MARGIN_ERRORS * latencies->time_stderr_ns;
    double least = fmax(0, latencies->known_time_ns - margin_ns) / cpu_ns;
    double most = (latencies->known_time_ns + margin_ns +
                   clock_time(latencies, latencies->known_call_count)) /
                  cpu_ns;
    char text[200];
    if (latencies->timed_count == 0 || latencies->cpu.process_count == 0) {
        out_text(out, "verdict", "verdict",
                 latencies->timed_count == 0 ? "not known: no call was timed"
                                             : "not known: the CPU time was not seen");
        return;
    }
    if (most < CPU_SHARE_OF_NOTE) {
        (void)snprintf(text, sizeof(text),
                       "no speed to win: an allocator that took no time would save at most %.1f %% "
                       "of CPU",
                       100 * most);
    } else {
        (void)snprintf(text, sizeof(text),
                       "an allocator that took no time would save %.1f to %.1f %% of CPU: no other "
                       "can win more",
                       100 * fmin(1, least), 100 * fmin(1, most));
    }
    out_text(out, "verdict", "verdict", text);
}

static void print_totals(struct report *report, const struct latencies *latencies)
{
    struct out *out = report->out;
    const struct cpu_time *cpu = &latencies->cpu;
    out_begin_section(out, "latency", "Time in the allocator");
    out_count(out, "call_count", "calls", (int64_t)latencies->call_count);
    out_count(out, "timed_count", "timed calls", (int64_t)latencies->timed_count);
    out_ns(out, "time_ns", "time in the calls, at least", llround(latencies->time_ns));
    out_ns(out, "time_most_ns", "  at most",
           llround(latencies->time_ns + clock_time(latencies, latencies->call_count)));
    out_ns(out, "time_margin_ns", "  ± 95 %, of either",
           llround(REPORT_MARGIN_ERRORS * latencies->time_stderr_ns));
    out_count(out, "long_count", "timed calls longer than 1 ms, left out",
              (int64_t)latencies->long_count);
    out_ns(out, "long_sum_ns", "  their time", (int64_t)latencies->long_sum_ns);
    if (cpu->process_count > 0) {
        out_ns(out, "cpu_time_ns", "CPU time while recorded", (int64_t)cpu->cpu_time_ns);
        out_percent(out, "cpu_share_pct", "share of CPU time, at least", latencies->known_time_ns,
                    (double)cpu->cpu_time_ns);
        out_percent(out, "cpu_share_most_pct", "  at most",
                    latencies->known_time_ns + clock_time(latencies, latencies->known_call_count),
                    (double)cpu->cpu_time_ns);
    } else {
        out_null(out, "cpu_time_ns", "CPU time while recorded");
        out_null(out, "cpu_share_pct", "share of CPU time, at least");
        out_null(out, "cpu_share_most_pct", "  at most");
    }
    out_number(out, "unknown_cpu_time_process_count", NULL, (int64_t)cpu->other_process_count);
    if (cpu->clock_cost_ns != QUERY_NULL) {
        out_ns(out, "clock_cost_ns", "reading the clock", (int64_t)latencies->clock_cost_ns);
    } else {
        out_null(out, "clock_cost_ns", "reading the clock");
    }
    print_verdict(out, latencies);
    out_end_section(out);
}

static void print_kinds(struct report *report, const struct latencies *latencies)
{
    struct out *out = report->out;
    out_begin_table(out, "latency_kinds", "By kind of call: how long timed calls took");
    for (size_t i = 0; i < latencies->kind_count; i++) {
        const struct kind_latency *kind = &latencies->kinds[i];
        out_begin_row(out);
        out_text(out, "kind", "call", kind->kind);
        out_count(out, "call_count", "calls", (int64_t)kind->call_count);
        out_count(out, "timed_count", report_label_from(report, 96, "timed"),
                  (int64_t)kind->spread.timed_count);
        out_ns(out, "time_ns", "at least", llround(kind->time_ns));
        out_ns(out, "time_margin_ns", "± 95 %",
               llround(REPORT_MARGIN_ERRORS * kind->time_stderr_ns));
        out_percent(out, "share_pct", "share", kind->time_ns, latencies->time_ns);
        print_time(out, "mean_ns", "mean",
                   isnan(kind->mean_ns) ? LATENCY_UNKNOWN : (uint64_t)llround(kind->mean_ns));
        print_time(out, "p50_ns", "p50", kind->spread.p50_ns);
        print_time(out, "p99_ns", "p99", kind->spread.p99_ns);
        print_time(out, "p999_ns", "p99.9", kind->spread.p999_ns);
        print_time(out, "max_ns", "longest",
                   kind->spread.timed_count == 0 ? LATENCY_UNKNOWN : kind->spread.max_ns);
        out_end_row(out);
    }
    out_end_table(out);
}

static int print_site(struct report *report, const struct latencies *latencies, size_t place,
                      struct err *err)
{
    struct out *out = report->out;
    struct site_row site;
    struct latency_spread spread = {0};
    struct call_stack stack;
    int result = sites_read(report->sites, place, &site, err);
    if (result == 0) {
        result = latencies_of_site(latencies, report->trace->db, report->selection->process_id,
                                   report->selection->is_sample, site.stack_id, &spread, err);
    }
    if (result == 0) {
        result = report_begin_site_row(report, site.stack_id, &stack, err);
    }
    if (result < 0) {
        return result;
    }
    out_ns(out, "time_ns", "time", (int64_t)site.time_ns);
    out_count(out, "timed_count", "timed", (int64_t)spread.timed_count);
    print_time(out, "p50_ns", "p50", spread.p50_ns);
    print_time(out, "p99_ns", "p99", spread.p99_ns);
    print_time(out, "p999_ns", "p99.9", spread.p999_ns);
    print_time(out, "max_ns", "longest", spread.timed_count == 0 ? LATENCY_UNKNOWN : spread.max_ns);
    report_end_site_row(report, &stack);
    return 0;
}

static int print_sites(struct report *report, const struct latencies *latencies, struct err *err)
{
    size_t *places = NULL;
    int count = sites_top(report->sites, SITE_KEY_TIME, report_top(report, 5), &places, err);
    if (count < 0) {
        return count;
    }
    int result = 0;
    out_begin_table(report->out, "latency_sites",
                    "Sites with most time, estimated from their own timed calls alone");
    for (int i = 0; i < count && result == 0; i++) {
        result = print_site(report, latencies, places[i], err);
    }
    out_end_table(report->out);
    free(places);
    return result;
}

static void print_caveats(struct report *report, const struct latencies *latencies)
{
    struct out *out = report->out;
    if (latencies->timed_count == 0 && latencies->call_count > 0) {
        out_note(out, "no call was timed: the recording was completed by 'recover', or has too few "
                      "calls");
        return;
    }
    out_note(out, "one call in 16 is timed of a thread's first 30,000, then one in 64: times are "
                  "estimates, and a longer call than the longest timed may have been missed");
    if (latencies->long_count > 0) {
        out_note(out, "a call longer than 1 ms has probably lost its processor meanwhile: it is in "
                      "the percentiles and the longest, and stands for no other calls");
    }
    out_note(out,
             "a percentile stands where %d timed calls or more lie beyond it: 20 calls for "
             "p50, 1,000 for p99, 10,000 for p99.9",
             LATENCY_BEYOND);
    out_note(out,
             "what reading the clock takes is taken off each timed call; a processor may read it "
             "beside the call, so calls of fewer ns are told too short: hence 'at least' and 'at "
             "most'");
    out_note(out, "the CPU time holds the recorder's own work in the program, so that the share is "
                  "larger without it");
    unsigned long long process_count = latencies->cpu.process_count;
    process_count += latencies->cpu.other_process_count;
    if (latencies->cpu.other_process_count > 0) {
        out_note(out,
                 "the CPU time is not known of %llu of %llu processes, which the share leaves "
                 "out: they were gone before it was read",
                 (unsigned long long)latencies->cpu.other_process_count, process_count);
    }
    if (report->selection->is_sample) {
        out_note(out,
                 "of a sample only the median is told: how many calls lie beyond is not known");
    }
}

int report_print_latency(struct report *report, struct err *err)
{
    struct latencies latencies;
    int result = latencies_load(report->trace->db, report->selection->process_id,
                                report->selection->is_sample, &latencies, err);
    if (result < 0) {
        return result;
    }
    print_totals(report, &latencies);
    print_kinds(report, &latencies);
    result = print_sites(report, &latencies, err);
    print_caveats(report, &latencies);
    latencies_fini(&latencies);
    return result;
}
