/*
 * What calloc clears, and what alignment costs.
 */
#include "report.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "../analyses/alignments.h"
#include "../analyses/latencies.h"
#include "../analyses/zeroing.h"

/* ---- zeroing -----------------------------------------------------------------------------------
 */

enum {
    TIMED_LEAST = 100, /* calls of either kind, for a mean that says something */
};

/* Of calloc and malloc. */
struct call_means {
    double mean_ns[2];   /* not a number where none was timed */
    double stderr_ns[2]; /* of the mean */
    uint64_t timed_count[2];
};

static int find_means(struct report *report, struct call_means *means, struct err *err)
{
    static const char *const kinds[2] = {"calloc", "malloc"};
    const struct process_row *process = report_process(report);
    struct latencies latencies;
    *means = (struct call_means){.mean_ns = {NAN, NAN}};
    if (process == NULL) {
        return 0;
    }
    int result = latencies_load(report->trace->db, process->id, false, &latencies, err);
    if (result < 0) {
        return result;
    }
    for (size_t i = 0; i < latencies.kind_count; i++) {
        for (size_t j = 0; j < 2; j++) {
            if (strcmp(latencies.kinds[i].kind, kinds[j]) == 0) {
                const struct kind_latency *kind = &latencies.kinds[i];
                means->mean_ns[j] = kind->mean_ns;
                means->stderr_ns[j] = kind->time_stderr_ns / (double)kind->call_count;
                means->timed_count[j] = kind->spread.timed_count;
            }
        }
    }
    latencies_fini(&latencies);
    return 0;
}

static void print_mean(struct out *out, const char *key, const char *label, double mean_ns)
{
    if (isnan(mean_ns)) {
        out_null(out, key, label);
    } else {
        out_ns(out, key, label, llround(mean_ns));
    }
}

static bool means_are_known(const struct call_means *means)
{
    return means->timed_count[0] >= TIMED_LEAST && means->timed_count[1] >= TIMED_LEAST;
}

/* What all calls of calloc took longer than as many of malloc, give or take how they scatter. */
static void print_extra(struct out *out, const struct call_means *means, double calloc_count)
{
    static const char *const labels[2] = {"all calls of calloc took longer by", "  ± 95 %"};
    if (means_are_known(means)) {
        double error_ns = hypot(means->stderr_ns[0], means->stderr_ns[1]);
        out_ns(out, "extra_ns", labels[0],
               llround((means->mean_ns[0] - means->mean_ns[1]) * calloc_count));
        out_ns(out, "extra_margin_ns", labels[1],
               llround(REPORT_MARGIN_ERRORS * error_ns * calloc_count));
    } else {
        out_null(out, "extra_ns", labels[0]);
        out_null(out, "extra_margin_ns", labels[1]);
    }
}

static int print_zeroing(struct report *report, const struct zeroing *zeroing, struct err *err)
{
    struct out *out = report->out;
    struct call_means means;
    char title[REPORT_TITLE_BYTES];
    int result = find_means(report, &means, err);
    if (result < 0) {
        return result;
    }
    uint64_t cleared_bytes = zeroing->calloc_bytes - zeroing->fresh_bytes;
    uint64_t other_count = zeroing->allocation_count - zeroing->calloc_count;
    out_begin_section(out, "zeroing", report_title(report, "Zeroing by calloc", title));
    out_count(out, "calloc_count", "calls of calloc", (int64_t)zeroing->calloc_count);
    out_percent(out, "calloc_pct", "  of all allocations", (double)zeroing->calloc_count,
                (double)zeroing->allocation_count);
    out_bytes(out, "calloc_bytes", "bytes", (int64_t)zeroing->calloc_bytes);
    out_bytes(out, "fresh_bytes", "  in fresh pages, at least", (int64_t)zeroing->fresh_bytes);
    out_bytes(out, "cleared_bytes", "  to be cleared, at most", (int64_t)cleared_bytes);
    print_mean(out, "calloc_mean_ns", "a timed calloc takes, on average", means.mean_ns[0]);
    out_real(out, "calloc_mean_bytes", "  of so many bytes",
             (double)zeroing->calloc_bytes / (double)zeroing->calloc_count, 0);
    print_mean(out, "malloc_mean_ns", "a timed malloc", means.mean_ns[1]);
    out_real(out, "other_mean_bytes", "  of so many bytes, as all but calloc",
             (double)(zeroing->allocated_bytes - zeroing->calloc_bytes) / (double)other_count, 0);
    print_extra(out, &means, (double)zeroing->calloc_count);
    out_end_section(out);
    if (!means_are_known(&means)) {
        out_note(out, "fewer than 100 calls of calloc or malloc were timed: what clearing took is "
                      "not told");
    }
    return 0;
}

