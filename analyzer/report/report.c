#include "report.h"
#include "../base/str.h"

#include <string.h>

bool report_is_whole(const struct report *report)
{
    return !report->selection->is_part_of_run && !selection_has_frames(report->selection);
}

size_t report_top(const struct report *report, size_t overview_count)
{
    if (report->settings->top_count != OPTION_NOT_GIVEN) {
        return (size_t)report->settings->top_count;
    }
    if (report->is_page) {
        return 50;
    }
    return report->is_overview ? overview_count : 20;
}

size_t report_top_drawn(const struct report *report, size_t overview_count)
{
    return report->is_page ? SIZE_MAX : report_top(report, overview_count);
}

const char *report_label_from(const struct report *report, unsigned least_columns,
                              const char *label)
{
    unsigned columns = out_width_columns(report->out);
    return columns == 0 || columns >= least_columns ? label : NULL;
}

const char *report_file_words(const struct report *report)
{
    return str_text(&report->file_words);
}

const struct process_row *report_process(const struct report *report)
{
    uint32_t process_id = report->selection->process_id;
    return process_id != 0 ? trace_process(report->trace, process_id)
                           : trace_largest_process(report->trace);
}

const char *report_title(const struct report *report, const char *subject,
                         char out_title[REPORT_TITLE_BYTES])
{
    const struct process_row *process = report_process(report);
    if (report->trace->process_count > 1 && process != NULL) {
        (void)snprintf(out_title, REPORT_TITLE_BYTES, "%s of process %u (%s)%s", subject,
                       process->id, str_base_name(process->executable),
                       report->selection->process_id == 0 ? ", which has the highest peak" : "");
    } else {
        (void)snprintf(out_title, REPORT_TITLE_BYTES, "%s", subject);
    }
    return out_title;
}

bool report_has_calls(const struct report *report)
{
    return report->trace->run.sample_bytes == QUERY_NULL &&
           strcmp(report->trace->run.detail, "full") == 0;
}

/* A page has all sections: one note for those that it lacks. */
static void leave_out(struct report *report, const char *section)
{
    struct str *names = &report->left_out;
    (void)str_printf(names, "%s%s", names->size_bytes > 0 ? ", " : "", section);
}

void report_note_no_calls(struct report *report, const char *section)
{
    if (report->is_page) {
        leave_out(report, section);
        return;
    }
    bool is_sample = report->trace->run.sample_bytes != QUERY_NULL;
    if (trace_is_import(report->trace)) {
        out_note(report->out,
                 "section '%s' needs every allocation in its order, which an imported file does "
                 "not have: record with 'allocaudit run'",
                 section);
        return;
    }
    out_note(report->out, "section '%s' needs every allocation in its order: record without %s",
             section, is_sample ? "--sample" : "--detail sites");
}

bool report_is_go(const struct report *report)
{
    return report->trace->is_go;
}

bool report_has_allocations(const struct report *report)
{
    return !report->trace->is_go || report->trace->has_go_sites ||
           report->totals.allocation_count > 0;
}
