/*
 * The tables of a comparison that are not about sites: provenance, totals, histograms, counters.
 */
#include "diff_report.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>

#include "../model/class_pairs.h"

/* Commands are long: each has a line of its own. */
static void print_values(struct out *out, const struct provenance_row *row)
{
    static const char *const labels[SIDE_COUNT] = {[SIDE_OLD] = "old", [SIDE_NEW] = "new"};
    out_begin_list(out, "values");
    for (unsigned side = 0; side < SIDE_COUNT; side++) {
        out_begin_row(out);
        out_aside(out, "side", "", labels[side]);
        out_text(out, "value", "", row->values[side]);
        out_end_row(out);
    }
    out_end_list(out);
}

void diff_print_provenance(struct diff *diff)
{
    struct out *out = diff->out;
    const struct provenance *provenance = &diff->provenance;
    if (provenance->count == 0 && !out_is_json(out)) {
        return;
    }
    out_begin_table(out, "provenance", "The recordings differ in more than what is compared");
    for (size_t i = 0; i < provenance->count; i++) {
        const struct provenance_row *row = &provenance->rows[i];
        out_begin_row(out);
        out_text(out, "what", "what", row->what);
        out_text(out, "effect", "what that does", row->effect);
        if (out_is_json(out)) {
            out_text(out, "old", NULL, row->values[SIDE_OLD]);
            out_text(out, "new", NULL, row->values[SIDE_NEW]);
        } else {
            print_values(out, row);
        }
        out_end_row(out);
    }
    out_end_table(out);
}

/* One line of the totals. */
struct total {
    const char *key;
    const char *label;
    enum out_unit unit;
    uint64_t values[SIDE_COUNT]; /* QUERY_NULL: not known */
    double margin;               /* of the change; 0: none */
};

static void print_total(struct diff *diff, const struct total *total)
{
    struct out *out = diff->out;
    uint64_t old_value = total->values[SIDE_OLD];
    uint64_t new_value = total->values[SIDE_NEW];
    bool is_known = old_value != QUERY_NULL && new_value != QUERY_NULL;
    bool is_nothing =
        (old_value == 0 || old_value == QUERY_NULL) && (new_value == 0 || new_value == QUERY_NULL);
    if (is_nothing && !out_is_json(out)) {
        return;
    }
    out_begin_row(out);
    out_text(out, "figure", NULL, total->key);
    out_text(out, NULL, "figure", total->label);
    for (unsigned side = 0; side < SIDE_COUNT; side++) {
        const char *key = side == SIDE_OLD ? "old" : "new";
        if (total->values[side] == QUERY_NULL) {
            out_null(out, key, key);
        } else {
            out_figure(out, key, key, total->unit, (int64_t)total->values[side]);
        }
    }
    if (is_known) {
        int64_t change = (int64_t)new_value - (int64_t)old_value;
        out_change(out, "change", "change", total->unit, change);
        out_percent_change(out, "change_pct", "%", (double)change, (double)old_value);
        if (total->margin > 0) {
            out_figure(out, "margin", "± 95 %", total->unit, llround(total->margin));
            bool is_chance = change != 0 && fabs((double)change) <= total->margin;
            out_text(out, "state", "", is_chance ? "chance" : "");
        }
    } else {
        out_null(out, "change", "change");
        out_null(out, "change_pct", "%");
    }
    out_end_row(out);
}

/* A figure of the table `run` or `process`. */
static void print_run_total(struct diff *diff, const char *key, const char *label,
                            enum out_unit unit, size_t offset, enum site_key sampled_as)
{
    struct total total = {.key = key, .label = label, .unit = unit};
    for (unsigned side = 0; side < SIDE_COUNT; side++) {
        total.values[side] = *(const uint64_t *)((const char *)&diff->totals[side] + offset);
    }
    if (sampled_as != SITE_KEY_COUNT_ALL) {
        total.margin = site_pair_margin(diff->matched.totals, sampled_as);
    }
    print_total(diff, &total);
}

