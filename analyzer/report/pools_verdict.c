/*
 * Whether pools are worth it, in plain words.
 */
#include "pools_page.h"

#include <math.h>
#include <stdio.h>

#include "../base/str.h"

/* What stands in a row, and what a note then says of it. */
static const struct {
    const char *word;
    const char *meaning;
} verdict_words[] = {
    [POOL_IS_WORTH_IT] = {"yes: time", NULL},
    [POOL_SAVES_TOO_LITTLE] = {"no: little", "it saves less than 1 % of CPU and 2 % of the peak"},
    [POOL_IS_NO_BETTER_THAN_STOCK] = {"no: stock", "another stock allocator saves it, too"},
    [POOL_IS_HANDED_OVER] = {"no: remote", "other threads free more than 5 % of the blocks"},
    [POOL_IS_RESIZED] = {"no: resized", "more than 1 % of the blocks are realloc'ed"},
    [POOL_HAS_ODD_SIZES] = {"no: sizes",
                            "they differ so much that over 12.5 % of the slots is lost"},
    [POOL_STANDS_IDLE] = {"no: idle", "at most moments less than a quarter of its slots is in use"},
    [POOL_NEEDS_COSTS] = {"not known", "--calibrate is needed to tell"},
};

/* Stable words for JSON. */
static const char *const verdict_keys[] = {
    [POOL_IS_WORTH_IT] = "worth_it",
    [POOL_SAVES_TOO_LITTLE] = "saves_too_little",
    [POOL_IS_NO_BETTER_THAN_STOCK] = "no_better_than_stock",
    [POOL_IS_HANDED_OVER] = "handed_over",
    [POOL_IS_RESIZED] = "resized",
    [POOL_HAS_ODD_SIZES] = "odd_sizes",
    [POOL_STANDS_IDLE] = "stands_idle",
    [POOL_NEEDS_COSTS] = "needs_costs",
};

const char *pools_verdict_word(const struct pool_gain *gain)
{
    bool is_for_memory = gain->verdict == POOL_IS_WORTH_IT && gain->saves_bytes_beside_stock;
    return is_for_memory ? "yes: memory" : verdict_words[gain->verdict].word;
}

const char *pools_verdict_key(enum pool_verdict verdict)
{
    return verdict_keys[verdict];
}

static size_t count_verdicts(const struct ranked_group *groups, size_t count,
                             enum pool_verdict verdict)
{
    size_t found = 0;
    for (size_t i = 0; i < count; i++) {
        found += groups[i].gain.verdict == verdict;
    }
    return found;
}

/* The share of CPU that pools for all sizes would save, now and beside the best stock allocator. */
static void sum_gains(const struct pools_page *page, double *out_now_ns, double *out_beside_ns)
{
    *out_now_ns = 0;
    *out_beside_ns = 0;
    for (size_t i = 0; i < page->class_count; i++) {
        const struct pool_gain *gain = &page->classes[i].gain;
        bool is_known = !isnan(gain->time_ns) && !isnan(gain->stock_time_ns);
        *out_now_ns += is_known ? gain->time_ns : 0;
        *out_beside_ns += is_known ? gain->stock_time_ns : 0;
    }
}

/* One allocator for all sizes. */
static void print_compact_stock(struct pools_page *page)
{
    struct out *out = page->report->out;
    const struct pair_costs *costs = page->yardstick.costs;
    const struct pair_cost_row *in_use = pair_costs_in_use(costs);
    const struct pair_cost_row *least = NULL;
    double least_bytes = INFINITY;
    for (size_t i = 0; i < costs->count; i++) {
        const struct pair_cost_row *row = &costs->rows[i];
        if (row->kind == PAIR_COST_STOCK && row->blocks.is_measured &&
            pools_peak_bytes_on(page, row) < least_bytes) {
            least = row;
            least_bytes = pools_peak_bytes_on(page, row);
        }
    }
    if (least == NULL || !in_use->blocks.is_measured) {
        return;
    }
    out_text(out, "compact_stock", "the most compact stock allocator", least->name);
    out_bytes(out, "stock_saved_peak_bytes", "  alone, at the peak",
              llround(pools_peak_bytes_on(page, in_use) - least_bytes));
}

static void print_sum(struct pools_page *page)
{
    struct out *out = page->report->out;
    double cpu_ns = (double)page->yardstick.cpu_time_ns;
    double now_ns;
    double beside_ns;
    int64_t saved_bytes = 0;
    sum_gains(page, &now_ns, &beside_ns);
    for (size_t i = 0; i < page->class_count; i++) {
        saved_bytes += page->classes[i].gain.peak_bytes;
    }
    out_ns(out, "all_saved_ns", "pools for all sizes would save", llround(now_ns));
    out_percent(out, "all_saved_cpu_pct", "  of CPU", now_ns, cpu_ns);
    out_bytes(out, "all_saved_peak_bytes", "  at the peak", saved_bytes);
    out_ns(out, "stock_saved_ns", "the cheapest stock allocators alone",
           llround(now_ns - beside_ns));
    out_percent(out, "stock_saved_cpu_pct", "  of CPU", now_ns - beside_ns, cpu_ns);
    print_compact_stock(page);
}

