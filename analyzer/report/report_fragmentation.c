/*
 * Fragmentation: where the resident heap goes, the measures of Johnstone and Wilson, the free space
 * between blocks, and a picture of the heap.
 */
#include "report.h"

#include <errno.h>
#include <stdio.h>

#include "../analyses/heap_pages.h"
#include "../cli/plot_heat.h"

enum {
    LINES_MOST = 24,
    LINES_PER_LABEL = 4,
};

/* The terms in the order in which they add up, as TERM(field, label). */
#define TERMS(TERM)                                                                                \
    TERM(requested_bytes, "requested")                                                             \
    TERM(rounding_bytes, "+ rounding up")                                                          \
    TERM(header_bytes, "+ block headers")                                                          \
    TERM(hole_bytes, "+ holes in pages in use")                                                    \
    TERM(empty_bytes, "+ empty pages kept")                                                        \
    TERM(untouched_bytes, "- pages never written")                                                 \
    TERM(resident_bytes, "= resident heap")

static const struct {
    const char *key;
    const char *label;
} terms[] = {
#define TERM(field, text) {#field, text},
    TERMS(TERM)
#undef TERM
};

enum {
    TERM_COUNT = sizeof(terms) / sizeof(terms[0])
};

static double term_of(const struct waterfall *waterfall, size_t term)
{
    const double values[] = {
#define TERM(field, text) waterfall->field,
        TERMS(TERM)
#undef TERM
    };
    return values[term];
}

static void print_object(struct out *out, const char *key, const struct waterfall *waterfall)
{
    if (waterfall == NULL) {
        out_null(out, key, NULL);
        return;
    }
    out_begin_object(out, key);
    out_ns(out, "at_ns", NULL, (int64_t)waterfall->at_ns);
    for (size_t i = 0; i < TERM_COUNT; i++) {
        out_bytes(out, terms[i].key, NULL, (int64_t)term_of(waterfall, i));
    }
    out_end_object(out);
}

/* The three columns; a NULL is not known. */
struct three_waterfalls {
    const struct waterfall *at_peak;
    const struct waterfall *at_end;
    const struct waterfall *average;
};

static struct three_waterfalls choose(const struct heap_pages *pages)
{
    bool is_measured = pages->fullest != NULL;
    return (struct three_waterfalls){
        .at_peak = is_measured ? &pages->fullest->waterfall : &pages->peak_model,
        .at_end = is_measured ? &pages->last->waterfall : &pages->end_model,
        .average = pages->has_average ? &pages->average : NULL,
    };
}

static void print_cells(struct out *out, const char *bytes_key, const char *label,
                        const char *share_key, const struct waterfall *waterfall, size_t term)
{
    if (waterfall != NULL) {
        out_bytes(out, bytes_key, label, (int64_t)term_of(waterfall, term));
        out_percent(out, share_key, "share", term_of(waterfall, term), waterfall->resident_bytes);
    }
}

static void print_table(struct report *report, const struct heap_pages *pages)
{
    struct three_waterfalls three = choose(pages);
    char title[REPORT_TITLE_BYTES];
    char text[REPORT_TITLE_BYTES + 96];
    char peak[32];
    char end[32];
    (void)snprintf(text, sizeof(text), "%s (peak: at %s, end: at %s%s)",
                   report_title(report, "Where the resident heap goes", title),
                   out_format_ns((int64_t)three.at_peak->at_ns, peak),
                   out_format_ns((int64_t)three.at_end->at_ns, end),
                   pages->fullest == NULL ? ", modelled" : "");
    out_begin_table(report->out, "fragmentation_waterfall", text);
    for (size_t i = 0; i < TERM_COUNT; i++) {
        bool is_blank = term_of(three.at_peak, i) == 0 && term_of(three.at_end, i) == 0 &&
                        (three.average == NULL || (int64_t)term_of(three.average, i) == 0);
        if (is_blank && i + 1 < TERM_COUNT) {
            continue;
        }
        out_begin_row(report->out);
        out_text(report->out, "term", "", terms[i].label);
        print_cells(report->out, "peak_bytes", "at the peak", "peak_pct", three.at_peak, i);
        print_cells(report->out, "end_bytes", "at the end", "end_pct", three.at_end, i);
        print_cells(report->out, "average_bytes", "on average", "average_pct", three.average, i);
        out_end_row(report->out);
    }
    out_end_table(report->out);
}

static void print_measure(struct out *out, const char *key, const char *label, double value)
{
    if (value > 0) {
        out_real(out, key, label, value, 2);
    } else {
        out_null(out, key, label);
    }
}