/* A figure that only sites have, summed. */
static void print_site_total(struct diff *diff, const char *key, const char *label,
                             enum site_key of)
{
    if ((diff->matched.key_set & SITE_KEY_BIT(of)) == 0) {
        return;
    }
    struct total total = {.key = key, .label = label, .unit = diff_key_of(of)->unit};
    for (unsigned side = 0; side < SIDE_COUNT; side++) {
        total.values[side] = diff->matched.totals[side].values[of];
    }
    print_total(diff, &total);
}

static void print_path_total(struct diff *diff)
{
    struct total total = {.key = "site_count", .label = "sites", .unit = OUT_UNIT_COUNT};
    for (size_t i = 0; i < diff->matched.count; i++) {
        for (unsigned side = 0; side < SIDE_COUNT; side++) {
            total.values[side] += diff->matched.pairs[i].sides[side].stack_count > 0 ? 1 : 0;
        }
    }
    print_total(diff, &total);
}

static void print_trace_total(struct diff *diff, const char *key, const char *label,
                              size_t old_count, size_t new_count)
{
    const struct total total = {.key = key,
                                .label = label,
                                .unit = OUT_UNIT_COUNT,
                                .values = {[SIDE_OLD] = old_count, [SIDE_NEW] = new_count}};
    print_total(diff, &total);
}

