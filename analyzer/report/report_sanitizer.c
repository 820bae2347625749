/*
 * Reports of sanitizers: each with the blocks that it names, as they were recorded.
 */
#include <string.h>

#include "../db/query_run.h"
#include "../db/query_sanitizer.h"
#include "report.h"

static const char title[] = "Reports of sanitizers";

struct sanitizer_table {
    struct report *report;
    struct err *err;
    const struct sanitizer_report_row *row; /* the report whose blocks are printed */
    size_t row_count;                       /* there are, one for each block */
    size_t shown_count;
};

/* ---- for programs ------------------------------------------------------------------------------
 */

static void print_block_numbers(struct out *out, const struct sanitizer_block_row *block)
{
    report_print_number(out, "address", block->address);
    report_print_number(out, "size_bytes", block->size_bytes);
    report_print_number(out, "block_count", block->block_count);
    report_print_number(out, "block_id", block->block_id);
    report_print_number(out, "stack_id", block->stack_id);
    report_print_number(out, "freed_stack_id", block->freed_stack_id);
    report_print_number(out, "freed_ns", block->freed_ns);
    report_print_number(out, "freed_by_thread_id", block->freed_by_thread_id);
}

static int print_block_object(void *context, const struct sanitizer_block_row *block)
{
    struct sanitizer_table *table = context;
    struct out *out = table->report->out;
    out_begin_row(out);
    out_text(out, "role", NULL, block->role);
    print_block_numbers(out, block);
    int result =
        report_print_place(table->report, "allocated_at", NULL, block->stack_id, "", table->err);
    if (result == 0) {
        result = report_print_place(table->report, "freed_at", NULL, block->freed_stack_id, "",
                                    table->err);
    }
    out_end_row(out);
    return result;
}

static int print_report_object(void *context, const struct sanitizer_report_row *row)
{
    struct sanitizer_table *table = context;
    struct out *out = table->report->out;
    if (table->shown_count++ == 0) {
        out_begin_table(out, "sanitizer", title);
    }
    table->row_count++;
    out_begin_row(out);
    out_number(out, "id", NULL, row->id);
    out_number(out, "process_id", NULL, row->process_id);
    out_number(out, "thread_id", NULL, row->thread_id);
    out_number(out, "at_ns", NULL, (int64_t)row->at_ns);
    out_text(out, "tool", NULL, row->tool);
    out_text(out, "kind", NULL, row->kind);
    report_print_number(out, "address", row->address);
    out_text(out, "access", NULL, row->access);
    report_print_number(out, "access_bytes", row->access_bytes);
    report_print_number(out, "stack_id", row->stack_id);
    int result =
        report_print_place(table->report, "happened_at", NULL, row->stack_id, "", table->err);
    out_begin_list(out, "blocks");
    if (result == 0) {
        result = query_sanitizer_blocks(table->report->trace->db, row->id, print_block_object,
                                        table, table->err);
    }
    out_end_list(out);
    out_text(out, "text", NULL, row->text);
    out_end_row(out);
    return result;
}

/* ---- for people --------------------------------------------------------------------------------
 */

/* A report is told when it is whole: looking the names up for it may have taken a while. */
static void print_block_history(struct out *out, const struct sanitizer_report_row *row,
                                const struct sanitizer_block_row *block)
{
    bool is_dead = block->freed_ns != QUERY_NULL && block->freed_ns <= row->at_ns;
    if (is_dead) {
        out_number(out, "freed_by_thread_id", "by thread", (int64_t)block->freed_by_thread_id);
        out_ns(out, "freed_before_ns", "at most before", (int64_t)(row->at_ns - block->freed_ns));
    } else {
        out_null(out, "freed_by_thread_id", "by thread");
        out_null(out, "freed_before_ns", "at most before");
    }
}

/* A report and one of its blocks. */
static int print_row(struct sanitizer_table *table, const struct sanitizer_block_row *block)
{
    struct report *report = table->report;
    struct out *out = report->out;
    const struct sanitizer_report_row *row = table->row;
    table->row_count++;
    if (table->row_count > report_top(report, 5)) {
        return 0;
    }
    if (table->row_count == 1) {
        out_begin_table(out, "sanitizer", title);
    }
    table->shown_count++;
    out_begin_row(out);
    out_ns(out, "at_ns", "at", (int64_t)row->at_ns);
    out_number(out, "thread_id", "thread", row->thread_id);
    out_text(out, "kind", "error", row->kind);
    int result = report_print_place(report, "happened_at", "in", row->stack_id, "-", table->err);
    out_count(out, "block_count", "blocks", (int64_t)block->block_count);
    out_bytes(out, "size_bytes", "bytes", (int64_t)block->size_bytes);
    if (result == 0) {
        result = report_print_place(report, "allocated_at", "allocated in", block->stack_id, "-",
                                    table->err);
    }
    if (result == 0) {
        result = report_print_place(report, "freed_at", "freed in", block->freed_stack_id, "-",
                                    table->err);
    }
    print_block_history(out, row, block);
    out_end_row(out);
    return result;
}

static int print_block_row(void *context, const struct sanitizer_block_row *block)
{
    return print_row(context, block);
}

static int print_report_rows(void *context, const struct sanitizer_report_row *row)
{
    struct sanitizer_table *table = context;
    size_t before = table->row_count;
    table->row = row;
    int result = query_sanitizer_blocks(table->report->trace->db, row->id, print_block_row, table,
                                        table->err);
    if (result == 0 && table->row_count == before) {
        const struct sanitizer_block_row none = {
            .stack_id = QUERY_NULL, .freed_stack_id = QUERY_NULL, .freed_ns = QUERY_NULL};
        result = print_row(table, &none);
    }
    return result;
}

static void print_remarks(const struct sanitizer_table *table)
{
    struct out *out = table->report->out;
    if (table->row_count == 0 && !table->report->is_overview) {
        out_begin_table(out, "sanitizer", title);
        out_end_table(out);
        if (!table->report->is_page) {
            out_note(out, "no report of a sanitizer was seen: build the program with "
                          "-fsanitize=address or -fsanitize=leak");
        }
    }
    if (table->row_count > table->shown_count) {
        out_note(out,
                 "blocks in reports of sanitizers: %zu ('allocaudit report sanitizer%s --top "
                 "%zu')",
                 table->row_count, report_file_words(table->report), table->row_count);
    }
    if (table->row_count > 0) {
        out_note(out,
                 "what a sanitizer has printed: 'allocaudit sql%s \"SELECT text FROM "
                 "sanitizer_report\"'",
                 report_file_words(table->report));
    }
}

int report_print_sanitizer(struct report *report, struct err *err)
{
    struct sanitizer_table table = {.report = report, .err = err};
    uint32_t process_id = report->selection->process_id;
    struct db *db = report->trace->db;
    bool is_json = out_is_json(report->out);
    int result = query_sanitizer_reports(
        db, process_id, is_json ? print_report_object : print_report_rows, &table, err);
    if (table.shown_count > 0) {
        out_end_table(report->out);
    }
    if (result == 0) {
        print_remarks(&table);
    }
    return result;
}
