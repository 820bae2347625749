/*
 * Whether another allocator or setting could win anything, by the tables alone: what it would win
 * is measured by `allocaudit recommend`, whose own answer stands in this section's place on its
 * page.
 */
#include "report.h"

#include <math.h>
#include <stdio.h>

#include "../advice/evidence.h"

static const char *const verdict_keys[] = {
    [EVIDENCE_ENOUGH] = "open",
    [EVIDENCE_INSUFFICIENT] = "insufficient",
    [EVIDENCE_NOTHING_TO_WIN] = "no_change",
};

/* What of the resident set was not requested, and of the CPU time is the allocator's: no allocator
 * can win more. */
static struct headroom most_of(const struct evidence *evidence)
{
    const struct evidence_heap heap = {.peak_bytes = (double)evidence->rss_peak_bytes,
                                       .mean_bytes = evidence->rss_mean_bytes};
    return evidence_headroom(evidence, &heap);
}

static void print_bytes(struct out *out, const char *key, const char *label, double bytes)
{
    if (bytes > 0) {
        out_bytes(out, key, label, llround(bytes));
    } else {
        out_null(out, key, label);
    }
}

static void print_evidence(struct out *out, const struct evidence *evidence,
                           const struct headroom *most)
{
    print_bytes(out, "rss_peak_bytes", "resident at the peak", (double)evidence->rss_peak_bytes);
    out_percent(out, "peak_headroom_most_pct", "  of the peak not requested", most->peak,
                evidence->rss_peak_bytes > 0);
    print_bytes(out, "rss_mean_bytes", "resident on average", evidence->rss_mean_bytes);
    out_percent(out, "mean_headroom_most_pct", "  of the average not requested", most->mean,
                evidence->rss_mean_bytes > 0);
    if (evidence->cpu_time_ns > 0) {
        out_ns(out, "cpu_time_ns", "CPU time while recorded", (int64_t)evidence->cpu_time_ns);
    } else {
        out_null(out, "cpu_time_ns", "CPU time while recorded");
    }
    out_percent(out, "cpu_headroom_most_pct", "  of it in the allocator, at most", most->cpu,
                evidence->cpu_time_ns > 0);
}

/* Appends it. Returns 0 or -ENOMEM. */
static int word_verdict(int verdict, const struct headroom *most, const char *why, struct str *text)
{
    if (verdict == EVIDENCE_INSUFFICIENT) {
        return str_printf(text, "not known: %s", why);
    }
    if (verdict == EVIDENCE_NOTHING_TO_WIN) {
        return str_printf(text, "no change: %s", why);
    }
    if (headroom_is_none(most)) {
        return str_printf(text,
                          "no change: an allocator that wasted no byte and took no time would save "
                          "less than %.0f %% of memory and of CPU time",
                          100 * ADVICE_HEADROOM_LEAST);
    }
    return str_append(text, "open: what is not requested is also code, files and mappings of the "
                            "program's own; how much of it another allocator or a setting would "
                            "save is measured by the command beneath, by replay");
}

static int print_verdict(struct report *report, const struct evidence *evidence, struct err *err)
{
    struct out *out = report->out;
    struct str text = {0};
    struct str why = {0};
    struct headroom most = most_of(evidence);
    int verdict = evidence_judge(evidence, goal_of(ADVICE_BALANCED), &why);
    int result = verdict < 0 ? verdict : word_verdict(verdict, &most, str_text(&why), &text);
    if (result == 0) {
        bool is_none = verdict == EVIDENCE_ENOUGH && headroom_is_none(&most);
        print_evidence(out, evidence, &most);
        out_text(out, "verdict_key", NULL,
                 verdict_keys[is_none ? (int)EVIDENCE_NOTHING_TO_WIN : verdict]);
        out_text(out, "verdict", "verdict", str_text(&text));
        str_clear(&text);
        result = str_printf(&text, "allocaudit recommend%s", report_file_words(report));
    }
    if (result == 0) {
        bool is_open = verdict == EVIDENCE_ENOUGH && !headroom_is_none(&most);
        out_text(out, "next", is_open ? "next" : NULL, is_open ? str_text(&text) : NULL);
    }
    str_fini(&text);
    str_fini(&why);
    return result < 0 ? err_set_errno(err, -result, "cannot tell what there is to win") : 0;
}

int report_print_recommendation(struct report *report, struct err *err)
{
    struct evidence evidence = {0};
    const struct process_row *process = report_process(report);
    char title[REPORT_TITLE_BYTES];
    /* On the page of `recommend` its own answer stands there, and Go's is in gc-advice. */
    if (report->extra != NULL || process == NULL || report_is_go(report)) {
        return 0;
    }
    int result = evidence_load(report->trace, process, &evidence, err);
    if (result < 0) {
        return result;
    }
    out_begin_section(report->out, "recommendation", report_title(report, "Recommendation", title));
    result = print_verdict(report, &evidence, err);
    out_end_section(report->out);
    return result;
}
