#include <math.h>

#include "trial_page.h"

static void print_interval(struct out *out, const struct trial_naming *naming,
                           const char *const keys[3], const struct interval *interval)
{
    naming->print(out, keys[0], NULL, llround(interval->median));
    if (interval->has_bounds) {
        naming->print(out, keys[1], NULL, llround(interval->low));
        naming->print(out, keys[2], NULL, llround(interval->high));
    } else {
        out_null(out, keys[1], NULL);
        out_null(out, keys[2], NULL);
    }
}

static void print_percents(struct out *out, const struct trial_naming *naming,
                           const struct comparison *comparison)
{
    const struct interval *difference = &comparison->difference;
    const double bound_of_none = (double)NAN;
    out_percent(out, naming->percent[0], NULL, difference->median, comparison->baseline);
    out_percent(out, naming->percent[1], NULL,
                difference->has_bounds ? difference->low : bound_of_none, comparison->baseline);
    out_percent(out, naming->percent[2], NULL,
                difference->has_bounds ? difference->high : bound_of_none, comparison->baseline);
}

static void print_figures(struct out *out, const struct trial_judged *judged)
{
    for (enum metric metric = 0; metric < METRIC_COUNT; metric++) {
        const struct trial_naming *naming = &trial_namings[metric];
        const struct comparison *comparison = &judged->comparisons[metric];
        print_interval(out, naming, naming->value, &comparison->value);
        print_interval(out, naming, naming->difference, &comparison->difference);
        print_percents(out, naming, comparison);
        out_text(out, naming->verdict, NULL, trial_cell_word(comparison->verdict));
    }
    out_text(out, "verdict", NULL, trial_cell_word(judged->verdict));
}

static const char *output_word(const struct trial_entry *entry)
{
    static const char *const words[] = {[TRIAL_OUTPUT_SAME] = "same",
                                        [TRIAL_OUTPUT_DIFFERS] = "differs",
                                        [TRIAL_OUTPUT_VARIES] = "varies"};
    return words[entry->output];
}

static void print_settings(struct out *out, const struct candidate *candidate)
{
    out_begin_list(out, "settings");
    for (size_t i = 0; i < candidate->setting_count; i++) {
        out_begin_row(out);
        out_text(out, "setting", NULL, candidate->settings[i]);
        out_end_row(out);
    }
    out_end_list(out);
}

static void print_candidate(const struct trial_page *page, const struct candidate *candidate)
{
    struct out *out = page->out;
    const struct trial_entry *entry = trial_page_entry(page, candidate);
    const struct trial_judged *judged = trial_page_judged(page, entry);
    out_begin_row(out);
    out_text(out, "candidate", NULL, candidate->label);
    out_text(out, "library", NULL,
             candidate->allocator.path[0] != '\0' ? candidate->allocator.path : NULL);
    out_text(out, "policy", NULL,
             candidate->allocator.policy[0] != '\0' ? candidate->allocator.policy : NULL);
    print_settings(out, candidate);
    out_text(out, "state", NULL,
             judged != NULL  ? "measured"
             : entry != NULL ? "failed"
                             : "not installed");
    out_text(out, "reason", NULL, entry != NULL ? entry->failure : candidate->absence);
    if (judged != NULL) {
        out_text(out, "output", NULL, output_word(judged->entry));
        print_figures(out, judged);
    }
    out_end_row(out);
}

static void print_run(struct out *out, size_t round, const struct trial_entry *entry)
{
    const struct measurement *run = &entry->runs[round];
    out_begin_row(out);
    out_number(out, "round", NULL, (int64_t)round + 1);
    out_text(out, "candidate", NULL, entry->candidate->label);
    out_ns(out, "wall_ns", NULL, (int64_t)run->wall_ns);
    out_ns(out, "user_ns", NULL, (int64_t)run->user_ns);
    out_ns(out, "system_ns", NULL, (int64_t)run->system_ns);
    out_bytes(out, "peak_rss_bytes", NULL, (int64_t)run->peak_rss_bytes);
    out_count(out, "minor_fault_count", NULL, (int64_t)run->minor_fault_count);
    out_count(out, "major_fault_count", NULL, (int64_t)run->major_fault_count);
    out_count(out, "voluntary_switch_count", NULL, (int64_t)run->voluntary_switch_count);
    out_count(out, "involuntary_switch_count", NULL, (int64_t)run->involuntary_switch_count);
    out_end_row(out);
}

void trial_page_print_json(const struct trial_page *page)
{
    struct out *out = page->out;
    const struct trial_report *report = page->report;
    out_begin_table(out, "candidates", NULL);
    for (size_t i = 0; i < report->candidates->count; i++) {
        print_candidate(page, &report->candidates->items[i]);
    }
    out_end_table(out);
    out_begin_table(out, "runs", NULL);
    for (size_t round = 0; round < report->trial->round_count; round++) {
        for (size_t i = 0; i < page->judged_count; i++) {
            print_run(out, round, page->judged[i].entry);
        }
    }
    out_end_table(out);
}
