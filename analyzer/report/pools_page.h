/*
 * pools_page.h - for the files of the section 'pools' alone: what is shown, and its words.
 */
#ifndef ALLOCAUDIT_POOLS_PAGE_H
#define ALLOCAUDIT_POOLS_PAGE_H

#include "../analyses/pool_gain.h"
#include "../analyses/pooling.h"
#include "report.h"

/* A group with its gain. */
struct ranked_group {
    const struct pool_group *group;
    struct pool_gain gain;
};

struct pools_page {
    struct report *report;
    const struct process_row *process;
    const struct pooling *pooling;
    struct pool_yardstick yardstick;
    struct ranked_group *sites; /* most to save first */
    struct ranked_group classes[POOLING_CLASSES];
    size_t class_count;
    size_t site_rows; /* shown */
    size_t class_rows;
};

/* The verdict in a row, and the same in JSON. */
const char *pools_verdict_word(const struct pool_gain *gain);
const char *pools_verdict_key(enum pool_verdict verdict);

/* What was measured of each allocator: time, and memory. */
void pools_print_costs(struct pools_page *page);

/* What all small blocks would take at the peak on that allocator; as recorded on the one in use. */
double pools_peak_bytes_on(const struct pools_page *page, const struct pair_cost_row *row);

/* The verdict of the whole: totals before the tables, and notes behind them. */
void pools_print_summary(struct pools_page *page);
void pools_print_notes(struct pools_page *page);

#endif