#define RUN_TOTAL(diff, label, unit, column, sampled_as)                                           \
    print_run_total(diff, #column, label, unit, offsetof(struct totals, column), sampled_as)

void diff_print_totals(struct diff *diff)
{
    const struct trace *old_trace = diff->sides[SIDE_OLD].trace;
    const struct trace *new_trace = diff->sides[SIDE_NEW].trace;
    const enum site_key exact = SITE_KEY_COUNT_ALL;
    out_begin_table(diff->out, "totals", "Totals");
    RUN_TOTAL(diff, "allocations", OUT_UNIT_COUNT, allocation_count, SITE_KEY_COUNT);
    RUN_TOTAL(diff, "frees", OUT_UNIT_COUNT, free_count, exact);
    RUN_TOTAL(diff, "allocated", OUT_UNIT_BYTES, allocated_bytes, SITE_KEY_BYTES);
    RUN_TOTAL(diff, "peak", OUT_UNIT_BYTES, peak_bytes, exact);
    RUN_TOTAL(diff, "blocks never freed", OUT_UNIT_COUNT, leaked_count, SITE_KEY_LEAKED_COUNT);
    RUN_TOTAL(diff, "bytes never freed", OUT_UNIT_BYTES, leaked_bytes, SITE_KEY_LEAKED);
    print_site_total(diff, "temporary_count", "temporary", SITE_KEY_TEMPORARY);
    print_site_total(diff, "large_short_lived_bytes", "large, short-lived", SITE_KEY_LARGE);
    print_site_total(diff, "realloc_count", "reallocs", SITE_KEY_REALLOC);
    print_site_total(diff, "realloc_moved_bytes", "copied by realloc", SITE_KEY_MOVED);
    RUN_TOTAL(diff, "failed", OUT_UNIT_COUNT, failed_count, exact);
    print_path_total(diff);
    if (!diff_has_margins(diff)) { /* of a sample too few calls are timed */
        print_site_total(diff, "time_ns", "time in the allocator", SITE_KEY_TIME);
    }
    RUN_TOTAL(diff, "largest RSS", OUT_UNIT_BYTES, rss_peak_bytes, exact);
    RUN_TOTAL(diff, "duration", OUT_UNIT_NS, duration_ns, exact);
    print_trace_total(diff, "process_count", "processes", old_trace->process_count,
                      new_trace->process_count);
    if (!diff_has_import(diff)) {
        print_trace_total(diff, "thread_count", "threads", old_trace->thread_count,
                          new_trace->thread_count);
    }
    RUN_TOTAL(diff, "lost events", OUT_UNIT_COUNT, lost_event_count, exact);
    RUN_TOTAL(diff, "unpaired frees", OUT_UNIT_COUNT, unpaired_free_count, exact);
    out_end_table(diff->out);
}

static void print_class_figures(struct out *out, const struct class_pair *pair)
{
    int64_t change = class_pair_change(pair);
    out_count(out, "old", "old", (int64_t)pair->values[SIDE_OLD]);
    out_count(out, "new", "new", (int64_t)pair->values[SIDE_NEW]);
    out_change(out, "change", "change", OUT_UNIT_COUNT, change);
    out_percent_change(out, "change_pct", "%", (double)change, (double)pair->values[SIDE_OLD]);
}

static void print_size(struct out *out, const struct class_pair *pair)
{
    char range[64];
    if (pair->min == pair->end) {
        (void)snprintf(range, sizeof(range), "%" PRIu64, pair->min);
    } else {
        (void)snprintf(range, sizeof(range), "%" PRIu64 "-%" PRIu64, pair->min, pair->end);
    }
    out_text(out, NULL, "bytes requested", range);
    out_number(out, "size_min_bytes", NULL, (int64_t)pair->min);
    out_number(out, "size_max_bytes", NULL, (int64_t)pair->end);
}

static void print_lifetime(struct out *out, const struct class_pair *pair)
{
    out_ns(out, "lifetime_min_ns", "from", (int64_t)pair->min);
    if (pair->end == UINT64_MAX) {
        out_null(out, "lifetime_end_ns", "to below");
    } else {
        out_ns(out, "lifetime_end_ns", "to below", (int64_t)pair->end);
    }
}

static void print_counter(struct out *out, const struct class_pair *pair)
{
    out_text(out, "name", "name", pair->name);
}

typedef void class_head(struct out *out, const struct class_pair *pair);

/* In JSON all rows, so that histograms are whole. */
static void print_class_table(struct diff *diff, const char *key, const char *title,
                              const struct class_pairs *pairs, size_t limit, class_head *print_head)
{
    struct out *out = diff->out;
    if ((pairs->count == 0 || limit == 0) && !out_is_json(out)) {
        return;
    }
    out_begin_table(out, key, title);
    for (size_t i = 0; i < pairs->count && (i < limit || out_is_json(out)); i++) {
        out_begin_row(out);
        print_head(out, &pairs->rows[i]);
        print_class_figures(out, &pairs->rows[i]);
        out_end_row(out);
    }
    out_end_table(out);
}

int diff_print_classes(struct diff *diff, struct err *err)
{
    struct class_pairs sizes = {0};
    struct class_pairs lifetimes = {0};
    struct class_pairs counters = {0};
    int result = size_pairs_load(diff->sides, &sizes, err);
    if (result == 0) {
        result = lifetime_pairs_load(diff->sides, &lifetimes, err);
    }
    if (result == 0) {
        result = counter_pairs_load(diff->sides, &counters, err);
    }
    if (result == 0) {
        char title[96];
        size_t changed_count = 0;
        while (changed_count < sizes.count && class_pair_change(&sizes.rows[changed_count]) != 0) {
            changed_count++;
        }
        (void)snprintf(title, sizeof(title), "Allocations by requested size: %zu of %zu changed",
                       changed_count, sizes.count);
        size_t limit = changed_count < diff->top_count ? changed_count : diff->top_count;
        print_class_table(diff, "sizes", title, &sizes, limit, print_size);
        if (!diff_has_import(diff)) {
            print_class_table(diff, "lifetimes", "Freed blocks by lifetime", &lifetimes, SIZE_MAX,
                              print_lifetime);
        }
        print_class_table(diff, "counters", "What the library in the program counted", &counters,
                          SIZE_MAX, print_counter);
    }
    class_pairs_fini(&sizes);
    class_pairs_fini(&lifetimes);
    class_pairs_fini(&counters);
    return result;
}
