#include "completeness.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "../base/str.h"
#include "../db/open.h"
#include "missing_programs.h"

/* "cannot VERB 'FILE': WHY; WHAT HELPS" */
static int refuse(const struct trace *trace, const struct completeness_need *need, const char *why,
                  const char *hint, struct err *err)
{
    bool has_hint = hint != NULL;
    return err_set(err, ENODATA, "cannot %s '%s': %s%s%s", need->verb, db_path(trace->db), why,
                   has_hint ? "; " : "", has_hint ? hint : "");
}

/* One of those meant whose malloc was not seen, or NULL. */
static const struct process_row *find_unseen(const struct trace *trace, uint32_t process_id)
{
    for (size_t i = 0; i < trace->process_count; i++) {
        const struct process_row *process = &trace->processes[i];
        if (process->is_malloc_replaced && (process_id == 0 || process->id == process_id)) {
            return process;
        }
    }
    return NULL;
}

static int refuse_unseen(const struct trace *trace, const struct completeness_need *need,
                         struct err *err)
{
    struct str text = {0};
    int result = str_append(&text, "nothing but shells and their like was recorded, and ");
    result = result == 0 ? missing_programs_describe(trace, 0, &text) : result;
    result = result == 0 ? refuse(trace, need, str_text(&text), need->unseen_hint, err)
                         : err_set_errno(err, ENOMEM, "cannot %s", need->verb);
    str_fini(&text);
    return result;
}

int completeness_check(const struct trace *trace, const struct completeness_need *need,
                       struct err *err)
{
    char why[128];
    struct totals totals;
    if (trace_is_sample(trace)) {
        return refuse(trace, need, "it is a sample, most calls were not recorded",
                      "record without --sample", err);
    }
    if (need->has_each_call && trace_is_import(trace)) {
        return refuse(trace, need, "an imported file holds no single allocations",
                      "record with 'allocaudit run'", err);
    }
    if (need->has_each_call && strcmp(trace->run.detail, "full") != 0) {
        return refuse(trace, need, "it holds no single allocations",
                      "record without --detail sites", err);
    }
    if (need->may_be_cut) {
        return 0;
    }
    if (!trace_is_complete(trace)) {
        (void)snprintf(why, sizeof(why), "the recording is incomplete (state '%s')",
                       trace->run.state);
        return refuse(trace, need, why, need->hint, err);
    }
    const struct process_row *unseen = find_unseen(trace, need->process_id);
    if (unseen != NULL) {
        (void)snprintf(why, sizeof(why), "process %u brings its own malloc, which was not seen",
                       (unsigned)unseen->id);
        return refuse(trace, need, why, need->hint, err);
    }
    trace_totals(trace, need->process_id, &totals);
    if (totals.lost_event_count != QUERY_NULL && totals.lost_event_count > 0) {
        (void)snprintf(why, sizeof(why), "%" PRIu64 " events were lost", totals.lost_event_count);
        return refuse(trace, need, why, need->hint, err);
    }
    bool is_unseen = need->process_id == 0 && missing_programs_are_all(trace);
    return is_unseen && !need->may_be_unseen ? refuse_unseen(trace, need, err) : 0;
}
