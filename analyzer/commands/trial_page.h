/*
 * trial_page.h - what the parts of the report on a trial share: how metrics are called, and the
 * cells of its tables. For trial_*.c alone.
 */
#ifndef ALLOCAUDIT_TRIAL_PAGE_H
#define ALLOCAUDIT_TRIAL_PAGE_H

#include <stddef.h>
#include <stdint.h>

#include "../cli/out.h"
#include "../trial/comparison.h"
#include "../trial/trial.h"
#include "trial_report.h"

/* How a metric is called: in tables, and the keys of its figures in JSON. */
struct trial_naming {
    const char *table;
    const char *title;
    const char *label; /* in a heading; this and what is "best" of goals alone */
    const char *best;
    void (*print)(struct out *out, const char *key, const char *label, int64_t amount);
    const char *value[3]; /* itself, low, high */
    const char *difference[3];
    const char *percent[3];
    const char *verdict;
    const char *best_candidate;
    const char *best_command;
};

extern const struct trial_naming trial_namings[METRIC_COUNT];

/* An entry with its comparisons. */
struct trial_judged {
    const struct trial_entry *entry;
    struct comparison comparisons[METRIC_COUNT];
    enum verdict verdict;
};

struct trial_page {
    const struct trial_report *report;
    struct out *out;
    struct trial_judged *judged; /* those that are not out, the baseline first */
    size_t judged_count;
};

/* The entry of a candidate, or NULL if it is absent. */
const struct trial_entry *trial_page_entry(const struct trial_page *page,
                                           const struct candidate *candidate);

/* That entry if it is not out, or NULL. */
const struct trial_judged *trial_page_judged(const struct trial_page *page,
                                             const struct trial_entry *entry);

void trial_page_print_tables(const struct trial_page *page);
void trial_page_print_json(const struct trial_page *page);

enum {
    TRIAL_CELL_BYTES = 48,
};

const char *trial_cell_word(enum verdict verdict);

/* "[801, 812]", in the unit in which the median is printed; "-" without bounds. */
void trial_cell_bounds(const struct interval *interval, const struct trial_naming *naming,
                       char cell[TRIAL_CELL_BYTES]);

/* "[-13.1, +2.0]": the difference in percent of the baseline. */
void trial_cell_percent_bounds(const struct comparison *comparison, char cell[TRIAL_CELL_BYTES]);

/* "13.8 % less", or the bare word where there is no difference to tell. */
void trial_cell_verdict(const struct comparison *comparison, char cell[TRIAL_CELL_BYTES]);

#endif
