/*
 * Scopes: what the parts of the program that it has named allocate.
 */
#include "report.h"

#include "../analyses/scopes.h"

static void print_scope(struct out *out, const struct scope_sum *sum)
{
    out_begin_row(out);
    out_count(out, "entry_count", "entries", (int64_t)sum->entry_count);
    out_count(out, "allocation_count", "allocations", (int64_t)sum->allocation_count);
    out_count(out, "own_allocation_count", "own", (int64_t)sum->own_allocation_count);
    out_bytes(out, "allocated_bytes", "allocated", (int64_t)sum->allocated_bytes);
    out_count(out, "entry_allocation_count_p50", "each: p50", (int64_t)sum->allocations.p50);
    out_count(out, "entry_allocation_count_p99", "p99", (int64_t)sum->allocations.p99);
    out_count(out, "entry_allocation_count_max", "max", (int64_t)sum->allocations.max);
    out_bytes(out, "entry_peak_bytes_max", "peak", (int64_t)sum->peaks.max);
    out_count(out, "survivor_count", "survivors", (int64_t)sum->survivor_count);
    out_bytes(out, "survivor_bytes", "bytes", (int64_t)sum->survivor_bytes);
    out_count(out, "thread_count", "threads", sum->thread_count);
    out_count(out, "unended_count", NULL, (int64_t)sum->unended_count);
    out_count(out, "free_count", NULL, (int64_t)sum->free_count);
    out_bytes(out, "own_allocated_bytes", NULL, (int64_t)sum->own_allocated_bytes);
    out_bytes(out, "entry_allocated_bytes_p50", NULL, (int64_t)sum->bytes.p50);
    out_bytes(out, "entry_allocated_bytes_p99", NULL, (int64_t)sum->bytes.p99);
    out_bytes(out, "entry_allocated_bytes_max", NULL, (int64_t)sum->bytes.max);
    out_bytes(out, "entry_peak_bytes_p50", NULL, (int64_t)sum->peaks.p50);
    out_bytes(out, "entry_peak_bytes_p99", NULL, (int64_t)sum->peaks.p99);
    out_count(out, "entry_survivor_count_p50", NULL, (int64_t)sum->survivors.p50);
    out_count(out, "entry_survivor_count_p99", NULL, (int64_t)sum->survivors.p99);
    out_count(out, "entry_survivor_count_max", NULL, (int64_t)sum->survivors.max);
    out_text(out, "name", "scope", sum->name);
    out_end_row(out);
}

static void note_ends(struct out *out, const struct scopes *scopes)
{
    uint64_t unended_count = 0;
    for (size_t i = 0; i < scopes->count; i++) {
        unended_count += scopes->sums[i].unended_count;
    }
    if (unended_count > 0) {
        out_note(out,
                 "%llu entries of scopes had no end of their own: they count up to the end of "
                 "an outer one, or of the recording",
                 (unsigned long long)unended_count);
    }
    if (scopes->unmatched_end_count > 0) {
        out_note(out, "%llu ends of scopes that had not begun are passed over",
                 (unsigned long long)scopes->unmatched_end_count);
    }
}

int report_print_scopes(struct report *report, struct err *err)
{
    (void)err;
    const struct scopes *scopes = report->state;
    struct out *out = report->out;
    char title[REPORT_TITLE_BYTES];
    if (scopes == NULL) {
        report_note_no_calls(report, "scopes");
        return 0;
    }
    size_t limit = report_top(report, 5);
    out_begin_table(out, "scopes", report_title(report, "Scopes", title));
    for (size_t i = 0; i < scopes->count && i < limit; i++) {
        print_scope(out, &scopes->sums[i]);
    }
    out_end_table(out);
    if (scopes->count == 0) {
        out_prose(out, "  no thread has begun one: call allocaudit_scope_begin(\"name\") and "
                       "allocaudit_scope_end(\"name\") (allocaudit.h)");
    }
    note_ends(out, scopes);
    return 0;
}