static void print_measures(struct out *out, const struct heap_pages *pages)
{
    const struct fragmentation_measures *measures = &pages->measures;
    print_measure(out, "jw_mean", "resident / requested on average (1)", measures->mean);
    print_measure(out, "jw_at_peak", "  where most is requested (2)", measures->at_peak);
    print_measure(out, "jw_at_footprint", "  where most is resident (3)", measures->at_footprint);
    print_measure(out, "jw_overall", "most resident / most requested (4)", measures->overall);
}

static double too_small_share(const struct heap_holes *holes, size_t size)
{
    return holes->layout.hole_bytes > 0
               ? (double)holes->layout.too_small_bytes[size] / (double)holes->layout.hole_bytes
               : 0;
}

static void print_holes_object(struct out *out, const char *key, const struct heap_holes *holes)
{
    out_begin_object(out, key);
    out_count(out, "block_count", NULL, (int64_t)holes->layout.block_count);
    out_count(out, "hole_count", NULL, (int64_t)holes->layout.hole_count);
    out_bytes(out, "hole_bytes", NULL, (int64_t)holes->layout.hole_bytes);
    out_bytes(out, "hole_largest_bytes", NULL, (int64_t)holes->layout.hole_largest_bytes);
    out_begin_list(out, "unusable");
    for (size_t i = 0; i < LAYOUT_SIZES; i++) {
        out_begin_row(out);
        out_bytes(out, "size_bytes", NULL, (int64_t)holes->sizes[i]);
        out_percent(out, "unusable_pct", NULL, 100 * too_small_share(holes, i), 100);
        out_end_row(out);
    }
    out_end_list(out);
    out_end_object(out);
}

static void print_holes_table(struct report *report, const struct heap_pages *pages)
{
    static const char *const names[LAYOUT_SIZES] = {"half of the requests", "90 % of them",
                                                    "99 % of them", "all of them"};
    struct out *out = report->out;
    char title[128];
    char peak_bytes[32];
    char end_bytes[32];
    (void)snprintf(title, sizeof(title),
                   "Free space that a request cannot use (free between blocks: %s at the peak, %s "
                   "at the end)",
                   out_format_bytes((int64_t)pages->holes_at_peak.layout.hole_bytes, peak_bytes),
                   out_format_bytes((int64_t)pages->holes_at_end.layout.hole_bytes, end_bytes));
    out_begin_table(out, "fragmentation_holes", title);
    for (size_t i = 0; i < LAYOUT_SIZES; i++) {
        out_begin_row(out);
        out_text(out, "requests", "request as large as", names[i]);
        out_bytes(out, "size_bytes", "bytes", (int64_t)pages->holes_at_peak.sizes[i]);
        out_percent(out, "peak_pct", "at the peak", too_small_share(&pages->holes_at_peak, i), 1);
        out_percent(out, "end_pct", "at the end", too_small_share(&pages->holes_at_end, i), 1);
        out_end_row(out);
    }
    out_end_table(out);
}

static void print_picture_object(struct out *out, const struct heap_picture *picture)
{
    uint64_t cells[HEAP_MAP_ROWS * HEAP_MAP_COLUMNS];
    size_t count = picture->rows * picture->columns;
    for (size_t i = 0; i < count; i++) {
        cells[i] = picture->cells[i];
    }
    out_begin_object(out, "heap_map");
    out_number(out, "address_min", NULL, (int64_t)picture->address_min);
    out_number(out, "address_max", NULL, (int64_t)picture->address_max);
    out_ns(out, "at_ns_min", NULL, (int64_t)picture->at_ns_min);
    out_ns(out, "at_ns_max", NULL, (int64_t)picture->at_ns_max);
    out_number(out, "columns", NULL, (int64_t)picture->columns);
    out_number(out, "rows", NULL, (int64_t)picture->rows);
    out_bytes(out, "row_bytes", NULL, (int64_t)picture->row_bytes);
    out_bytes(out, "skipped_bytes", NULL, (int64_t)picture->skipped_bytes);
    out_numbers(out, "row_addresses", picture->row_addresses, picture->rows);
    out_numbers(out, "cells", cells, count);
    out_end_object(out);
}

/* Pairs of rows become one, so that it fits a screen. */
static void halve(struct heap_picture *picture)
{
    size_t rows = (picture->rows + 1) / 2;
    for (size_t i = 0; i < rows * picture->columns; i++) {
        size_t lower = i / picture->columns * 2 * picture->columns + i % picture->columns;
        bool has_upper = i / picture->columns * 2 + 1 < picture->rows;
        unsigned sum = picture->cells[lower];
        sum += has_upper ? picture->cells[lower + picture->columns] : 0;
        picture->cells[i] = (uint8_t)((sum + 1) / 2);
    }
    for (size_t row = 0; row < rows; row++) {
        picture->row_addresses[row] = picture->row_addresses[2 * row];
    }
    picture->rows = rows;
    picture->row_bytes *= 2;
}

