#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "cmd.h"
#include "model/completeness.h"
#include "model/selection.h"
#include "model/sites.h"
#include "model/stacks.h"
#include "model/trace.h"
#include "report/report.h"

struct gate_settings {
    const char *input;
    const char *process;
    uint64_t max_allocation_count;
    uint64_t max_allocated_bytes;
    uint64_t max_peak_bytes;
    uint64_t max_leaked_count;
    uint64_t max_leaked_bytes;
    uint64_t max_temporary_count;
    bool is_incomplete_allowed;
    struct out_settings out;
};

static const struct option_spec options[] = {
    CMD_INPUT_OPTION(struct gate_settings, input),
    {"max-allocs", '\0', "N", "fail above N allocations", NULL,
     OPTION_COUNT_AT(struct gate_settings, max_allocation_count)},
    {"max-bytes", '\0', "SIZE", "fail above SIZE bytes allocated in all (64KiB, 1.5M)", NULL,
     OPTION_BYTES_AT(struct gate_settings, max_allocated_bytes)},
    {"max-peak", '\0', "SIZE", "fail above SIZE requested bytes live at one moment", NULL,
     OPTION_BYTES_AT(struct gate_settings, max_peak_bytes)},
    {"max-leaks", '\0', "N", "fail above N blocks still live at the end of their process", NULL,
     OPTION_COUNT_AT(struct gate_settings, max_leaked_count)},
    {"max-leaked-bytes", '\0', "SIZE", "fail above SIZE bytes in such blocks", NULL,
     OPTION_BYTES_AT(struct gate_settings, max_leaked_bytes)},
    {"max-temporary", '\0', "N",
     "fail above N blocks that their thread freed before its next allocation", NULL,
     OPTION_COUNT_AT(struct gate_settings, max_temporary_count)},
    {"process", 'p', "ID", "judge only this process: its number in 'report processes', or its pid",
     NULL, OPTION_TEXT_AT(struct gate_settings, process)},
    {"allow-incomplete", '\0', NULL,
     "judge a recording that lost events, was cut or sampled: it may pass though the program "
     "would not",
     NULL, OPTION_FLAG_AT(struct gate_settings, is_incomplete_allowed)},
    OUT_OPTIONS(struct gate_settings, out),
    {0},
};

static const struct option_example examples[] = {
    {"allocaudit gate --max-leaks 0", "no block may be left in use at exit"},
    {"allocaudit gate app.db --max-allocs 250000 --max-peak 64MiB", "two limits at once"},
    {NULL, NULL},
};

static const char *const paragraphs[] = {
    "For each limit: PASS or FAIL, the limit, what was measured, and how much room is left. For a "
    "limit that failed: the site that contributes most to it, and the command that shows more.",
    "Exit status: 0 all limits hold, 1 one does not, 2 wrong usage (also if no limit is given), "
    "3 the recording cannot be read, is empty, lost events, or was cut short.",
    NULL,
};

const struct option_page cmd_gate_page = {
    .command = "gate",
    .purpose = "hold a recording against limits, for scripts and continuous integration",
    .usage = "[FILE] --max-... N [options]",
    .examples = examples,
    .options = options,
    .paragraphs = paragraphs,
};

struct limit {
    const char *name; /* the JSON key of what is limited */
    const char *option;
    enum site_key key; /* what its sites are ranked by */
    bool is_bytes;
    uint64_t allowed; /* OPTION_NOT_GIVEN: none */
    uint64_t measured;
};

enum {
    LIMIT_COUNT = 6
};

struct gate {
    const struct gate_settings *settings;
    const char *path;
    struct trace *trace;
    struct selection selection;
    struct stacks *stacks;
    struct sites *sites;
    struct totals totals;
    struct limit limits[LIMIT_COUNT];
    struct out *out;
};

static bool is_given(const struct limit *limit)
{
    return limit->allowed != OPTION_NOT_GIVEN;
}

static bool has_failed(const struct limit *limit)
{
    return is_given(limit) && limit->measured > limit->allowed;
}

static void fill_limits(struct gate *gate)
{
    const struct gate_settings *settings = gate->settings;
    const struct limit limits[LIMIT_COUNT] = {
        {"allocation_count", "max-allocs", SITE_KEY_COUNT, false, settings->max_allocation_count,
         0},
        {"allocated_bytes", "max-bytes", SITE_KEY_BYTES, true, settings->max_allocated_bytes, 0},
        {"peak_bytes", "max-peak", SITE_KEY_PEAK, true, settings->max_peak_bytes, 0},
        {"leaked_count", "max-leaks", SITE_KEY_LEAKED_COUNT, false, settings->max_leaked_count, 0},
        {"leaked_bytes", "max-leaked-bytes", SITE_KEY_LEAKED, true, settings->max_leaked_bytes, 0},
        {"temporary_count", "max-temporary", SITE_KEY_TEMPORARY, false,
         settings->max_temporary_count, 0},
    };
    memcpy(gate->limits, limits, sizeof(limits));
}

