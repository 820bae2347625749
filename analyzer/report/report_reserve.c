/*
 * Blocks that grow by realloc: what is copied, and the reserve that would have spared it.
 */
#include "report.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "../analyses/growth.h"
#include "../analyses/latencies.h"

/* Less is not worth a change of the program. */
#define CPU_SHARE_OF_NOTE 0.01

struct reserve_page {
    struct report *report;
    const struct growth *growth;
    double realloc_ns;    /* of one, on average; not a number: none was timed */
    uint64_t cpu_time_ns; /* 0: not known */
};

static double time_of(const struct reserve_page *page, uint64_t step_count)
{
    return page->realloc_ns * (double)step_count;
}

static int find_times(struct reserve_page *page, struct err *err)
{
    struct latencies latencies;
    const struct process_row *process = report_process(page->report);
    page->realloc_ns = NAN;
    if (process == NULL) {
        return 0;
    }
    int result = latencies_load(page->report->trace->db, process->id, false, &latencies, err);
    if (result < 0) {
        return result;
    }
    for (size_t i = 0; i < latencies.kind_count; i++) {
        if (strcmp(latencies.kinds[i].kind, "realloc") == 0) {
            page->realloc_ns = latencies.kinds[i].mean_ns;
        }
    }
    page->cpu_time_ns = latencies.cpu.cpu_time_ns;
    latencies_fini(&latencies);
    return 0;
}

static void print_time_spared(struct out *out, const char *key, const char *label, double time_ns)
{
    if (isnan(time_ns)) {
        out_null(out, key, label);
    } else {
        out_ns(out, key, label, llround(time_ns));
    }
}

static void print_verdict(struct reserve_page *page)
{
    struct out *out = page->report->out;
    double share = time_of(page, page->growth->step_count) / (double)page->cpu_time_ns;
    char text[160];
    if (page->growth->step_count == 0) {
        (void)snprintf(text, sizeof(text), "nothing was realloc'ed");
    } else if (page->cpu_time_ns == 0 || isnan(page->realloc_ns)) {
        (void)snprintf(text, sizeof(text), "not known: %s",
                       page->cpu_time_ns == 0 ? "the CPU time was not seen"
                                              : "no realloc was timed");
    } else if (share < CPU_SHARE_OF_NOTE) {
        (void)snprintf(text, sizeof(text),
                       "not worth it: without any realloc %.2f %% of CPU would be saved",
                       100 * share);
    } else {
        (void)snprintf(text, sizeof(text),
                       "reallocs take %.1f %% of CPU: reserve where it is below", 100 * share);
    }
    out_text(out, "verdict", "verdict", text);
}

static void print_summary(struct reserve_page *page)
{
    struct out *out = page->report->out;
    const struct growth *growth = page->growth;
    char title[REPORT_TITLE_BYTES];
    out_begin_section(out, "reserve",
                      report_title(page->report, "Blocks that grow by realloc", title));
    out_count(out, "chain_count", "blocks that were realloc'ed", (int64_t)growth->chain_count);
    out_count(out, "step_count", "reallocs", (int64_t)growth->step_count);
    out_count(out, "moved_count", "  that moved the block", (int64_t)growth->moved_count);
    out_bytes(out, "copied_bytes", "  and copied", (int64_t)growth->copied_bytes);
    print_time_spared(out, "time_ns", "time in them, estimated", time_of(page, growth->step_count));
    print_verdict(page);
    out_end_section(out);
}

/* Columns of a terminal that shows all, and of one that shows more than the least. */
enum {
    WIDE_COLUMNS = 148,
    MIDDLE_COLUMNS = 116,
};

static int print_site(struct reserve_page *page, const struct growth_site *site, struct err *err)
{
    struct report *report = page->report;
    struct out *out = report->out;
    struct growth_reserve half = growth_reserve(site, 0.5);
    struct growth_reserve most = growth_reserve(site, 0.99);
    struct growth_reserve all = growth_reserve(site, 1);
    struct call_stack stack;
    int result = report_begin_site_row(report, site->stack_id, &stack, err);
    if (result < 0) {
        return result;
    }
    out_count(out, "chain_count", report_label_from(report, MIDDLE_COLUMNS, "blocks"),
              (int64_t)site->chain_count);
    out_count(out, "step_count", "reallocs", (int64_t)site->step_count);
    out_count(out, "step_max", report_label_from(report, WIDE_COLUMNS, "most of one"),
              (int64_t)site->step_max);
    out_real(out, "growth_factor", report_label_from(report, WIDE_COLUMNS, "factor"),
             growth_factor(site), 2);
    out_count(out, "moved_count", NULL, (int64_t)site->moved_count);
    out_bytes(out, "copied_bytes", "copied", (int64_t)site->copied_bytes);
    out_bytes(out, "reserve_p50_bytes", report_label_from(report, WIDE_COLUMNS, "p50 size"),
              (int64_t)half.reserve_bytes);
    out_bytes(out, "reserve_p99_bytes", "p99 size", (int64_t)most.reserve_bytes);
    out_bytes(out, "reserve_max_bytes", report_label_from(report, WIDE_COLUMNS, "max size"),
              (int64_t)all.reserve_bytes);
    out_count(out, "spared_step_count", "p99 spares", (int64_t)most.spared_step_count);
    out_bytes(out, "spared_copied_bytes", report_label_from(report, 92, "copying"),
              (int64_t)most.spared_copied_bytes);
    print_time_spared(out, "spared_ns", "time", time_of(page, most.spared_step_count));
    out_bytes(out, "idle_bytes", report_label_from(report, MIDDLE_COLUMNS, "unused each"),
              llround(most.idle_bytes));
    report_end_site_row(report, &stack);
    return 0;
}

int report_print_reserve(struct report *report, struct err *err)
{
    struct reserve_page page = {.report = report};
    if (report->state == NULL) {
        report_note_no_calls(report, "reserve");
        return 0;
    }
    page.growth = growth_of(report->state);
    int result = find_times(&page, err);
    if (result < 0) {
        return result;
    }
    print_summary(&page);
    out_begin_table(report->out, "reserve_sites", "Where they grow, by bytes copied");
    size_t limit = report_top(report, 5);
    for (size_t i = 0; i < page.growth->site_count && i < limit && result == 0; i++) {
        result = print_site(&page, &page.growth->sites[i], err);
    }
    out_end_table(report->out);
    if (page.growth->step_count > 0) {
        out_note(report->out,
                 "sizes are those that a block has grown to. Reserving the size that is enough for "
                 "99 %% "
                 "of the blocks (p99) spares the reallocs, copying and time that stand behind it, "
                 "and leaves so many bytes unused in each; time is what an average realloc of the "
                 "process took");
    }
    return result;
}
