#include "report.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../base/str.h"

/* A value that may not be known is "-", and null in JSON. */
static void print_count(struct out *out, const char *key, const char *label, uint64_t count)
{
    if (count == QUERY_NULL) {
        out_null(out, key, label);
    } else {
        out_count(out, key, label, (int64_t)count);
    }
}

static void print_bytes(struct out *out, const char *key, const char *label, uint64_t bytes)
{
    if (bytes == QUERY_NULL) {
        out_null(out, key, label);
    } else {
        out_bytes(out, key, label, (int64_t)bytes);
    }
}

static void print_ns(struct out *out, const char *key, const char *label, uint64_t ns)
{
    if (ns == QUERY_NULL) {
        out_null(out, key, label);
    } else {
        out_ns(out, key, label, (int64_t)ns);
    }
}

/* Half the width of the 95 % interval of an estimate; nothing where the figure is exact. */
static void print_margin(struct out *out, const char *key, const char *margin_key, uint64_t error,
                         bool is_bytes)
{
    if (error == QUERY_NULL) {
        return;
    }
    int64_t margin = llround(REPORT_MARGIN_ERRORS * (double)error);
    if (is_bytes) {
        out_bytes(out, key, NULL, (int64_t)error);
        out_bytes(out, margin_key, "  ± 95 %", margin);
    } else {
        out_count(out, key, NULL, (int64_t)error);
        out_count(out, margin_key, "  ± 95 %", margin);
    }
}

/* "status 0", "signal 9"; of a process that is not the command itself only the kind of end is
 * known. */
static void print_end(struct out *out, uint64_t status, uint64_t signal, const char *end_kind)
{
    char text[64] = "not known";
    if (signal != QUERY_NULL) {
        (void)snprintf(text, sizeof(text), "killed by signal %u", (unsigned)signal);
    } else if (status != QUERY_NULL) {
        (void)snprintf(text, sizeof(text), "exited with status %u", (unsigned)status);
    } else if (end_kind != NULL) {
        (void)snprintf(text, sizeof(text), "%s", end_kind);
    }
    out_text(out, "end", "ended", text);
    if (status == QUERY_NULL) {
        out_null(out, "exit_status", NULL);
    } else {
        out_number(out, "exit_status", NULL, (int64_t)status);
    }
    if (signal == QUERY_NULL) {
        out_null(out, "exit_signal", NULL);
    } else {
        out_number(out, "exit_signal", NULL, (int64_t)signal);
    }
}

static bool is_first_with_allocator(const struct report *report, size_t index)
{
    const struct process_row *processes = report->trace->processes;
    for (size_t i = 0; i < index; i++) {
        if (strcmp(processes[i].allocator, processes[index].allocator) == 0 &&
            strcmp(processes[i].allocator_version, processes[index].allocator_version) == 0) {
            return false;
        }
    }
    return true;
}

/* "glibc 2.36"; several if the processes differ. */
static void print_allocators(struct report *report)
{
    struct str text = {0};
    int result = 0;
    for (size_t i = 0; i < report->trace->process_count && result == 0; i++) {
        const struct process_row *process = &report->trace->processes[i];
        uint32_t wanted = report->selection->process_id;
        bool is_meant = wanted == 0 ? is_first_with_allocator(report, i) : process->id == wanted;
        if (is_meant) {
            result = str_printf(
                &text, "%s%s%s%s", text.size_bytes > 0 ? ", " : "", process->allocator,
                process->allocator_version[0] != '\0' ? " " : "", process->allocator_version);
        }
    }
    out_text(report->out, "allocator", "allocator", str_text(&text));
    str_fini(&text);
}

static void print_identity(struct report *report)
{
    struct out *out = report->out;
    const struct run_row *run = &report->trace->run;
    const struct process_row *process = trace_process(report->trace, report->selection->process_id);
    if (process != NULL) {
        out_text(out, "command", "command", process->command);
        out_number(out, "process_id", "process", process->id);
        out_number(out, "pid", "pid", process->pid);
        print_end(out, process->exit_status, process->exit_signal, process->end_kind);
    } else {
        out_text(out, "command", "command", run->command);
        print_end(out, run->exit_status, run->exit_signal, NULL);
        out_count(out, "process_count", report->trace->process_count > 1 ? "processes" : NULL,
                  (int64_t)report->trace->process_count);
    }
    out_text(out, "state", trace_is_complete(report->trace) ? NULL : "state", run->state);
    out_moment(out, "started_unix_ns", "started", (int64_t)run->started_unix_ns);
    out_text(out, "host", NULL, run->host);
    out_text(out, "kernel", NULL, run->kernel);
    out_text(out, "libc", NULL, run->libc);
    out_text(out, "tool_version", NULL, run->tool_version);
    out_text(out, "detail", strcmp(run->detail, "full") != 0 ? "detail" : NULL, run->detail);
    if (trace_is_sample(report->trace)) {
        out_bytes(out, "sample_bytes", "sample of 1 in", (int64_t)run->sample_bytes);
    }
    print_allocators(report);
    print_ns(out, "duration_ns", "duration", report->totals.duration_ns);
}

static void forget_allocations(struct totals *totals)
{
    totals->allocation_count = QUERY_NULL;
    totals->free_count = QUERY_NULL;
    totals->allocated_bytes = QUERY_NULL;
    totals->peak_bytes = QUERY_NULL;
    totals->peak_ns = QUERY_NULL;
    totals->leaked_count = QUERY_NULL;
    totals->leaked_bytes = QUERY_NULL;
    totals->allocation_count_stderr = QUERY_NULL;
    totals->allocated_bytes_stderr = QUERY_NULL;
    totals->leaked_count_stderr = QUERY_NULL;
    totals->leaked_bytes_stderr = QUERY_NULL;
}

