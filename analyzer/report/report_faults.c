/*
 * Errors of the program: what it called the allocator with and must not have.
 */
#include "../base/str.h"
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

static void print_number_or_null(struct out *out, const char *key, uint64_t value)
{
    if (value == QUERY_NULL) {
        out_null(out, key, NULL);
    } else {
        out_number(out, key, NULL, (int64_t)value);
    }
}

/* "function (file.c:12)" of the innermost frame outside the C++ library's operators. */
static int print_call_place(struct fault_table *table, const char *key, const char *label,
                            uint64_t stack_id, const char *unknown)
{
    struct out *out = table->report->out;
    if (stack_id == QUERY_NULL) {
        out_text(out, key, label, unknown);
        return 0;
    }
    struct call_stack stack = {0};
    int result = stacks_expand(table->report->stacks, (uint32_t)stack_id, &stack, table->err);
    if (result < 0) {
        return result;
    }
    const struct stack_frame *frame = call_stack_shown(&stack);
    struct str place = {0};
    if (frame != NULL && frame->file != NULL && frame->line > 0) {
        result = str_printf(&place, "%s (%s:%u)", frame->function, str_base_name(frame->file),
                            frame->line);
    } else {
        result = str_printf(&place, "%s", frame != NULL ? frame->function : unknown);
    }
    if (result == 0) {
        out_text(out, key, label, str_text(&place));
    }
    str_fini(&place);
    call_stack_fini(&stack);
    return result;
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
    print_number_or_null(out, "address", row->address);
    print_number_or_null(out, "given", row->given);
    print_number_or_null(out, "stack_id", row->stack_id);
    print_number_or_null(out, "block_id", row->block_id);
    print_number_or_null(out, "block_address", row->block_address);
    print_number_or_null(out, "block_stack_id", row->block_stack_id);
    print_number_or_null(out, "block_freed_ns", row->block_freed_ns);
    int result = print_call_place(table, "called_at", "in", row->stack_id, "?");
    if (result == 0) {
        result = print_call_place(table, "allocated_at", "block of", row->block_stack_id, "-");
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