static unsigned given_set(const struct gate *gate)
{
    unsigned key_set = 0;
    for (size_t i = 0; i < LIMIT_COUNT; i++) {
        key_set |= is_given(&gate->limits[i]) ? SITE_KEY_BIT(gate->limits[i].key) : 0;
    }
    return key_set;
}

static int check_recording(const struct gate *gate, struct err *err)
{
    const struct completeness_need need = {
        .verb = "judge",
        .hint = "to judge it all the same: --allow-incomplete",
        .process_id = gate->selection.process_id,
        .may_be_cut = gate->settings->is_incomplete_allowed,
    };
    return completeness_check(gate->trace, &need, err);
}

static int measure(struct gate *gate, struct err *err)
{
    const struct totals *totals = &gate->totals;
    gate->limits[0].measured = totals->allocation_count;
    gate->limits[1].measured = totals->allocated_bytes;
    gate->limits[2].measured = totals->peak_bytes;
    gate->limits[3].measured = totals->leaked_count;
    gate->limits[4].measured = totals->leaked_bytes;
    gate->limits[5].measured = sites_total(gate->sites, SITE_KEY_TEMPORARY);
    for (size_t i = 0; i < LIMIT_COUNT; i++) {
        if (is_given(&gate->limits[i]) && gate->limits[i].measured == QUERY_NULL) {
            return err_set(err, ENODATA, "cannot judge '%s': it does not hold the figure for --%s",
                           gate->path, gate->limits[i].option);
        }
    }
    return 0;
}

static void print_amount(struct out *out, const struct limit *limit, const char *key,
                         const char *label, int64_t amount)
{
    if (limit->is_bytes) {
        out_bytes(out, key, label, amount);
    } else {
        out_count(out, key, label, amount);
    }
}

/* Beneath a limit that failed: the site that contributes most to it. */
static int print_culprit(struct gate *gate, const struct limit *limit, struct err *err)
{
    size_t *places = NULL;
    int count = sites_top(gate->sites, limit->key, 1, &places, err);
    if (count < 0) {
        return count;
    }
    size_t place = count > 0 ? places[0] : 0;
    free(places);
    if (count == 0) {
        return 0;
    }
    struct call_stack stack = {0};
    uint32_t stack_id = sites_stack_id(gate->sites, place);
    int result = stacks_expand(gate->stacks, stack_id, &stack, err);
    if (result < 0) {
        return result;
    }
    uint64_t value = sites_value(gate->sites, place, limit->key);
    struct out *out = gate->out;
    out_begin_list(out, "largest_sites");
    out_begin_row(out);
    out_text(out, "what", "", "most of it:");
    print_amount(out, limit, limit->name, "", (int64_t)value);
    out_percent(out, "share_pct", "", (double)value, (double)sites_total(gate->sites, limit->key));
    out_number(out, "stack_id", NULL, stack_id);
    report_print_shown_frame(out, call_stack_shown(&stack), "");
    out_end_row(out);
    out_end_list(out);
    call_stack_fini(&stack);
    return 0;
}

static int print_limit(struct gate *gate, const struct limit *limit, struct err *err)
{
    struct out *out = gate->out;
    out_begin_row(out);
    out_text(out, "verdict", "verdict", has_failed(limit) ? "FAIL" : "PASS");
    out_text(out, "name", NULL, limit->name);
    out_text(out, "option", "limit", limit->option);
    print_amount(out, limit, "limit", "allowed", (int64_t)limit->allowed);
    print_amount(out, limit, "measured", "measured", (int64_t)limit->measured);
    int64_t margin = (int64_t)limit->allowed - (int64_t)limit->measured;
    print_amount(out, limit, "margin", "margin", margin);
    out_percent(out, "margin_pct", "of the limit", (double)margin, (double)limit->allowed);
    int result = has_failed(limit) ? print_culprit(gate, limit, err) : 0;
    out_end_row(out);
    return result;
}

static void print_next(struct gate *gate)
{
    struct str file = {0};
    bool is_default = strcmp(gate->path, CMD_DEFAULT_FILE) == 0;
    int result = str_append(&file, is_default ? "" : " -i ");
    if (result == 0 && !is_default) {
        result = str_append_quoted(&file, gate->path);
    }
    for (size_t i = 0; i < LIMIT_COUNT && result == 0; i++) {
        if (has_failed(&gate->limits[i])) {
            out_prose(gate->out, "More: allocaudit report sites --sort %s%s",
                      site_key_word(gate->limits[i].key), str_text(&file));
        }
    }
    str_fini(&file);
}