static void print_verdict(struct pools_page *page)
{
    size_t site_count = page->pooling->site_count;
    size_t counts[POOL_VERDICT_COUNT][2];
    char text[256];
    for (int i = 0; i < POOL_VERDICT_COUNT; i++) {
        counts[i][0] = count_verdicts(page->sites, site_count, (enum pool_verdict)i);
        counts[i][1] = count_verdicts(page->classes, page->class_count, (enum pool_verdict)i);
    }
    const size_t *worthy = counts[POOL_IS_WORTH_IT];
    const size_t *open = counts[POOL_NEEDS_COSTS];
    bool is_by_stock =
        counts[POOL_IS_NO_BETTER_THAN_STOCK][0] > 0 || counts[POOL_IS_NO_BETTER_THAN_STOCK][1] > 0;
    if (site_count == 0) {
        (void)snprintf(text, sizeof(text), "no block of up to %d bytes was allocated",
                       POOLING_SIZE_MAX);
    } else if (worthy[0] + worthy[1] > 0) {
        (void)snprintf(
            text, sizeof(text),
            "worth trying for %zu of %zu size classes, and at %zu of %zu sites and sizes",
            worthy[1], page->class_count, worthy[0], site_count);
    } else if (open[0] + open[1] > 0) {
        (void)snprintf(
            text, sizeof(text),
            "may be worth it for %zu size classes and at %zu sites: --calibrate measures "
            "what they would save",
            open[1], open[0]);
    } else {
        (void)snprintf(text, sizeof(text),
                       "not worth it: no size class or site would save 1 %% of CPU or 2 %% of the "
                       "peak%s, or else its blocks do not suit a pool",
                       is_by_stock ? " that a stock allocator would not save as well" : "");
    }
    out_text(page->report->out, "verdict", "verdict", text);
}

void pools_print_summary(struct pools_page *page)
{
    struct report *report = page->report;
    struct out *out = report->out;
    char title[REPORT_TITLE_BYTES];
    out_begin_section(out, "pools", report_title(report, "Pools for blocks of equal size", title));
    out_number(out, "process_id", NULL, page->process->id);
    out_text(out, "allocator", "allocator in use", page->process->allocator);
    out_count(out, "site_count", "sites and sizes", (int64_t)page->pooling->site_count);
    out_count(out, "large_count", "larger blocks, left out", (int64_t)page->pooling->large_count);
    out_bytes(out, "peak_bytes", "peak", (int64_t)page->yardstick.peak_bytes);
    if (page->yardstick.cpu_time_ns > 0) {
        out_ns(out, "cpu_time_ns", "CPU time while recorded", (int64_t)page->yardstick.cpu_time_ns);
    } else {
        out_null(out, "cpu_time_ns", "CPU time while recorded");
    }
    if (page->yardstick.costs != NULL && pair_costs_in_use(page->yardstick.costs) != NULL) {
        print_sum(page);
    }
    print_verdict(page);
    out_end_section(out);
}

/* The words that stand in a row that is shown, each once. */
static void note_words(struct pools_page *page)
{
    bool is_shown[POOL_VERDICT_COUNT] = {false};
    struct str text = {0};
    int result = 0;
    for (size_t i = 0; i < page->site_rows; i++) {
        is_shown[page->sites[i].gain.verdict] = true;
    }
    for (size_t i = 0; i < page->class_rows; i++) {
        is_shown[page->classes[i].gain.verdict] = true;
    }
    for (size_t i = 0; i < POOL_VERDICT_COUNT && result == 0; i++) {
        if (is_shown[i] && verdict_words[i].meaning != NULL) {
            result = str_printf(&text, "%s'%s': %s", text.size_bytes > 0 ? "; " : "",
                                verdict_words[i].word, verdict_words[i].meaning);
        }
    }
    if (result == 0 && text.size_bytes > 0) {
        out_note(page->report->out, "a pool, %s", str_text(&text));
    }
    str_fini(&text);
}

void pools_print_notes(struct pools_page *page)
{
    struct out *out = page->report->out;
    const struct pair_costs *costs = page->yardstick.costs;
    note_words(page);
    if (costs != NULL) {
        out_note(out, "'vs stock': what a pool would save beside the cheapest stock allocator, in "
                      "time, and beside the most compact one, at the peak");
    }
    if (page->yardstick.cpu_time_ns == 0) {
        out_note(out, "the CPU time of the process is not known: no saving of time can be told "
                      "worth it");
    }
    if (costs != NULL && pair_costs_in_use(costs) == NULL) {
        out_note(out, "'%s' could not be measured here: savings of time are not known",
                 page->process->allocator);
    }
    if (costs == NULL) {
        out_note(out, "'saves at most' is all the time that the calls took, by the recording; "
                      "--calibrate measures on this machine what they would take in a pool");
    } else {
        out_note(out, "costs are of blocks that are in the caches, on an idle allocator: a pool "
                      "may also gain by locality, which only 'trial' can show");
    }
    out_note(out,
             "bytes: what the blocks take at the peak with all that the allocator adds%s, less "
             "chunks of a pool of each row alone; rows of one table overlap with those of the "
             "other",
             costs == NULL ? "" : " (measured here: by how much a process grows for many of them)");
}
