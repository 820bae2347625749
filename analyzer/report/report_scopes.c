/*
 * Scopes: what the parts of the program that it has named allocate.
 */
#include "report.h"

#include "../analyses/scopes.h"
#include "../db/query_mark.h"

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

struct scopes_page {
    struct report *report;
    bool has_kinds; /* of leaks */
    size_t room;    /* for rows */
    size_t count;
    uint64_t unended_count;
    uint64_t unmatched_end_count;
};

static bool is_of_all(const struct report *report)
{
    return report->selection->process_id == 0 && report->trace->process_count > 1;
}

#define ENTRY_FIGURES(X)                                                                           \
    X(SCOPE_ALLOCATED_BYTES, "entry_allocated_bytes")                                              \
    X(SCOPE_SURVIVOR_COUNT, "entry_survivor_count")                                                \
    X(SCOPE_TEMPORARY_COUNT, "entry_temporary_count")                                              \
    X(SCOPE_SURVIVOR_BYTES, "entry_survivor_bytes")                                                \
    X(SCOPE_PROCESS_PEAK_BYTES, "entry_process_peak_bytes")

/* What has no column. */
static void print_figures(const struct scope_sum *sum, struct out *out)
{
    static const struct {
        enum scope_figure figure;
        const char *keys[3];
    } rows[] = {
#define X(id, name) {id, {name "_p50", name "_p99", name "_max"}},
        ENTRY_FIGURES(X)
#undef X
    };
    const struct spread_figures *peaks = &sum->figures[SCOPE_PEAK_BYTES];
    out_number(out, "entry_peak_bytes_p50", NULL, (int64_t)peaks->p50);
    out_number(out, "entry_peak_bytes_p99", NULL, (int64_t)peaks->p99);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const struct spread_figures *figures = &sum->figures[rows[i].figure];
        out_number(out, rows[i].keys[0], NULL, (int64_t)figures->p50);
        out_number(out, rows[i].keys[1], NULL, (int64_t)figures->p99);
        out_number(out, rows[i].keys[2], NULL, (int64_t)figures->max);
    }
}

/* What became of survivors by the end of the process. */
static void print_leaks(const struct scope_sum *sum, bool has_kinds, struct out *out)
{
    static const char *const keys[LEAK_KIND_COUNT][2] = {
        [LEAK_UNKNOWN] = {"unknown_count", "unknown_bytes"},
#define X(id, word) [LEAK_##id] = {word "_count", word "_bytes"},
        LEAK_KINDS(X)
#undef X
    };
    for (unsigned kind = 0; kind < LEAK_KIND_COUNT; kind++) {
        out_count(out, keys[kind][0], has_kinds && kind == LEAK_DEFINITE ? "definite" : NULL,
                  (int64_t)sum->leaked_count[kind]);
        out_number(out, keys[kind][1], NULL, (int64_t)sum->leaked_bytes[kind]);
    }
}

static int print_scope(const struct scopes_page *page, uint32_t process_id,
                       const struct scope_sum *sum, struct err *err)
{
    struct report *report = page->report;
    struct out *out = report->out;
    const struct spread_figures *allocations = &sum->figures[SCOPE_ALLOCATION_COUNT];
    out_begin_row(out);
    out_number(out, "process_id", is_of_all(report) ? "process" : NULL, process_id);
    out_count(out, "entry_count", "entries", (int64_t)sum->entry_count);
    out_count(out, "allocation_count", "allocations", (int64_t)sum->allocation_count);
    out_count(out, "own_allocation_count", "own", (int64_t)sum->own_allocation_count);
    out_bytes(out, "allocated_bytes", "allocated", (int64_t)sum->allocated_bytes);
    out_count(out, "entry_allocation_count_p50", "each: p50", (int64_t)allocations->p50);
    out_count(out, "entry_allocation_count_p99", "p99", (int64_t)allocations->p99);
    out_count(out, "entry_allocation_count_max", "max", (int64_t)allocations->max);
    out_bytes(out, "entry_peak_bytes_max", "peak", (int64_t)sum->figures[SCOPE_PEAK_BYTES].max);
    out_count(out, "survivor_count", "survivors", (int64_t)sum->survivor_count);
    out_bytes(out, "survivor_bytes", "bytes", (int64_t)sum->survivor_bytes);
    print_leaks(sum, page->has_kinds, out);
    out_count(out, "thread_count", "threads", sum->thread_count);
    out_count(out, "unended_count", NULL, (int64_t)sum->unended_count);
    out_count(out, "free_count", NULL, (int64_t)sum->free_count);
    out_bytes(out, "own_allocated_bytes", NULL, (int64_t)sum->own_allocated_bytes);
    print_figures(sum, out);
    out_text(out, "name", "scope", sum->name);
    int result = print_sites(report, sum, err);
    out_end_row(out);
    return result;
}

