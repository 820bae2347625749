/*
 * Sections that are plain tables: lifetimes, sizes, threads, processes, modules.
 */
#include "report.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../model/classes.h"
#include "../model/module_shares.h"

int report_print_lifetimes(struct report *report, struct err *err)
{
    struct lifetime_groups groups;
    int result =
        lifetime_groups_load(report->trace->db, report->selection->process_id, &groups, err);
    if (result < 0) {
        return result;
    }
    struct out *out = report->out;
    if (groups.count > 0 || !report->is_overview) {
        out_begin_table(out, "lifetimes", "Lifetimes of freed blocks");
        for (size_t i = 0; i < groups.count; i++) {
            const struct lifetime_group *group = &groups.rows[i];
            bool is_bounded = group->lifetime_end_ns != UINT64_MAX;
            out_begin_row(out);
            out_ns(out, "lifetime_min_ns", "from", (int64_t)group->lifetime_min_ns);
            if (is_bounded) {
                out_ns(out, "lifetime_end_ns", "to below", (int64_t)group->lifetime_end_ns);
            } else {
                out_null(out, "lifetime_end_ns", "to below");
            }
            out_count(out, "free_count", "blocks", (int64_t)group->free_count);
            out_percent(out, "share_pct", "share", (double)group->free_count,
                        (double)groups.free_count);
            out_bytes(out, "freed_bytes", "bytes", (int64_t)group->freed_bytes);
            out_end_row(out);
        }
        out_end_table(out);
    }
    lifetime_groups_fini(&groups);
    return 0;
}

static void print_size_class(struct report *report, const struct size_class_row *row,
                             const struct class_table *classes)
{
    struct out *out = report->out;
    char range[64];
    if (row->size_min_bytes == row->size_max_bytes) {
        (void)snprintf(range, sizeof(range), "%llu", (unsigned long long)row->size_min_bytes);
    } else {
        (void)snprintf(range, sizeof(range), "%llu-%llu", (unsigned long long)row->size_min_bytes,
                       (unsigned long long)row->size_max_bytes);
    }
    out_begin_row(out);
    out_text(out, "size", "bytes requested", range);
    out_number(out, "size_min_bytes", NULL, (int64_t)row->size_min_bytes);
    out_number(out, "size_max_bytes", NULL, (int64_t)row->size_max_bytes);
    out_count(out, "allocation_count", "allocations", (int64_t)row->allocation_count);
    out_percent(out, "share_pct", "share", (double)row->allocation_count,
                (double)classes->allocation_count);
    out_bytes(out, "allocated_bytes", "allocated", (int64_t)row->allocated_bytes);
    if (!report->selection->is_import) {
        out_bytes(out, "usable_bytes", "usable", (int64_t)row->usable_bytes);
    }
    if (!report->selection->is_sample) {
        out_count(out, "live_count_max", "most live", (int64_t)row->live_count_max);
    }
    out_count(out, "leaked_count", report_is_go(report) ? "live at the end" : "leaked",
              (int64_t)row->leaked_count);
    out_count(out, "free_count", NULL, (int64_t)row->free_count);
    out_end_row(out);
}

int report_print_sizes(struct report *report, struct err *err)
{
    struct class_table classes;
    int result = class_table_load(report->trace->db, report->selection->process_id, &classes, err);
    if (result < 0) {
        return result;
    }
    if (classes.count > 0 || !report->is_overview) {
        char title[96];
        size_t limit = report_top_drawn(report, 5);
        (void)snprintf(title, sizeof(title),
                       limit < SIZE_MAX ? "Requested sizes, the most frequent of %zu"
                                        : "Requested sizes (%zu)",
                       classes.count);
        out_begin_table(report->out, "sizes", title);
        for (size_t i = 0; i < classes.count && i < limit; i++) {
            print_size_class(report, &classes.rows[i], &classes);
        }
        out_end_table(report->out);
    }
    class_table_fini(&classes);
    return 0;
}

static int compare_threads(const void *left, const void *right)
{
    const struct thread_row *a = *(const struct thread_row *const *)left;
    const struct thread_row *b = *(const struct thread_row *const *)right;
    if (a->allocation_count != b->allocation_count) {
        return a->allocation_count > b->allocation_count ? -1 : 1;
    }
    return (a->id > b->id) - (a->id < b->id);
}

static void print_thread(struct report *report, const struct thread_row *thread)
{
    struct out *out = report->out;
    out_begin_row(out);
    out_number(out, "thread_id", "thread", thread->id);
    out_number(out, "process_id", report->trace->process_count > 1 ? "process" : NULL,
               thread->process_id);
    out_number(out, "tid", "tid", thread->tid);
    out_count(out, "allocation_count", "allocations", (int64_t)thread->allocation_count);
    out_percent(out, "share_pct", "share", (double)thread->allocation_count,
                (double)report->totals.allocation_count);
    out_bytes(out, "allocated_bytes", "allocated", (int64_t)thread->allocated_bytes);
    out_count(out, "free_count", "frees", (int64_t)thread->free_count);
    out_count(out, "remote_free_count", report_label_from(report, 96, "of other threads' blocks"),
              (int64_t)thread->remote_free_count);
    out_ns(out, "started_ns", NULL, (int64_t)thread->started_ns);
    out_ns(out, "ended_ns", NULL, (int64_t)thread->ended_ns);
    out_text(out, "name", "name", thread->name);
    out_end_row(out);
}

