/*
 * Threads among themselves: who frees whose blocks, in what order, and how threads come and go.
 */
#include "report.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "../analyses/churn.h"
#include "../analyses/handoffs.h"
#include "../analyses/nesting.h"

/* ---- handoffs ----------------------------------------------------------------------------------
 */

/* Above it a heap that belongs to a thread must take blocks back from others all the time. */
#define REMOTE_SHARE_OF_NOTE 0.05

static const char *judge_handoffs(const struct handoffs *handoffs)
{
    double share = handoffs->free_count == 0
                       ? 0
                       : (double)handoffs->remote_free_count / (double)handoffs->free_count;
    if (handoffs->remote_free_count == 0) {
        return "every block is freed by the thread that made it";
    }
    if (share <= REMOTE_SHARE_OF_NOTE) {
        return "few blocks change hands: any allocator will do";
    }
    return handoffs->skew > share / 2
               ? "some threads make what others free: choose an allocator with lists for remote "
                 "frees (mimalloc, jemalloc), and compare by 'replay'"
               : "threads free each other's blocks both ways: compare allocators by 'replay'";
}

static void print_cells(struct report *report, const struct handoffs *handoffs)
{
    struct out *out = report->out;
    out_begin_table(out, "handoff_matrix", "Who allocates and who frees, by threads of one name");
    size_t limit = report_top(report, 5);
    for (size_t i = 0; i < handoffs->cell_count && i < limit; i++) {
        const struct handoff_cell *cell = &handoffs->cells[i];
        const struct handoff_group *owner = &handoffs->groups[cell->owner];
        const struct handoff_group *freer = &handoffs->groups[cell->freer];
        uint64_t count = cell->own_count + cell->remote_count;
        out_begin_row(out);
        out_text(out, "owner", "allocated by", owner->name);
        out_count(out, "owner_thread_count", "threads", (int64_t)owner->thread_count);
        out_text(out, "freer", "freed by", freer->name);
        out_count(out, "freer_thread_count", "threads", (int64_t)freer->thread_count);
        out_count(out, "free_count", "blocks", (int64_t)count);
        out_percent(out, "share_pct", "share", (double)count, (double)handoffs->free_count);
        out_count(out, "remote_free_count", "by another thread", (int64_t)cell->remote_count);
        out_bytes(out, "remote_free_bytes", report_label_from(report, 90, "their bytes"),
                  (int64_t)cell->remote_bytes);
        out_end_row(out);
    }
    out_end_table(out);
}

int report_print_handoffs(struct report *report, struct err *err)
{
    struct out *out = report->out;
    char title[REPORT_TITLE_BYTES];
    (void)err;
    if (report->state == NULL) {
        report_note_no_calls(report, "handoffs");
        return 0;
    }
    const struct handoffs *handoffs = handoffs_of(report->state);
    out_begin_section(
        out, "handoffs",
        report_title(report, "Blocks that one thread makes and another frees", title));
    out_count(out, "free_count", "frees", (int64_t)handoffs->free_count);
    out_count(out, "remote_free_count", "by another thread", (int64_t)handoffs->remote_free_count);
    out_percent(out, "remote_free_pct", "  share", (double)handoffs->remote_free_count,
                (double)handoffs->free_count);
    out_real(out, "skew", "skew (1: makers and freers are apart)",
             handoffs->free_count > 0 ? handoffs->skew : NAN, 3);
    out_text(out, "verdict", "verdict", judge_handoffs(handoffs));
    out_end_section(out);
    print_cells(report, handoffs);
    return 0;
}

/* ---- lifo --------------------------------------------------------------------------------------
 */