static int print_zeroing_site(struct report *report, const struct zeroing_site *site,
                              struct err *err)
{
    struct out *out = report->out;
    struct call_stack stack;
    int result = report_begin_site_row(report, site->stack_id, &stack, err);
    if (result < 0) {
        return result;
    }
    out_count(out, "calloc_count", "calls", (int64_t)site->calloc_count);
    out_bytes(out, "calloc_bytes", "bytes", (int64_t)site->calloc_bytes);
    out_bytes(out, "fresh_bytes", "in fresh pages", (int64_t)site->fresh_bytes);
    out_bytes(out, "cleared_bytes", "to be cleared",
              (int64_t)(site->calloc_bytes - site->fresh_bytes));
    report_end_site_row(report, &stack);
    return 0;
}

int report_print_zeroing(struct report *report, struct err *err)
{
    if (report->state == NULL) {
        report_note_no_calls(report, "zeroing");
        return 0;
    }
    const struct zeroing *zeroing = zeroing_of(report->state);
    int result = print_zeroing(report, zeroing, err);
    size_t limit = report_top(report, 5);
    out_begin_table(report->out, "zeroing_sites", "Where, by bytes to be cleared");
    for (size_t i = 0; i < zeroing->site_count && i < limit && result == 0; i++) {
        result = print_zeroing_site(report, &zeroing->sites[i], err);
    }
    out_end_table(report->out);
    return result;
}

/* ---- alignment ---------------------------------------------------------------------------------
 */

static void print_alignments(struct report *report, const struct alignments *alignments)
{
    struct out *out = report->out;
    const struct process_row *process = report_process(report);
    uint64_t asked_count = 0;
    char title[REPORT_TITLE_BYTES];
    for (unsigned i = 0; i < ALIGNMENT_CLASSES; i++) {
        asked_count += alignments->asked[i].allocation_count;
    }
    double peak_bytes = process != NULL ? (double)process->peak_bytes : 0;
    out_begin_section(out, "alignment", report_title(report, "Cost of alignment", title));
    out_count(out, "asked_count", "allocations that ask for one", (int64_t)asked_count);
    out_percent(out, "asked_pct", "  of all", (double)asked_count,
                (double)alignments->allocation_count);
    out_count(out, "peak_count", "blocks live at the peak", (int64_t)alignments->peak_count);
    out_bytes(out, "peak_padding_bytes", "  their padding",
              (int64_t)alignments->peak_padding_bytes);
    out_bytes(out, "peak_by_8_bytes", "  saved if multiples of 8 sufficed",
              (int64_t)alignments->peak_by_8_bytes);
    out_percent(out, "peak_by_8_pct", "  of the peak", (double)alignments->peak_by_8_bytes,
                peak_bytes);
    out_end_section(out);
}

int report_print_alignment(struct report *report, struct err *err)
{
    struct out *out = report->out;
    (void)err;
    if (report->state == NULL) {
        report_note_no_calls(report, "alignment");
        return 0;
    }
    const struct alignments *alignments = alignments_of(report->state);
    print_alignments(report, alignments);
    out_begin_table(out, "alignment_classes", "Alignments asked for");
    for (unsigned i = 0; i < ALIGNMENT_CLASSES; i++) {
        const struct alignment_class *class = &alignments->asked[i];
        if (class->allocation_count > 0) {
            out_begin_row(out);
            out_bytes(out, "alignment", "a multiple of", INT64_C(1) << i);
            out_count(out, "allocation_count", "allocations", (int64_t) class->allocation_count);
            out_bytes(out, "allocated_bytes", "allocated", (int64_t) class->allocated_bytes);
            out_bytes(out, "padding_bytes", "padding", (int64_t) class->padding_bytes);
            out_percent(out, "padding_pct", "of it", (double)class->padding_bytes,
                        (double)(class->allocated_bytes + class->padding_bytes));
            out_end_row(out);
        }
    }
    out_end_table(out);
    return 0;
}
