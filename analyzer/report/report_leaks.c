/*
 * What a report knows of leaks beyond their number: kinds, and what is suppressed.
 */
#include "../model/counted_leaks.h"
#include "report.h"

int report_load_leaks(struct report *report, struct err *err)
{
    const struct selection *selection = report->selection;
    if (selection->is_part_of_run) {
        return 0;
    }
    int result = site_leaks_load(&report->leaks, report->trace, selection->process_id, err);
    if (result < 0 || report->settings->suppressions == NULL) {
        return result;
    }
    result = suppressions_read(&report->suppressions, report->settings->suppressions, err);
    if (result < 0) {
        return result;
    }
    const struct counted_leaks counted = {.kinds = ~0u, .suppressions = &report->suppressions};
    return counted_leaks_apply(&counted, &report->leaks, report->stacks, report->sites, err);
}
