/*
 * Scopes: what the parts of the program that it has named allocate.
 */
#include "report.h"

#include "../analyses/scopes.h"

enum {
    SITES_SHOWN = 3, /* beneath each scope; in JSON as many as scopes */
};

static int print_sites(struct report *report, const struct scope_sum *sum, struct err *err)
{
    struct out *out = report->out;
    size_t limit = out_is_json(out) ? report_top(report, SITES_SHOWN) : SITES_SHOWN;
    int result = 0;
    out_begin_list(out, "sites");
    for (size_t i = 0; i < sum->site_count && i < limit && result == 0; i++) {
        const struct scope_site *site = &sum->sites[i];
        struct call_stack stack;
        result = report_begin_site_row(report, site->stack_id, &stack, err);
        if (result < 0) {
            break;
        }
        out_count(out, "allocation_count", "allocations", (int64_t)site->allocation_count);
        out_bytes(out, "allocated_bytes", "allocated", (int64_t)site->allocated_bytes);
        report_end_site_row(report, &stack);
    }
    out_end_list(out);
    return result;
}

static int print_scope(struct report *report, const struct scope_sum *sum, struct err *err)
{
    struct out *out = report->out;
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
    out_count(out, "entry_temporary_count_p50", NULL, (int64_t)sum->temporaries.p50);
    out_count(out, "entry_temporary_count_p99", NULL, (int64_t)sum->temporaries.p99);
    out_count(out, "entry_temporary_count_max", NULL, (int64_t)sum->temporaries.max);
    out_text(out, "name", "scope", sum->name);
    int result = print_sites(report, sum, err);
    out_end_row(out);
    return result;
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
    const struct scopes *scopes = report->state;
    struct out *out = report->out;
    char title[REPORT_TITLE_BYTES];
    if (scopes == NULL) {
        report_note_no_calls(report, "scopes");
        return 0;
    }
    size_t limit = report_top(report, 5);
    out_begin_table(out, "scopes", report_title(report, "Scopes", title));
    int result = 0;
    for (size_t i = 0; i < scopes->count && i < limit && result == 0; i++) {
        result = print_scope(report, &scopes->sums[i], err);
    }
    out_end_table(out);
    if (scopes->count == 0) {
        out_prose(out, "  no thread has begun one: call allocaudit_scope_begin(\"name\") and "
                       "allocaudit_scope_end(\"name\") (allocaudit.h)");
    }
    note_ends(out, scopes);
    return result;
}
