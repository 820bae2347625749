/*
 * Pool-able sizes: by size class, by site and size, what a pool would save, and in plain words
 * whether that is worth it.
 */
#include "pools_page.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../analyses/latencies.h"
#include "../analyses/pool_bytes.h"

/* ---- what comes first -------------------------------------------------------------------------
 */

static double rank_of(const struct ranked_group *ranked)
{
    return isnan(ranked->gain.time_ns) ? (double)ranked->group->allocation_count
                                       : ranked->gain.time_ns;
}

static int compare_groups(const void *left, const void *right)
{
    const struct ranked_group *a = left;
    const struct ranked_group *b = right;
    bool is_worthy = a->gain.verdict == POOL_IS_WORTH_IT;
    if (is_worthy != (b->gain.verdict == POOL_IS_WORTH_IT)) {
        return is_worthy ? -1 : 1;
    }
    if (rank_of(a) != rank_of(b)) {
        return rank_of(a) > rank_of(b) ? -1 : 1;
    }
    if (a->group->stack_id != b->group->stack_id) {
        return a->group->stack_id < b->group->stack_id ? -1 : 1;
    }
    return (a->group->slot_bytes > b->group->slot_bytes) -
           (a->group->slot_bytes < b->group->slot_bytes);
}

static int rank_groups(struct pools_page *page, struct err *err)
{
    const struct pooling *pooling = page->pooling;
    page->sites = calloc(pooling->site_count + 1, sizeof(*page->sites));
    if (page->sites == NULL) {
        return err_set_errno(err, ENOMEM, "cannot rank sites");
    }
    for (size_t i = 0; i < pooling->site_count; i++) {
        const struct pool_group *group = &pooling->sites[i];
        page->sites[i] = (struct ranked_group){
            .group = group, .gain = pool_gain_of(pooling, group, &page->yardstick)};
    }
    for (size_t i = 0; i < POOLING_CLASSES; i++) {
        const struct pool_group *group = &pooling->classes[i];
        if (group->allocation_count > 0) {
            page->classes[page->class_count++] = (struct ranked_group){
                .group = group, .gain = pool_gain_of(pooling, group, &page->yardstick)};
        }
    }
    qsort(page->sites, pooling->site_count, sizeof(*page->sites), compare_groups);
    qsort(page->classes, page->class_count, sizeof(*page->classes), compare_groups);
    return 0;
}

/* Columns that a narrower terminal leaves out; JSON has them all. */
enum {
    WIDE_COLUMNS = 140,
    MIDDLE_COLUMNS = 112,
    NARROW_COLUMNS = 96,
};

static void print_saving(struct out *out, const char *key, const char *label, double time_ns)
{
    if (isnan(time_ns)) {
        out_null(out, key, label);
    } else {
        out_ns(out, key, label, llround(time_ns));
    }
}

static void print_gain(struct pools_page *page, const struct pool_gain *gain)
{
    struct out *out = page->report->out;
    bool has_costs = page->yardstick.costs != NULL;
    print_saving(out, "saved_ns", has_costs ? "saves" : NULL, gain->time_ns);
    print_saving(out, "saved_low_ns", NULL, gain->time_low_ns);
    print_saving(out, "saved_high_ns", NULL, gain->time_high_ns);
    print_saving(out, "saved_most_ns", has_costs ? NULL : "saves at most", gain->time_most_ns);
    if (page->yardstick.cpu_time_ns > 0) {
        out_percent(out, has_costs ? "saved_cpu_pct" : "saved_most_cpu_pct",
                    report_label_from(page->report, MIDDLE_COLUMNS, "of CPU"),
                    has_costs ? gain->time_ns : gain->time_most_ns,
                    (double)page->yardstick.cpu_time_ns);
    }
    print_saving(out, "saved_beside_stock_ns", has_costs ? "vs stock" : NULL, gain->stock_time_ns);
    out_bytes(out, "saved_peak_bytes", "at peak", gain->peak_bytes);
    if (gain->compact_stock != NULL) {
        out_bytes(out, "saved_peak_beside_stock_bytes", "vs stock", gain->stock_peak_bytes);
        out_text(out, "compact_stock", NULL, gain->compact_stock->name);
    } else {
        const char *label = page->report->pair_costs != NULL ? "vs stock" : NULL;
        out_null(out, "saved_peak_beside_stock_bytes", label);
        out_null(out, "compact_stock", NULL);
    }
}

