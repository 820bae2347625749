#include "trial_report.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "../base/str.h"
#include "trial_page.h"

const struct trial_entry *trial_page_entry(const struct trial_page *page,
                                           const struct candidate *candidate)
{
    const struct trial *trial = page->report->trial;
    for (size_t i = 0; i < trial->entry_count; i++) {
        if (trial->entries[i].candidate == candidate) {
            return &trial->entries[i];
        }
    }
    return NULL;
}

const struct trial_judged *trial_page_judged(const struct trial_page *page,
                                             const struct trial_entry *entry)
{
    for (size_t i = 0; i < page->judged_count; i++) {
        if (page->judged[i].entry == entry) {
            return &page->judged[i];
        }
    }
    return NULL;
}

/* The one with the least of the metric among those that have less than the baseline, or NULL. */
static const struct trial_judged *find_best(const struct trial_page *page, enum metric metric)
{
    const struct trial_judged *best = NULL;
    for (size_t i = 0; i < page->judged_count; i++) {
        const struct trial_judged *judged = &page->judged[i];
        if (judged->comparisons[metric].verdict == VERDICT_LESS &&
            (best == NULL || judged->comparisons[metric].difference.median <
                                 best->comparisons[metric].difference.median)) {
            best = judged;
        }
    }
    return best;
}

/* What to paste. */
static int append_line(const struct trial_settings *settings, const struct candidate *candidate,
                       struct str *line)
{
    int r = candidate_append_command(candidate, settings->command, line);
    if (r == 0 && settings->input != NULL) {
        r = str_append(line, " <");
        r = r == 0 ? str_append_quoted(line, settings->input) : r;
    }
    return r;
}

static int print_best_of(const struct trial_page *page, enum metric metric)
{
    struct out *out = page->out;
    const struct trial_naming *naming = &trial_namings[metric];
    const struct trial_judged *best = find_best(page, metric);
    if (best == NULL) {
        out_null(out, naming->best_candidate, NULL);
        out_null(out, naming->best_command, NULL);
        return 0;
    }

    struct str line = {0};
    char cell[TRIAL_CELL_BYTES];
    char text[256];
    trial_cell_verdict(&best->comparisons[metric], cell);
    snprintf(text, sizeof(text), "%s, %s", best->entry->candidate->label, cell);
    int r = append_line(page->report->trial->settings, best->entry->candidate, &line);
    out_text(out, naming->best_candidate, NULL, best->entry->candidate->label);
    out_text(out, naming->best_command, NULL, str_text(&line));
    out_text(out, NULL, naming->best, text);
    for (enum metric earlier = 0; earlier < metric; earlier++) {
        if (comparison_is_goal(earlier) && find_best(page, earlier) == best) {
            str_clear(&line); /* it has been printed */
        }
    }
    if (r == 0 && line.size_bytes > 0) {
        out_prose(out, "%s", str_text(&line));
    }
    str_fini(&line);
    return r;
}

static void print_none(const struct trial_page *page)
{
    const char *baseline = page->judged[0].entry->candidate->label;
    if (page->judged_count < 2) {
        out_prose(page->out, "nothing was compared with %s", baseline);
    } else if (page->judged[1].verdict == VERDICT_TOO_FEW) {
        out_prose(page->out, "too few rounds to name one that is better than %s", baseline);
    } else {
        out_prose(page->out, "none is better than %s in time or memory", baseline);
    }
}

static int print_best(const struct trial_page *page)
{
    struct out *out = page->out;
    bool has_best = false;
    int r = 0;
    out_begin_section(out, "best", "Best, and the line to run it");
    for (enum metric metric = 0; metric < METRIC_COUNT && r == 0; metric++) {
        if (comparison_is_goal(metric)) {
            has_best |= find_best(page, metric) != NULL;
            r = print_best_of(page, metric);
        }
    }
    if (!has_best) {
        print_none(page);
    }
    out_end_section(out);
    return r;
}