static void print_notes(struct gate *gate)
{
    if (gate->settings->is_incomplete_allowed && !trace_is_complete(gate->trace)) {
        out_note(gate->out, "the recording is incomplete (state '%s'): figures may be too low",
                 gate->trace->run.state);
    }
    uint64_t lost_count = gate->totals.lost_event_count;
    if (lost_count != QUERY_NULL && lost_count > 0) {
        out_note(gate->out, "%" PRIu64 " events were lost: figures are too low", lost_count);
    }
}

static int print_verdict(struct gate *gate)
{
    struct err err;
    int result = out_create("gate", &gate->settings->out, stdout, &gate->out, &err);
    if (result < 0) {
        return cmd_fail(&err);
    }
    size_t failed_count = 0;
    size_t given_count = 0;
    for (size_t i = 0; i < LIMIT_COUNT; i++) {
        failed_count += has_failed(&gate->limits[i]) ? 1 : 0;
        given_count += is_given(&gate->limits[i]) ? 1 : 0;
    }
    out_begin_section(gate->out, "gate", "Gate");
    out_text(gate->out, "verdict", "verdict", failed_count > 0 ? "FAIL" : "PASS");
    out_count(gate->out, "limit_count", "limits", (int64_t)given_count);
    out_count(gate->out, "failed_count", "not held", (int64_t)failed_count);
    out_end_section(gate->out);
    out_begin_table(gate->out, "limits", "Limits");
    for (size_t i = 0; i < LIMIT_COUNT && result == 0; i++) {
        if (is_given(&gate->limits[i])) {
            result = print_limit(gate, &gate->limits[i], &err);
        }
    }
    out_end_table(gate->out);
    if (result < 0) {
        out_destroy(gate->out);
        return cmd_fail(&err);
    }
    print_next(gate);
    print_notes(gate);
    return cmd_finish(gate->out, failed_count > 0 ? CMD_GATE_FAILED : CMD_DONE);
}

static int judge(struct gate *gate)
{
    struct err err;
    const struct selection_request request = {
        .process = gate->settings->process,
        .from_ns = QUERY_NULL,
        .to_ns = QUERY_NULL,
    };
    int result = selection_resolve(gate->trace, &request, &gate->selection, &err);
    if (result == -ENOENT || result == -EINVAL) {
        return cmd_misuse(&cmd_gate_page, "%s", err.text);
    }
    if (result == 0) {
        trace_totals(gate->trace, gate->selection.process_id, &gate->totals);
        result = check_recording(gate, &err);
    }
    if (result == 0) {
        result = stacks_create(gate->trace->db, &gate->stacks, &err);
    }
    if (result == 0) {
        result = sites_load(gate->trace, &gate->selection, given_set(gate), 1, &gate->sites, &err);
    }
    if (result == 0) {
        result = measure(gate, &err);
    }
    return result < 0 ? cmd_fail(&err) : print_verdict(gate);
}

int cmd_gate(int argc, char **argv)
{
    struct gate_settings settings = {
        .max_allocation_count = OPTION_NOT_GIVEN,
        .max_allocated_bytes = OPTION_NOT_GIVEN,
        .max_peak_bytes = OPTION_NOT_GIVEN,
        .max_leaked_count = OPTION_NOT_GIVEN,
        .max_leaked_bytes = OPTION_NOT_GIVEN,
        .max_temporary_count = OPTION_NOT_GIVEN,
    };
    struct option_arguments arguments;
    int status = CMD_DONE;
    if (!cmd_begin(&cmd_gate_page, argc, argv, &settings, &arguments, &status)) {
        return status;
    }
    struct gate gate = {.settings = &settings, .path = cmd_take_file(settings.input, &arguments)};
    fill_limits(&gate);
    if (arguments.count > 0) {
        return cmd_misuse(&cmd_gate_page,
                          "unexpected '%s' (a file's name ends in .db or holds a '/')",
                          arguments.words[0]);
    }
    if (given_set(&gate) == 0) {
        return cmd_misuse(&cmd_gate_page, "no limit given: such as --max-leaks 0");
    }

    struct err err;
    int result = trace_open(gate.path, &gate.trace, &err);
    if (result == 0) {
        result = trace_check_content(gate.trace, &err);
    }
    status = result < 0 ? cmd_fail(&err) : judge(&gate);
    sites_destroy(gate.sites);
    stacks_destroy(gate.stacks);
    selection_fini(&gate.selection);
    trace_close(gate.trace);
    return status;
}
