/*
 * The timeline of one process, as plots for people and as the recorded slices in JSON.
 */
#include "report.h"

#include <stdio.h>
#include <stdlib.h>

#include "../cli/plot.h"
#include "../model/timeline.h"

enum {
    BYTES_LINES = 5,
    RATE_LINES = 3,
    OVERVIEW_LINES = 3,
    PLOT_COLUMNS = 80,
    PLOT_COLUMNS_MAX = 120,
    BIN_COUNT = 64,
};

static int plot(struct report *report, const char *title, const int64_t *values,
                const struct timeline *timeline, bool has_bytes)
{
    unsigned width = out_width_columns(report->out);
    width = width == 0 ? PLOT_COLUMNS : width;
    unsigned lines = has_bytes ? BYTES_LINES : RATE_LINES;
    lines = report->is_overview && lines > OVERVIEW_LINES ? OVERVIEW_LINES : lines;
    const struct plot_settings settings = {
        .width_columns = width > PLOT_COLUMNS_MAX ? PLOT_COLUMNS_MAX : width,
        .height_lines = lines,
        .is_utf8 = term_is_utf8(),
        .has_bytes = has_bytes,
    };
    struct str text = {0};
    int result = plot_timeline(&settings, values, BIN_COUNT, (int64_t)timeline->from_ns,
                               (int64_t)timeline->to_ns, &text);
    if (result == 0 && text.size_bytes > 0) {
        text.text[text.size_bytes - 1] = '\0'; /* out_prose ends the last line itself */
        out_prose(report->out, "  %s\n%s", title, text.text);
    }
    str_fini(&text);
    return result;
}

/* Live bytes, resident bytes, and allocations a second. */
static int plot_all(struct report *report, const struct timeline *timeline)
{
    struct timeline_bin bins[BIN_COUNT];
    int64_t live[BIN_COUNT];
    int64_t resident[BIN_COUNT];
    int64_t rate[BIN_COUNT];
    timeline_fill(timeline, bins, BIN_COUNT);
    double bin_s = (double)(timeline->to_ns - timeline->from_ns) / BIN_COUNT / 1e9;
    for (size_t i = 0; i < BIN_COUNT; i++) {
        live[i] = bins[i].live_bytes;
        resident[i] = bins[i].rss_bytes;
        rate[i] = bin_s > 0 ? (int64_t)(bins[i].allocation_count / bin_s + 0.5) : 0;
    }
    bool has_allocations = report_has_allocations(report);
    int result = has_allocations ? plot(report, "live bytes", live, timeline, true) : 0;
    if (result == 0) {
        result = plot(report, "resident bytes (RSS)", resident, timeline, true);
    }
    if (result == 0 && has_allocations) {
        result = plot(report, "allocations per second", rate, timeline, false);
    }
    return result;
}

static void print_slices(struct out *out, const struct timeline *timeline)
{
    out_begin_list(out, "slices");
    for (size_t i = 0; i < timeline->count; i++) {
        const struct timeline_row *row = &timeline->rows[i];
        out_begin_row(out);
        out_ns(out, "at_ns", NULL, (int64_t)row->at_ns);
        out_ns(out, "width_ns", NULL, (int64_t)row->width_ns);
        out_bytes(out, "live_bytes", NULL, (int64_t)row->live_bytes);
        out_count(out, "live_count", NULL, (int64_t)row->live_count);
        out_count(out, "allocation_count", NULL, (int64_t)row->allocation_count);
        out_bytes(out, "allocated_bytes", NULL, (int64_t)row->allocated_bytes);
        out_count(out, "free_count", NULL, (int64_t)row->free_count);
        if (row->rss_bytes != QUERY_NULL) {
            out_bytes(out, "rss_bytes", NULL, (int64_t)row->rss_bytes);
        } else {
            out_null(out, "rss_bytes", NULL);
        }
        out_end_row(out);
    }
    out_end_list(out);
}

int report_print_timeline(struct report *report, struct err *err)
{
    const struct selection *selection = report->selection;
    const struct process_row *process = report_process(report);
    if (process == NULL) {
        return 0;
    }
    struct timeline timeline;
    int result = timeline_load(report->trace->db, process->id, selection->from_ns, selection->to_ns,
                               &timeline, err);
    if (result < 0) {
        return result;
    }
    char title[REPORT_TITLE_BYTES];
    if (timeline.count > 0 || !report->is_overview) {
        out_begin_section(report->out, "timeline", report_title(report, "Timeline", title));
        out_number(report->out, "process_id", NULL, process->id);
        if (out_is_json(report->out)) {
            print_slices(report->out, &timeline);
        } else {
            result = plot_all(report, &timeline);
        }
        out_end_section(report->out);
    }
    timeline_fini(&timeline);
    return result < 0 ? err_set_errno(err, -result, "cannot draw the timeline") : 0;
}
