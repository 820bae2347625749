/*
 * What is not in the recording, and why: figures of what is there would else pass for all.
 */
#include "report.h"

#include "../base/str.h"
#include "../db/query_unrecorded.h"

static void print_program(struct report *report, const struct unrecorded_row *row)
{
    struct out *out = report->out;
    bool has_parent = row->parent_id != QUERY_NULL;
    const struct process_row *parent =
        has_parent ? trace_process(report->trace, (uint32_t)row->parent_id) : NULL;
    out_begin_row(out);
    out_text(out, "path", "program", row->path != NULL ? row->path : "others, not named");
    out_text(out, "reason", NULL, row->reason != NULL ? row->reason : "unknown");
    out_text(out, "why", "why", query_unrecorded_why(row->reason));
    out_count(out, "process_count", "processes", (int64_t)row->process_count);
    if (row->pid != QUERY_NULL) {
        out_number(out, "pid", "first pid", (int64_t)row->pid);
    }
    if (parent != NULL) {
        out_number(out, "parent_id", NULL, parent->id);
        out_text(out, "started_by", "started by", str_base_name(parent->executable));
    }
    if (row->at_ns != QUERY_NULL) {
        out_ns(out, "at_ns", "at", (int64_t)row->at_ns);
    }
    out_end_row(out);
}

int report_print_unrecorded(struct report *report, struct err *err)
{
    (void)err;
    const struct trace *trace = report->trace;
    uint32_t process_id = report->selection->process_id;
    bool is_begun = false;
    for (size_t i = 0; i < trace->unrecorded_count; i++) {
        const struct unrecorded_row *row = &trace->unrecorded[i];
        if (process_id != 0 && row->parent_id != process_id) {
            continue;
        }
        if (!is_begun) {
            out_begin_table(report->out, "unrecorded", "Processes that were not recorded");
            is_begun = true;
        }
        print_program(report, row);
    }
    if (!is_begun && !report->is_overview) {
        out_begin_table(report->out, "unrecorded", "Processes that were not recorded");
        out_end_table(report->out);
        out_note(report->out, "none is known of: docs/reliability.md says what would not be seen");
    }
    if (is_begun) {
        out_end_table(report->out);
        out_note(report->out,
                 "what such processes allocated, and whatever they started in their turn, "
                 "is not in any figure");
    }
    return 0;
}