static void print_whole_figures(struct report *report)
{
    struct out *out = report->out;
    struct totals seen = report->totals;
    const struct totals *totals = &seen;
    bool is_go = report_is_go(report); /* it frees what nobody refers to, later */
    if (!report_has_allocations(report)) {
        forget_allocations(&seen);
    }
    print_count(out, "allocation_count", "allocations", totals->allocation_count);
    print_margin(out, "allocation_count_stderr", "allocation_count_margin",
                 totals->allocation_count_stderr, false);
    print_count(out, "free_count", "frees", totals->free_count);
    print_bytes(out, "allocated_bytes", "allocated", totals->allocated_bytes);
    print_margin(out, "allocated_bytes_stderr", "allocated_bytes_margin",
                 totals->allocated_bytes_stderr, true);
    if (sites_has_key(report->sites, SITE_KEY_TEMPORARY)) {
        uint64_t temporary_count = sites_total(report->sites, SITE_KEY_TEMPORARY);
        out_count(out, "temporary_count", "temporary", (int64_t)temporary_count);
        out_percent(out, "temporary_pct", "temporary share", (double)temporary_count,
                    totals->allocation_count == QUERY_NULL ? 0 : (double)totals->allocation_count);
    }
    print_bytes(out, "peak_bytes", "peak", totals->peak_bytes);
    print_ns(out, "peak_ns", "reached after", totals->peak_ns);
    print_bytes(out, "rss_peak_bytes", "resident peak", totals->rss_peak_bytes);
    print_bytes(out, "leaked_bytes", is_go ? "live at the end" : "leaked", totals->leaked_bytes);
    print_margin(out, "leaked_bytes_stderr", "leaked_bytes_margin", totals->leaked_bytes_stderr,
                 true);
    print_count(out, "leaked_count", is_go ? "in blocks" : "leaked blocks", totals->leaked_count);
    print_margin(out, "leaked_count_stderr", "leaked_count_margin", totals->leaked_count_stderr,
                 false);
    print_count(out, "failed_count", totals->failed_count > 0 ? "failed" : NULL,
                totals->failed_count);
    if (sites_has_key(report->sites, SITE_KEY_TIME)) {
        uint64_t time_ns = sites_total(report->sites, SITE_KEY_TIME);
        out_ns(out, "time_ns", is_go && time_ns == 0 ? NULL : "in the allocator", (int64_t)time_ns);
    }
    print_count(out, "lost_event_count", NULL, totals->lost_event_count);
    print_count(out, "unpaired_free_count", NULL, totals->unpaired_free_count);
    print_count(out, "inherited_free_count", NULL, totals->inherited_free_count);
}

/* What the sites that match sum up to; of the rest nothing is known under a filter. */
static void print_selected_figures(struct report *report)
{
    static const struct {
        enum site_key key;
        const char *name;
        const char *label;
        bool is_bytes;
    } figures[] = {
        {SITE_KEY_COUNT, "allocation_count", "allocations", false},
        {SITE_KEY_BYTES, "allocated_bytes", "allocated", true},
        {SITE_KEY_TEMPORARY, "temporary_count", "temporary", false},
        {SITE_KEY_PEAK, "peak_bytes", "at the peak", true},
        {SITE_KEY_LEAKED, "leaked_bytes", "leaked", true},
        {SITE_KEY_LEAKED_COUNT, "leaked_count", "leaked blocks", false},
    };
    struct out *out = report->out;
    out_count(out, "site_count", "sites", (int64_t)sites_count(report->sites));
    for (size_t i = 0; i < sizeof(figures) / sizeof(figures[0]); i++) {
        if (!sites_has_key(report->sites, figures[i].key)) {
            continue;
        }
        uint64_t value = sites_total(report->sites, figures[i].key);
        if (figures[i].is_bytes) {
            out_bytes(out, figures[i].name, figures[i].label, (int64_t)value);
        } else {
            out_count(out, figures[i].name, figures[i].label, (int64_t)value);
        }
    }
}

int report_print_summary(struct report *report, struct err *err)
{
    (void)err;
    bool is_whole = report_is_whole(report);
    out_begin_section(report->out, "summary", is_whole ? "Summary" : "Summary of the selection");
    print_identity(report);
    if (is_whole) {
        print_whole_figures(report);
    } else {
        print_selected_figures(report);
    }
    out_end_section(report->out);
    return 0;
}

void report_print_hints(struct report *report)
{
    const char *file = report_file_words(report);
    size_t *places = NULL;
    struct err ignored;
    int count = sites_top(report->sites, SITE_KEY_COUNT, 1, &places, &ignored);
    if (count > 0) {
        out_prose(
            report->out,
            "\nNext: allocaudit report sites --stack %u%s    the callers of a site, by its stack "
            "number\n"
            "      allocaudit report sites --sort bytes --top 50%s    more sites, by another key\n"
            "      allocaudit report tree%s    all sites by their callers, from main down",
            sites_stack_id(report->sites, places[0]), file, file, file);
        if (report_is_go(report)) {
            out_prose(
                report->out,
                "      allocaudit recommend%s    what to set and what to pool in a Go program",
                file);
        }
    }
    if (count >= 0) {
        free(places);
    }
}