static int draw_picture(struct report *report, const struct heap_picture *whole)
{
    struct heap_picture picture = *whole;
    while (picture.rows > LINES_MOST) {
        halve(&picture);
    }
    const struct plot_heat heat = {
        .cells = picture.cells,
        .columns = picture.columns,
        .rows = picture.rows,
        .row_labels = picture.row_addresses,
        .lines_per_label = LINES_PER_LABEL,
        .from_ns = (int64_t)picture.at_ns_min,
        .to_ns = (int64_t)picture.at_ns_max,
        .is_utf8 = term_is_utf8(),
    };
    struct str text = {0};
    char row[32];
    char skipped[32];
    int result = picture.rows > 0 ? plot_heat(&heat, &text) : 0;
    if (result == 0 && text.size_bytes > 0) {
        out_prose(report->out,
                  "  heap map: address by time, darker where more of it is live; a line is %s",
                  out_format_bytes((int64_t)picture.row_bytes, row));
        if (picture.skipped_bytes > 0) {
            out_prose(report->out, "  left out: %s of addresses without blocks",
                      out_format_bytes((int64_t)picture.skipped_bytes, skipped));
        }
        text.text[text.size_bytes - 1] = '\0'; /* out_prose ends the last line itself */
        out_prose(report->out, "%s", text.text);
    }
    str_fini(&text);
    return result;
}

static void print_moments(struct out *out, const struct heap_pages *pages)
{
    out_begin_list(out, "moments");
    for (size_t i = 0; i < pages->moment_count; i++) {
        const struct waterfall *waterfall = &pages->moments[i].waterfall;
        out_begin_row(out);
        out_ns(out, "at_ns", NULL, (int64_t)waterfall->at_ns);
        for (size_t j = 0; j < TERM_COUNT; j++) {
            out_bytes(out, terms[j].key, NULL, (int64_t)term_of(waterfall, j));
        }
        out_end_row(out);
    }
    out_end_list(out);
}

static void print_json(struct report *report, const struct heap_pages *pages)
{
    struct three_waterfalls three = choose(pages);
    print_object(report->out, "at_peak", three.at_peak);
    print_object(report->out, "at_end", three.at_end);
    print_object(report->out, "average", three.average);
    print_holes_object(report->out, "holes_at_peak", &pages->holes_at_peak);
    print_holes_object(report->out, "holes_at_end", &pages->holes_at_end);
    print_moments(report->out, pages);
    print_picture_object(report->out, &pages->picture);
}

/* What is a model and what was measured. */
static void note_sources(struct report *report, const struct heap_pages *pages)
{
    if (pages->fullest == NULL) {
        out_note(report->out,
                 "no resident pages were sampled (the process was too short, or may not be looked "
                 "at): pages that ever held a block count as resident, which is the most there can "
                 "be");
        return;
    }
    const struct heap_moment *fullest = pages->fullest;
    char unmeasured[32];
    out_note(report->out,
             "resident pages were sampled at %zu moments while the program ran on; the peak is the "
             "one with most requested. %.1f %% of its resident heap lies in pages that ever held a "
             "recorded block, the rest is the allocator's own or was never handed out",
             pages->moment_count,
             fullest->waterfall.resident_bytes > 0
                 ? 100 * (double)fullest->known_bytes / fullest->waterfall.resident_bytes
                 : 100.0);
    double missed_bytes = pages->peak_model.requested_bytes - fullest->waterfall.requested_bytes;
    if (missed_bytes > 0.05 * pages->peak_model.requested_bytes) {
        out_note(report->out,
                 "the true peak of requested bytes lay between two moments: %s were requested then",
                 out_format_bytes((int64_t)pages->peak_model.requested_bytes, unmeasured));
    }
}

int report_print_fragmentation(struct report *report, struct err *err)
{
    const struct heap_pages *pages = report->state;
    if (pages == NULL) {
        report_note_no_calls(report, "fragmentation");
        return 0;
    }
    int result = 0;
    if (!out_is_json(report->out)) {
        print_table(report, pages);
        print_holes_table(report, pages);
        result = report_print_allocator(report, pages->process_id, err);
    }
    if (result < 0) {
        return result;
    }
    char title[REPORT_TITLE_BYTES];
    out_begin_section(report->out, "fragmentation", report_title(report, "Fragmentation", title));
    out_number(report->out, "process_id", NULL, pages->process_id);
    out_bool(report->out, "is_measured", NULL, pages->fullest != NULL);
    print_measures(report->out, pages);
    if (out_is_json(report->out)) {
        print_json(report, pages);
        result = report_print_allocator(report, pages->process_id, err);
    } else if (draw_picture(report, &pages->picture) < 0) {
        result = err_set_errno(err, ENOMEM, "cannot draw the heap map");
    }
    out_end_section(report->out);
    note_sources(report, pages);
    return result;
}