static void note_ends(struct out *out, const struct scopes_page *page)
{
    if (page->unended_count > 0) {
        out_note(out,
                 "%llu entries of scopes had no end of their own: they count up to the end of "
                 "an outer one, or of the recording",
                 (unsigned long long)page->unended_count);
    }
    if (page->unmatched_end_count > 0) {
        out_note(out, "%llu ends of scopes that had not begun are passed over",
                 (unsigned long long)page->unmatched_end_count);
    }
}

static int print_process(struct scopes_page *page, uint32_t process_id, const struct scopes *scopes,
                         struct err *err)
{
    int result = 0;
    page->count += scopes->count;
    page->unmatched_end_count += scopes->unmatched_end_count;
    for (size_t i = 0; i < scopes->count && result == 0; i++) {
        page->unended_count += scopes->sums[i].unended_count;
        if (page->room > 0) {
            page->room--;
            result = print_scope(page, process_id, &scopes->sums[i], err);
        }
    }
    return result;
}

/* A process whose calls were not read with those of the report's own process. */
static int print_other_process(struct scopes_page *page, uint32_t process_id, struct err *err)
{
    struct analysis_run run = {.analysis = &scopes_analysis};
    int result = analyses_run(page->report->trace, process_id, &run, 1, NULL, NULL, err);
    if (result == 0) {
        result = print_process(page, process_id, run.state, err);
    }
    analyses_end(&run, 1);
    return result;
}

struct marked_processes {
    struct scopes_page *page;
    struct err *err;
};

static int take_marked(void *context, const struct marked_process_row *row)
{
    const struct marked_processes *marked = context;
    struct scopes_page *page = marked->page;
    const struct process_row *own = report_process(page->report);
    if (row->scope_count == 0) {
        return 0;
    }
    return own != NULL && own->id == row->process_id
               ? print_process(page, row->process_id, page->report->state, marked->err)
               : print_other_process(page, row->process_id, marked->err);
}

/* Tests that run in a process each (Criterion, gtest's death tests) have their scopes there. */
static int print_all_processes(struct scopes_page *page, struct err *err)
{
    struct marked_processes marked = {page, err};
    return query_marked_processes(page->report->trace->db, take_marked, &marked, err);
}

int report_print_scopes(struct report *report, struct err *err)
{
    const struct scopes *scopes = report->state;
    struct out *out = report->out;
    struct scopes_page page = {.report = report, .room = report_top(report, 5)};
    char title[REPORT_TITLE_BYTES];
    if (scopes == NULL) {
        report_note_no_calls(report, "scopes");
        return 0;
    }
    int result = query_leak_is_checked(report->trace->db, &page.has_kinds, err);
    if (result < 0) {
        return result;
    }
    bool is_all = is_of_all(report);
    out_begin_table(out, "scopes", is_all ? "Scopes" : report_title(report, "Scopes", title));
    result = is_all ? print_all_processes(&page, err)
                    : print_process(&page, report_process(report)->id, scopes, err);
    out_end_table(out);
    if (result == 0 && page.count == 0) {
        out_prose(out, "  no thread has begun one: call allocaudit_scope_begin(\"name\") and "
                       "allocaudit_scope_end(\"name\") (allocaudit.h)");
    }
    note_ends(out, &page);
    return result;
}
