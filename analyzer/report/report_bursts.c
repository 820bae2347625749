/*
 * How evenly a process allocates over time.
 */
#include "report.h"

#include <math.h>
#include <stdio.h>

#include "../analyses/bursts.h"

static const char *judge(const struct bursts *bursts)
{
    if (isnan(bursts->dispersion)) {
        return "too short to tell";
    }
    if (bursts->half_share <= 0.05) {
        return "bursts: half of the allocations fall into a twentieth of the time";
    }
    return bursts->half_share <= 0.25
               ? "uneven: half of the allocations fall into a quarter of the "
                 "time"
               : "even";
}

int report_print_bursts(struct report *report, struct err *err)
{
    struct out *out = report->out;
    const struct process_row *process = report_process(report);
    struct bursts bursts = {.dispersion = NAN};
    char title[REPORT_TITLE_BYTES];
    if (report->selection->is_sample) {
        out_note(out, "section 'bursts' needs every allocation: a sample makes bursts of its own");
        return 0;
    }
    int result = process == NULL ? 0 : bursts_load(report->trace->db, process->id, &bursts, err);
    if (result < 0) {
        return result;
    }
    double seconds = (double)bursts.width_ns / 1e9;
    out_begin_section(out, "bursts", report_title(report, "Allocations over time", title));
    out_count(out, "slice_count", "slices of time", (int64_t)bursts.slice_count);
    out_ns(out, "width_ns", "  each", (int64_t)bursts.width_ns);
    out_percent(out, "idle_pct", "  without an allocation", (double)bursts.idle_count,
                (double)bursts.slice_count);
    if (bursts.slice_count > 0) {
        out_real(out, "mean_per_s", "allocations per second, mean", bursts.mean / seconds, 0);
        out_real(out, "most_per_s", "  in the busiest slice", (double)bursts.most_count / seconds,
                 0);
        out_ns(out, "most_at_ns", "  at", (int64_t)bursts.most_at_ns);
        out_real(out, "most_by_mean", "  times the mean", (double)bursts.most_count / bursts.mean,
                 1);
        out_percent(out, "half_share_pct", "half of them fall into", bursts.half_share, 1);
    }
    out_real(out, "dispersion", "index of dispersion (1: at random)", bursts.dispersion, 1);
    out_text(out, "verdict", "verdict", judge(&bursts));
    out_end_section(out);
    return 0;
}
