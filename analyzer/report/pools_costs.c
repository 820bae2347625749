/*
 * What allocators cost on this machine: time by size, and memory by size and for this program.
 */
#include "pools_page.h"

#include <math.h>
#include <stdio.h>

#include "../analyses/pool_bytes.h"

/* Sizes that are shown, as places of pair_cost_size(). */
static const struct {
    size_t place;
    const char *time_key;
    const char *bytes_key;
    const char *label;
} columns[] = {{0, "pair_16_ns", "block_16_bytes", "16 bytes"},
               {2, "pair_64_ns", "block_64_bytes", "64"},
               {4, "pair_256_ns", "block_256_bytes", "256"},
               {6, "pair_1024_ns", "block_1024_bytes", "1024"},
               {8, "pair_4096_ns", "block_4096_bytes", "4096"}};

enum {
    COLUMN_COUNT = sizeof(columns) / sizeof(columns[0]),
    MANY_BLOCKS = 1 << 20,
};

static void begin_row(struct out *out, const struct pair_cost_row *row)
{
    out_begin_row(out);
    out_text(out, "name", "allocator",
             row->kind == PAIR_COST_LIST     ? "list in the program"
             : row->kind == PAIR_COST_POLICY ? "policy pool"
                                             : row->name);
    out_bool(out, "is_in_use", "in use", row->is_in_use);
}

static void print_times(struct out *out, const struct pair_costs *costs)
{
    char title[128];
    (void)snprintf(title, sizeof(title),
                   "ns of a malloc and a free on this machine, now: medians of %u runs",
                   costs->run_count);
    out_begin_table(out, "pool_costs", title);
    for (size_t i = 0; i < costs->count; i++) {
        const struct pair_cost_row *row = &costs->rows[i];
        double spread = 0;
        begin_row(out, row);
        for (size_t j = 0; j < COLUMN_COUNT; j++) {
            out_real(out, columns[j].time_key, columns[j].label,
                     row->costs[columns[j].place].median_ns, 1);
        }
        for (size_t j = 0; j < PAIR_COST_SIZES; j++) {
            const struct pair_cost *cost = &row->costs[j];
            spread = fmax(spread, (cost->high_ns - cost->low_ns) / cost->median_ns);
        }
        out_real(out, "spread_pct", "runs differ by %", 100 * spread, 0);
        out_end_row(out);
    }
    out_end_table(out);
}

/* Of the list: the chunks of a pool for each size class. */
static double chunks_bytes(const struct pools_page *page)
{
    double bytes = 0;
    for (size_t i = 0; i < page->class_count; i++) {
        const struct pool_group *group = page->classes[i].group;
        bytes += (double)pool_chunks_bytes(group->slot_bytes, group->peak_count);
    }
    return bytes;
}

double pools_peak_bytes_on(const struct pools_page *page, const struct pair_cost_row *row)
{
    double bytes = 0;
    if (!row->is_in_use) {
        return pool_bytes_on(page->pooling, NULL, &row->blocks);
    }
    for (size_t i = 0; i < page->class_count; i++) {
        bytes += pool_bytes_recorded(page->pooling, page->classes[i].group, &row->blocks,
                                     page->yardstick.header_bytes);
    }
    return bytes;
}

static double block_bytes(const struct pair_cost_row *row, uint64_t size_bytes)
{
    return row->kind == PAIR_COST_LIST
               ? (double)pool_chunks_bytes((uint32_t)size_bytes, MANY_BLOCKS) / MANY_BLOCKS
               : (double)row->blocks.growth_bytes[block_cost_place(size_bytes)];
}

static void print_bytes(const struct pools_page *page)
{
    struct out *out = page->report->out;
    const struct pair_costs *costs = page->yardstick.costs;
    out_begin_table(out, "pool_block_costs",
                    "bytes that a block takes, with all that the allocator adds");
    for (size_t i = 0; i < costs->count; i++) {
        const struct pair_cost_row *row = &costs->rows[i];
        bool is_list = row->kind == PAIR_COST_LIST;
        if (!is_list && !row->blocks.is_measured) {
            continue;
        }
        begin_row(out, row);
        for (size_t j = 0; j < COLUMN_COUNT; j++) {
            out_real(out, columns[j].bytes_key, columns[j].label,
                     block_bytes(row, pair_cost_size(columns[j].place)), 1);
        }
        double peak_bytes = is_list ? chunks_bytes(page) : pools_peak_bytes_on(page, row);
        out_bytes(out, "peak_bytes", "all at the peak", llround(peak_bytes));
        out_end_row(out);
    }
    out_end_table(out);
}

void pools_print_costs(struct pools_page *page)
{
    print_times(page->report->out, page->yardstick.costs);
    print_bytes(page);
}