int report_print_threads(struct report *report, struct err *err)
{
    const struct trace *trace = report->trace;
    const struct thread_row **sorted = calloc(trace->thread_count + 1, sizeof(*sorted));
    if (sorted == NULL) {
        return err_set_errno(err, ENOMEM, "cannot sort threads");
    }
    size_t count = 0;
    uint32_t process_id = report->selection->process_id;
    for (size_t i = 0; i < trace->thread_count; i++) {
        if (process_id == 0 || trace->threads[i].process_id == process_id) {
            sorted[count++] = &trace->threads[i];
        }
    }
    qsort(sorted, count, sizeof(*sorted), compare_threads);
    /* A single thread says nothing that the summary does not say. */
    if (count > 1 || !report->is_overview) {
        char title[64];
        (void)snprintf(title, sizeof(title), "Threads (%zu)", count);
        out_begin_table(report->out, "threads", title);
        size_t limit = report_top(report, 5);
        for (size_t i = 0; i < count && i < limit; i++) {
            print_thread(report, sorted[i]);
        }
        out_end_table(report->out);
    }
    free(sorted);
    return 0;
}

static int compare_processes(const void *left, const void *right)
{
    const struct process_row *a = *(const struct process_row *const *)left;
    const struct process_row *b = *(const struct process_row *const *)right;
    if (a->allocation_count != b->allocation_count) {
        return a->allocation_count > b->allocation_count ? -1 : 1;
    }
    return (a->id > b->id) - (a->id < b->id);
}

static void print_process(const struct report *report, const struct process_row *process)
{
    struct out *out = report->out;
    out_begin_row(out);
    out_number(out, "process_id", "process", process->id);
    out_number(out, "pid", "pid", process->pid);
    out_text(out, "start_kind", report_label_from(report, 112, "start"), process->start_kind);
    out_text(out, "end_kind", "end", process->end_kind);
    out_count(out, "allocation_count", "allocations", (int64_t)process->allocation_count);
    out_bytes(out, "allocated_bytes", "allocated", (int64_t)process->allocated_bytes);
    out_bytes(out, "peak_bytes", "peak", (int64_t)process->peak_bytes);
    const char *resident_label = report_label_from(report, 100, "resident peak");
    if (process->rss_peak_bytes != QUERY_NULL) {
        out_bytes(out, "rss_peak_bytes", resident_label, (int64_t)process->rss_peak_bytes);
    } else {
        out_null(out, "rss_peak_bytes", resident_label);
    }
    out_bytes(out, "leaked_bytes", report_is_go(report) ? "live at the end" : "leaked",
              (int64_t)process->leaked_bytes);
    out_count(out, "leaked_count", NULL, (int64_t)process->leaked_count);
    out_count(out, "free_count", NULL, (int64_t)process->free_count);
    out_count(out, "inherited_free_count", NULL, (int64_t)process->inherited_free_count);
    out_count(out, "unpaired_free_count", NULL, (int64_t)process->unpaired_free_count);
    out_count(out, "lost_event_count", NULL, (int64_t)process->lost_event_count);
    out_number(out, "parent_id", NULL, process->parent_id);
    out_text(out, "executable", NULL, process->executable);
    out_text(out, "allocator", NULL, process->allocator);
    out_text(out, "command", "command", process->command);
    out_end_row(out);
}

int report_print_processes(struct report *report, struct err *err)
{
    const struct trace *trace = report->trace;
    const struct process_row **sorted = calloc(trace->process_count + 1, sizeof(*sorted));
    if (sorted == NULL) {
        return err_set_errno(err, ENOMEM, "cannot sort processes");
    }
    size_t count = 0;
    uint32_t process_id = report->selection->process_id;
    for (size_t i = 0; i < trace->process_count; i++) {
        if (process_id == 0 || trace->processes[i].id == process_id) {
            sorted[count++] = &trace->processes[i];
        }
    }
    qsort(sorted, count, sizeof(*sorted), compare_processes);
    if (count > 1 || !report->is_overview) {
        char title[64];
        (void)snprintf(title, sizeof(title), "Processes (%zu)", count);
        out_begin_table(report->out, "processes", title);
        size_t limit = report_top(report, 5);
        for (size_t i = 0; i < count && i < limit; i++) {
            print_process(report, sorted[i]);
        }
        out_end_table(report->out);
    }
    free(sorted);
    return 0;
}

int report_print_modules(struct report *report, struct err *err)
{
    struct module_share *shares = NULL;
    int count = module_shares_load(report->trace, report->stacks, report->sites, &shares, err);
    if (count < 0) {
        return count;
    }
    struct out *out = report->out;
    uint64_t total = sites_total(report->sites, SITE_KEY_COUNT);
    size_t limit = report_top(report, 5);
    out_begin_table(out, "modules", "Modules, by the allocations of the functions shown for sites");
    for (size_t i = 0; i < (size_t)count && i < limit; i++) {
        out_begin_row(out);
        out_count(out, "allocation_count", "allocations", (int64_t)shares[i].allocation_count);
        out_percent(out, "share_pct", "share", (double)shares[i].allocation_count, (double)total);
        out_bytes(out, "allocated_bytes", "allocated", (int64_t)shares[i].allocated_bytes);
        out_count(out, "site_count", "sites", (int64_t)shares[i].site_count);
        bool has_file = shares[i].symbols != NULL && shares[i].symbols[0] == '/';
        out_text(out, "symbols_kind", "symbols from", has_file ? "debug file" : shares[i].symbols);
        out_text(out, "symbols", NULL, shares[i].symbols);
        out_text(out, "build_id", NULL, shares[i].build_id);
        out_text(out, "path", "module", shares[i].path != NULL ? shares[i].path : "(none)");
        out_end_row(out);
    }
    out_end_table(out);
    free(shares);
    return 0;
}