static void print_group(struct pools_page *page, const struct ranked_group *ranked)
{
    struct out *out = page->report->out;
    const struct pool_group *group = ranked->group;
    const char *p50_label = report_label_from(page->report, WIDE_COLUMNS, "life p50");
    const char *p99_label = report_label_from(page->report, WIDE_COLUMNS, "p99");
    out_count(out, "allocation_count",
              report_label_from(page->report, NARROW_COLUMNS, "allocations"),
              (int64_t)group->allocation_count);
    out_count(out, "live_count_max", report_label_from(page->report, MIDDLE_COLUMNS, "most live"),
              (int64_t)group->live_count_max);
    out_real(out, "turnover", report_label_from(page->report, WIDE_COLUMNS, "turnover"),
             pool_group_turnover(group), 1);
    if (group->free_count > 0) {
        out_ns(out, "lifetime_mean_ns", NULL,
               (int64_t)(group->lifetime_sum_ns / group->free_count));
        out_ns(out, "lifetime_p50_ns", p50_label, (int64_t)pool_group_lifetime_ns(group, 0.5));
        out_ns(out, "lifetime_p99_ns", p99_label, (int64_t)pool_group_lifetime_ns(group, 0.99));
    } else {
        out_null(out, "lifetime_mean_ns", NULL);
        out_null(out, "lifetime_p50_ns", p50_label);
        out_null(out, "lifetime_p99_ns", p99_label);
    }
    out_percent(out, "remote_free_pct", report_label_from(page->report, WIDE_COLUMNS, "remote"),
                (double)group->remote_free_count, (double)group->free_count);
    out_percent(out, "resized_pct", NULL, (double)group->resized_count,
                (double)group->allocation_count);
    print_gain(page, &ranked->gain);
    out_text(out, "verdict", NULL, pools_verdict_key(ranked->gain.verdict));
    out_text(out, "verdict_text", "a pool", pools_verdict_word(&ranked->gain));
}

static void print_classes(struct pools_page *page)
{
    struct out *out = page->report->out;
    out_begin_table(out, "pool_sizes", "By size class, over all sites");
    size_t limit = report_top(page->report, 5);
    page->class_rows = limit < page->class_count ? limit : page->class_count;
    for (size_t i = 0; i < page->class_rows; i++) {
        out_begin_row(out);
        out_number(out, "slot_bytes", "up to bytes", page->classes[i].group->slot_bytes);
        print_group(page, &page->classes[i]);
        out_end_row(out);
    }
    out_end_table(out);
}

static int print_sites(struct pools_page *page, struct err *err)
{
    struct report *report = page->report;
    size_t limit = report_top(report, 5);
    int result = 0;
    out_begin_table(report->out, "pool_sites", "By site and size");
    page->site_rows = limit < page->pooling->site_count ? limit : page->pooling->site_count;
    for (size_t i = 0; i < page->site_rows && result == 0; i++) {
        struct call_stack stack;
        result = report_begin_site_row(report, page->sites[i].group->stack_id, &stack, err);
        if (result == 0) {
            out_number(report->out, "size_bytes", "bytes",
                       (int64_t)page->sites[i].group->size_bytes);
            print_group(page, &page->sites[i]);
            report_end_site_row(report, &stack);
        }
    }
    out_end_table(report->out);
    return result;
}

/* ---- the section -------------------------------------------------------------------------------
 */

static int find_yardstick(struct pools_page *page, struct err *err)
{
    struct latencies latencies;
    const struct process_row *process = page->process;
    int result = latencies_load(page->report->trace->db, process->id, false, &latencies, err);
    if (result < 0) {
        return result;
    }
    double most_ns = latencies_most_ns(&latencies);
    bool is_known = latencies.timed_count > 0 && process->allocation_count > 0;
    page->yardstick = (struct pool_yardstick){
        .costs = page->report->pair_costs,
        .pair_most_ns = is_known ? most_ns / (double)process->allocation_count : 0,
        .cpu_time_ns = latencies.cpu.cpu_time_ns,
        .peak_bytes = process->peak_bytes,
        .header_bytes = pool_header_bytes(process->allocator),
    };
    latencies_fini(&latencies);
    return 0;
}

int report_print_pools(struct report *report, struct err *err)
{
    struct pools_page page = {.report = report, .process = report_process(report)};
    if (!report_has_calls(report) || page.process == NULL) {
        report_note_no_calls(report, "pools");
        return 0;
    }
    page.pooling = pooling_of(report->state);
    int result = find_yardstick(&page, err);
    if (result == 0) {
        result = rank_groups(&page, err);
    }
    if (result == 0) {
        pools_print_summary(&page);
        if (page.yardstick.costs != NULL) {
            pools_print_costs(&page);
        }
        print_classes(&page);
        result = print_sites(&page, err);
        pools_print_notes(&page);
    }
    free(page.sites);
    return result;
}
