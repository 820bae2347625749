/*
 * Errors of the program: what it called the allocator with and must not have.
 */
#include "report.h"

#include <stdio.h>
#include <string.h>

#include "../db/query_fault.h"

struct fault_table {
    struct report *report;
    struct err *err;
    size_t count;
    size_t shown_count;
    bool lacks_stacks;
};

static const char *explain(const char *kind)
{
    static const struct {
        const char *kind;
        const char *text;
    } texts[] = {
        {"double_free", "freed a block that had been freed before"},
        {"realloc_of_freed", "resized a block that had been freed before"},
        {"interior_free", "freed an address inside a block"},
        {"foreign_free", "freed what no allocation has given"},
        {"invalid_free", "freed what is no block in use"},
        {"mismatched_free", "freed by a call that does not belong to its allocation"},
        {"wrong_size", "deleted with a size that it was not made with"},
        {"bad_alignment", "asked for an alignment that is not allowed"},
    };
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        if (strcmp(texts[i].kind, kind) == 0) {
            return texts[i].text;
        }
    }
    return kind;
}

static int print_fault(void *context, const struct fault_row *row)
{
    struct fault_table *table = context;
    struct out *out = table->report->out;
    table->count++;
    table->lacks_stacks = table->lacks_stacks || row->stack_id == QUERY_NULL;
    if (table->count > report_top(table->report, 5)) {
        return 0;
    }
    if (table->count == 1) {
        out_begin_table(out, "faults", "Errors of the program");
    }
    table->shown_count++;
    out_begin_row(out);
    out_ns(out, "at_ns", "at", (int64_t)row->at_ns);
    out_number(out, "process_id", NULL, row->process_id);
    out_number(out, "thread_id", "thread", row->thread_id);
    out_text(out, "kind", NULL, row->kind);
    out_text(out, "call", "call", row->call);
    report_print_number(out, "address", row->address);
    report_print_number(out, "given", row->given);
    report_print_number(out, "stack_id", row->stack_id);
    report_print_number(out, "block_id", row->block_id);
    report_print_number(out, "block_address", row->block_address);
    report_print_number(out, "block_stack_id", row->block_stack_id);
    report_print_number(out, "block_freed_ns", row->block_freed_ns);
    int result =
        report_print_place(table->report, "called_at", "in", row->stack_id, "?", table->err);
    if (result == 0) {
        result = report_print_place(table->report, "allocated_at", "block of", row->block_stack_id,
                                    "-", table->err);
    }
    out_text(out, "meaning", "what", explain(row->kind));
    out_end_row(out);
    return result;
}

int report_print_faults(struct report *report, struct err *err)
{
    struct fault_table table = {.report = report, .err = err};
    int result =
        query_faults(report->trace->db, report->selection->process_id, print_fault, &table, err);
    if (table.shown_count > 0) {
        out_end_table(report->out);
    }
    if (result < 0) {
        return result;
    }
    if (table.count == 0 && !report->is_overview) {
        out_begin_table(report->out, "faults", "Errors of the program");
        out_end_table(report->out);
        out_note(report->out,
                 "no error was seen. Looked for: frees of what is no live block, calls "
                 "that do not belong to the allocation, wrong sizes and alignments");
    }
    if (table.count > table.shown_count) {
        out_note(report->out, "errors of the program: %zu ('allocaudit report faults%s --top %zu')",
                 table.count, report_file_words(report), table.count);
    }
    if (table.lacks_stacks) {
        out_note(
            report->out,
            "where the stack of a faulty call is '?', the call looked like any other when it "
            "was made, and stacks of frees are not recorded; the time, the thread and the block "
            "are right");
    }
    return 0;
}
