#include <math.h>

#include "trial_page.h"

static void print_metric(const struct trial_page *page, enum metric metric)
{
    struct out *out = page->out;
    const struct trial_naming *naming = &trial_namings[metric];
    out_begin_table(out, naming->table, naming->title);
    for (size_t i = 0; i < page->judged_count; i++) {
        const struct trial_judged *judged = &page->judged[i];
        const struct comparison *comparison = &judged->comparisons[metric];
        char cell[TRIAL_CELL_BYTES];
        out_begin_row(out);
        out_text(out, "candidate", "candidate", judged->entry->candidate->label);
        naming->print(out, "median", "median", llround(comparison->value.median));
        trial_cell_bounds(&comparison->value, naming, cell);
        out_text(out, "bounds", "95 % interval", cell);
        trial_cell_verdict(comparison, cell);
        out_text(out, "difference", "difference", cell);
        if (comparison->verdict != VERDICT_BASELINE) {
            trial_cell_percent_bounds(comparison, cell);
            out_text(out, "difference_bounds", "95 % interval, %", cell);
        }
        out_end_row(out);
    }
    out_end_table(out);
}

static void print_verdicts(const struct trial_page *page)
{
    struct out *out = page->out;
    out_begin_table(out, "verdicts", "Verdict");
    out_column(out, "candidate", "candidate");
    for (enum metric metric = 0; metric < METRIC_COUNT; metric++) {
        if (comparison_is_goal(metric)) {
            out_column(out, trial_namings[metric].verdict, trial_namings[metric].label);
        }
    }
    for (size_t i = 0; i < page->judged_count; i++) {
        const struct trial_judged *judged = &page->judged[i];
        out_begin_row(out);
        out_text(out, "candidate", "candidate", judged->entry->candidate->label);
        for (enum metric metric = 0; metric < METRIC_COUNT && i > 0; metric++) {
            char cell[TRIAL_CELL_BYTES];
            if (comparison_is_goal(metric)) {
                trial_cell_verdict(&judged->comparisons[metric], cell);
                out_text(out, trial_namings[metric].verdict, trial_namings[metric].label, cell);
            }
        }
        out_text(out, "verdict", "verdict", trial_cell_word(judged->verdict));
        out_end_row(out);
    }
    out_end_table(out);
}

static void print_left_out(const struct trial_page *page)
{
    struct out *out = page->out;
    const struct trial_report *report = page->report;
    if (page->judged_count == report->candidates->count) {
        return;
    }
    out_begin_table(out, "left_out", "Left out");
    for (size_t i = 0; i < report->candidates->count; i++) {
        const struct candidate *candidate = &report->candidates->items[i];
        const struct trial_entry *entry = trial_page_entry(page, candidate);
        if (trial_page_judged(page, entry) == NULL) {
            out_begin_row(out);
            out_text(out, "candidate", "candidate", candidate->label);
            out_text(out, "state", "state", entry != NULL ? "failed" : "not installed");
            out_text(out, "reason", "reason", entry != NULL ? entry->failure : candidate->absence);
            out_end_row(out);
        }
    }
    out_end_table(out);
}

void trial_page_print_tables(const struct trial_page *page)
{
    for (enum metric metric = 0; metric < METRIC_COUNT; metric++) {
        print_metric(page, metric);
    }
    print_verdicts(page);
    print_left_out(page);
}