static int print_head(const struct trial_page *page)
{
    struct out *out = page->out;
    const struct trial_report *report = page->report;
    const struct trial_settings *settings = report->trial->settings;
    struct str command = {0};
    char counted[80];
    int r = 0;
    for (size_t i = 0; settings->command[i] != NULL && r == 0; i++) {
        r = i > 0 ? str_append_char(&command, ' ') : 0;
        r = r == 0 ? str_append_quoted(&command, settings->command[i]) : r;
    }
    snprintf(counted, sizeof(counted), "of %g %% or more, if the interval leaves out 0",
             report->threshold_pct);
    out_begin_section(out, "trial", "Trial");
    out_text(out, "command", "command", str_text(&command));
    out_count(out, "round_count", "rounds", (int64_t)report->trial->round_count);
    out_count(out, "wanted_round_count", NULL, (int64_t)settings->round_count);
    out_count(out, "warmup_round_count", "to warm up", (int64_t)settings->warmup_count);
    out_text(out, "baseline", "baseline", report->trial->entries[0].candidate->label);
    out_real(out, "threshold_pct", NULL, report->threshold_pct, OUT_DECIMALS_NEEDED);
    out_text(out, NULL, "differences", counted);
    out_bool(out, "is_interrupted", NULL, report->trial->interrupt != 0);
    out_end_section(out);
    str_fini(&command);
    return r;
}

static void print_notes(const struct trial_page *page)
{
    struct out *out = page->out;
    const struct trial *trial = page->report->trial;
    if (trial->interrupt != 0) {
        out_note(out, "interrupted: %zu of %zu rounds are whole and counted", trial->round_count,
                 trial->settings->round_count);
    }
    if (trial->round_count < INTERVAL_COUNT_MIN) {
        out_note(out,
                 "%zu round%s: too few for an interval, so no difference can be told from chance; "
                 "it takes %d",
                 trial->round_count, trial->round_count == 1 ? "" : "s", INTERVAL_COUNT_MIN);
    }
    for (size_t i = 1; i < page->judged_count; i++) {
        const struct trial_entry *entry = page->judged[i].entry;
        if (entry->output == TRIAL_OUTPUT_DIFFERS) {
            out_note(out,
                     "%s: what the command writes to stdout is not what it writes under %s, which "
                     "is the same in every run",
                     entry->candidate->label, trial->entries[0].candidate->label);
        }
    }
}

/* Fills in those that are not out. */
static int judge(struct trial_page *page, struct err *err)
{
    const struct trial *trial = page->report->trial;
    page->judged = calloc(trial->entry_count, sizeof(*page->judged));
    if (page->judged == NULL) {
        return err_set(err, ENOMEM, "out of memory");
    }
    int r = 0;
    for (size_t i = 0; i < trial->entry_count && r == 0; i++) {
        struct trial_judged *judged = &page->judged[page->judged_count];
        if (trial->entries[i].failure != NULL) {
            continue;
        }
        judged->entry = &trial->entries[i];
        r = trial_compare(trial, i, page->report->threshold_pct, judged->comparisons, err);
        judged->verdict = r == 0 ? comparison_judge(judged->comparisons) : VERDICT_TOO_FEW;
        page->judged_count++;
    }
    return r;
}

int trial_report_print(const struct trial_report *report, struct err *err)
{
    struct trial_page page = {.report = report, .out = report->out};
    int r = judge(&page, err);
    if (r == 0 && print_head(&page) < 0) {
        r = err_set(err, ENOMEM, "out of memory");
    }
    if (r == 0 && out_is_json(report->out)) {
        trial_page_print_json(&page);
    } else if (r == 0) {
        trial_page_print_tables(&page);
    }
    if (r == 0 && print_best(&page) < 0) {
        r = err_set(err, ENOMEM, "out of memory");
    }
    if (r == 0) {
        print_notes(&page);
    }
    free(page.judged);
    return r;
}