int report_print_lifo(struct report *report, struct err *err)
{
    struct out *out = report->out;
    char title[REPORT_TITLE_BYTES];
    (void)err;
    if (report->state == NULL) {
        report_note_no_calls(report, "lifo");
        return 0;
    }
    const struct nesting *nesting = nesting_of(report->state);
    double own_count = (double)nesting->own_free_count;
    out_begin_section(out, "lifo", report_title(report, "Order of frees", title));
    out_count(out, "own_free_count", "frees by the thread that allocated",
              (int64_t)nesting->own_free_count);
    out_percent(out, "lifo_pct", "of its youngest live block", (double)nesting->depths[0],
                own_count);
    if (nesting->own_free_count > 0) {
        out_count(out, "depth_p50", "younger blocks live at a free: half up to",
                  (int64_t)nesting_quantile(nesting, 0.5));
        out_count(out, "depth_p90", "  90 % up to", (int64_t)nesting_quantile(nesting, 0.9));
        out_count(out, "depth_p99", "  99 % up to", (int64_t)nesting_quantile(nesting, 0.99));
        out_count(out, "depth_max", "  most", (int64_t)nesting->depth_max);
    }
    out_count(out, "remote_free_count", "frees by another thread",
              (int64_t)nesting->remote_free_count);
    double share = own_count == 0 ? 0 : (double)nesting->depths[0] / own_count;
    out_text(out, "verdict", "verdict",
             own_count == 0  ? "nothing was freed by the thread that had allocated it"
             : share >= 0.95 ? "nearly a stack: a frame or a stack allocator would suit most blocks"
             : share >= 0.5  ? "more than half as on a stack: a small cache of free blocks suffices"
                             : "no stack: blocks die in another order than they were made");
    out_end_section(out);
    return 0;
}

/* ---- churn -------------------------------------------------------------------------------------
 */

enum {
    ARENAS_PER_CPU = 8, /* glibc's limit on 64-bit machines */
};

static void judge_churn(struct report *report, const struct churn *churn)
{
    uint64_t arena_limit = (uint64_t)report->trace->run.cpu_count * ARENAS_PER_CPU;
    uint64_t arena_count = churn->at_once_max < arena_limit ? churn->at_once_max : arena_limit;
    char text[256];
    if (churn->thread_count <= 1) {
        (void)snprintf(text, sizeof(text), "one thread: nothing to set");
    } else if (churn->thread_count > churn->at_once_max * 4) {
        (void)snprintf(text, sizeof(text),
                       "threads come and go: each new one begins with empty caches, and what it "
                       "leaves must be adopted; a pool of threads would spare it");
    } else {
        (void)snprintf(text, sizeof(text),
                       "threads stay: glibc would make up to %llu arenas for them "
                       "(MALLOC_ARENA_MAX=2 saves memory where few allocate at once)",
                       (unsigned long long)arena_count);
    }
    out_text(report->out, "verdict", "verdict", text);
}

int report_print_churn(struct report *report, struct err *err)
{
    struct out *out = report->out;
    const struct process_row *process = report_process(report);
    struct churn churn = {0};
    char title[REPORT_TITLE_BYTES];
    int result = process == NULL ? 0 : churn_find(report->trace, process->id, &churn, err);
    if (result < 0) {
        return result;
    }
    out_begin_section(out, "churn", report_title(report, "Threads that come and go", title));
    out_count(out, "thread_count", "threads that allocated or freed", (int64_t)churn.thread_count);
    out_count(out, "at_once_max", "most at one moment", (int64_t)churn.at_once_max);
    if (churn.duration_ns > 0) {
        out_real(out, "threads_per_s", "new threads per second",
                 (double)churn.thread_count * 1e9 / (double)churn.duration_ns, 2);
    } else {
        out_null(out, "threads_per_s", "new threads per second");
    }
    out_ns(out, "life_p50_ns", "first event to last: half up to", (int64_t)churn.life_p50_ns);
    out_ns(out, "life_max_ns", "  longest", (int64_t)churn.life_max_ns);
    out_count(out, "allocation_p50_count", "allocations of a thread: half up to",
              (int64_t)churn.allocation_p50_count);
    out_count(out, "allocation_max_count", "  most", (int64_t)churn.allocation_max_count);
    out_count(out, "idle_count", "threads with fewer than 100", (int64_t)churn.idle_count);
    judge_churn(report, &churn);
    out_end_section(out);
    if (report->selection->is_sample) {
        out_note(out, "threads of which nothing was sampled are missing from 'churn'");
    }
    return 0;
}
