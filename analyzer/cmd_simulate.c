#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "catalog/policy_option.h"
#include "cli/plot.h"
#include "cli/term.h"
#include "cmd.h"
#include "model/completeness.h"
#include "model/selection.h"
#include "model/trace.h"
#include "sim/sim_timing.h"
#include "sim/simulation.h"

enum {
    PLOT_LINES = 8,
};

struct simulate_settings {
    const char *input;
    const char *policy;
    const char *process;
    struct out_settings out;
};

static const struct option_spec options[] = {
    CMD_INPUT_OPTION(struct simulate_settings, input),
    {"policy", '\0', "POLICY",
     "pool, frame, buddy or slab, with settings if need be (pool:chunk_bytes=16384,sizes=32+48)",
     "all four, side by side", OPTION_TEXT_AT(struct simulate_settings, policy)},
    {"process", 'p', "ID", "the process to simulate: its number in 'report processes', or its pid",
     "the one with the highest peak", OPTION_TEXT_AT(struct simulate_settings, process)},
    OUT_OPTIONS(struct simulate_settings, out),
    {0},
};

static const struct option_example examples[] = {
    {"allocaudit simulate", "would a pool, a frame allocator, a buddy or a slab do?"},
    {"allocaudit simulate app.db --policy buddy:is_weighted=1", "one of them in detail"},
    {NULL, NULL},
};

static const char *const paragraphs[] = {
    "Plays the recorded calls against the code that 'run --policy' puts into a program, over "
    "addresses without memory. What a policy declines (too large, mostly) stays with the next "
    "allocator and is not in its footprint.",
    "At the peak: footprint = requested + rounding + holes. Rounding is what blocks have beyond "
    "the "
    "request; holes are free blocks, and what the policy keeps for itself.",
    "Settings of pool: chunk_bytes, block_max_bytes, spare_chunks, and sizes (16+32+48). Of frame: "
    "chunk_bytes, block_max_bytes, spare_chunks. Of buddy: zone_bytes, block_min_bytes, "
    "block_max_bytes, is_weighted, lazy_count, spare_zones. Of slab: objects_min, slab_max_bytes, "
    "block_max_bytes, partial_min, partial_order, and sizes.",
    NULL,
};

const struct option_page cmd_simulate_page = {
    .command = "simulate",
    .purpose = "play a recording against a pool, frame, buddy or slab allocator",
    .usage = "[FILE] [options]",
    .examples = examples,
    .options = options,
    .paragraphs = paragraphs,
};

struct simulate {
    const struct simulate_settings *settings;
    const char *path;
    struct trace *trace;
    const struct process_row *process;
    struct policy_settings policies[POLICY_KIND_COUNT];
    struct simulation_result results[POLICY_KIND_COUNT];
    struct sim_timing timings[POLICY_KIND_COUNT];
    size_t policy_count;
    struct out *out;
};

static int check_process(const struct simulate *simulate, struct err *err)
{
    const struct completeness_need need = {
        .verb = "simulate",
        .process_id = simulate->process->id,
        .has_each_call = true,
    };
    return completeness_check(simulate->trace, &need, err);
}

static int choose_process(struct simulate *simulate, struct err *err)
{
    const struct selection_request request = {
        .process = simulate->settings->process,
        .from_ns = QUERY_NULL,
        .to_ns = QUERY_NULL,
    };
    struct selection selection;
    int result = selection_resolve(simulate->trace, &request, &selection, err);
    if (result < 0) {
        return result;
    }
    simulate->process = selection.process_id != 0
                            ? trace_process(simulate->trace, selection.process_id)
                            : trace_largest_process(simulate->trace);
    selection_fini(&selection);
    return 0;
}

static int run_all(struct simulate *simulate, struct err *err)
{
    int result = 0;
    struct term_progress progress;
    term_progress_begin(&progress, stderr, "simulating");
    for (size_t i = 0; i < simulate->policy_count && result == 0; i++) {
        term_progress_update(&progress, i, simulate->policy_count);
        result = simulation_run(simulate->trace, simulate->process->id, &simulate->policies[i],
                                &simulate->results[i], err);
        if (result == 0) {
            result = sim_timing_measure(simulate->trace, simulate->process->id,
                                        &simulate->policies[i], &simulate->timings[i], err);
        }
    }
    term_progress_end(&progress);
    return result;
}

static void print_parts(struct out *out, const struct simulation_moment *moment)
{
    out_bytes(out, "footprint_bytes", "footprint", (int64_t)moment->footprint_bytes);
    out_bytes(out, "requested_bytes", "  requested", (int64_t)moment->requested_bytes);
    out_bytes(out, "rounding_bytes", "  rounding", (int64_t)moment->rounding_bytes);
    out_bytes(out, "holes_bytes", "  holes", (int64_t)moment->holes_bytes);
    out_bytes(out, "declined_bytes", "declined", (int64_t)moment->declined_bytes);
}

static void print_moment(struct out *out, const char *key, const char *title,
                         const struct simulation_moment *moment)
{
    out_begin_section(out, key, title);
    out_ns(out, "at_ns", "at", (int64_t)moment->at_ns);
    print_parts(out, moment);
    out_end_section(out);
}

static void print_comparison(struct simulate *simulate)
{
    struct out *out = simulate->out;
    out_begin_table(out, "policies", "Policies, at the peak of each");
    for (size_t i = 0; i < simulate->policy_count; i++) {
        const struct simulation_result *result = &simulate->results[i];
        uint64_t call_count = result->served_count + result->declined_count;
        out_begin_row(out);
        out_text(out, "policy", "policy", policy_kind_name(simulate->policies[i].kind));
        out_percent(out, "served_pct", "served", (double)result->served_count, (double)call_count);
        out_bytes(out, "footprint_bytes", "footprint", (int64_t)result->peak.footprint_bytes);
        out_bytes(out, "requested_bytes", "requested", (int64_t)result->peak.requested_bytes);
        out_bytes(out, "rounding_bytes", "rounding", (int64_t)result->peak.rounding_bytes);
        out_bytes(out, "holes_bytes", "holes", (int64_t)result->peak.holes_bytes);
        out_bytes(out, "declined_bytes", "declined", (int64_t)result->peak.declined_bytes);
        out_bytes(out, "mean_footprint_bytes", "mean", (int64_t)result->mean.footprint_bytes);
        out_real(out, "call_ns", "ns a call", simulate->timings[i].call_ns, 1);
        out_count(out, "step_max", "steps", (int64_t)result->counts[COUNT_step_max]);
        out_end_row(out);
    }
    out_end_table(out);
}

static void print_counts(struct out *out, const struct simulation_result *result)
{
    out_begin_table(out, "counters", "Counted");
    for (unsigned i = 0; i < POLICY_COUNTER_COUNT; i++) {
        bool is_shown = result->counts[i] != 0 || out_is_json(out);
        if (is_shown) {
            out_begin_row(out);
            out_text(out, "name", "name", policy_counter_names[i]);
            out_count(out, "value", "value", (int64_t)result->counts[i]);
            out_aside(out, "meaning", "", policy_counter_texts[i]);
            out_end_row(out);
        }
    }
    out_end_table(out);
}

static void print_slices(struct out *out, const struct simulation_result *result)
{
    out_begin_table(out, "timeline", NULL);
    for (size_t i = 0; i < result->slice_count; i++) {
        const struct simulation_moment *slice = &result->slices[i];
        out_begin_row(out);
        out_ns(out, "at_ns", NULL, (int64_t)slice->at_ns);
        out_bytes(out, "footprint_bytes", NULL, (int64_t)slice->footprint_bytes);
        out_bytes(out, "requested_bytes", NULL, (int64_t)slice->requested_bytes);
        out_bytes(out, "declined_bytes", NULL, (int64_t)slice->declined_bytes);
        out_end_row(out);
    }
    out_end_table(out);
}

static void plot_footprint(struct simulate *simulate, const struct simulation_result *result)
{
    struct str text = {0};
    int64_t values[SIMULATION_SLICES];
    unsigned width = out_width_columns(simulate->out);
    const struct plot_settings settings = {
        .width_columns = width >= 40 ? width : 80,
        .height_lines = PLOT_LINES,
        .is_utf8 = term_is_utf8(),
        .has_bytes = true,
    };
    for (size_t i = 0; i < result->slice_count; i++) {
        values[i] = (int64_t)result->slices[i].footprint_bytes;
    }
    if (result->slice_count > 0 &&
        plot_timeline(&settings, values, result->slice_count,
                      (int64_t)simulate->process->started_ns,
                      (int64_t)(simulate->process->started_ns + result->mean.at_ns), &text) == 0) {
        out_prose(simulate->out, "Footprint over time\n%s", str_text(&text));
    }
    str_fini(&text);
}

static void print_detail(struct simulate *simulate)
{
    struct out *out = simulate->out;
    const struct simulation_result *result = &simulate->results[0];
    out_begin_section(out, "simulation", "Simulation");
    out_text(out, "policy", "policy", simulate->settings->policy);
    out_count(out, "operation_count", "calls", (int64_t)result->operation_count);
    out_count(out, "served_count", "served", (int64_t)result->served_count);
    out_count(out, "declined_count", "declined", (int64_t)result->declined_count);
    out_real(out, "call_ns", "ns a call, of the policy's own code", simulate->timings[0].call_ns,
             1);
    out_bytes(out, "requested_max_bytes", "most requested, of all blocks",
              (int64_t)result->requested_max_bytes);
    out_end_section(out);
    print_moment(out, "peak", "At its peak", &result->peak);
    print_moment(out, "end", "At the end", &result->end);
    out_begin_section(out, "mean", "On average");
    out_ns(out, "duration_ns", "over", (int64_t)result->mean.at_ns);
    print_parts(out, &result->mean);
    out_end_section(out);
    print_counts(out, result);
    if (out_is_json(out)) {
        print_slices(out, result);
    } else {
        plot_footprint(simulate, result);
    }
}

static int print(struct simulate *simulate)
{
    struct err err;
    int result = out_create("simulate", &simulate->settings->out, stdout, &simulate->out, &err);
    if (result < 0) {
        return cmd_fail(&err);
    }
    if (simulate->settings->policy != NULL) {
        print_detail(simulate);
    } else {
        print_comparison(simulate);
        out_prose(simulate->out, "Try one: allocaudit run --policy pool COMMAND");
    }
    if (simulate->results[0].operation_count == 0) {
        out_note(simulate->out, "the process made no allocation");
    }
    if (simulate->trace->process_count > 1) {
        out_note(simulate->out, "of process %" PRIu32 " (%s) alone", simulate->process->id,
                 simulate->process->executable);
    }
    return cmd_finish(simulate->out, CMD_DONE);
}

static int simulate_file(struct simulate *simulate)
{
    struct err err;
    int result = trace_open(simulate->path, &simulate->trace, &err);
    if (result == 0) {
        result = trace_check_content(simulate->trace, &err);
    }
    if (result < 0) {
        return cmd_fail(&err);
    }
    result = choose_process(simulate, &err);
    if (result == -ENOENT || result == -EINVAL) {
        return cmd_misuse(&cmd_simulate_page, "%s", err.text);
    }
    if (result == 0) {
        result = check_process(simulate, &err);
    }
    if (result == 0) {
        result = run_all(simulate, &err);
    }
    return result < 0 ? cmd_fail(&err) : print(simulate);
}

/* Returns 0, or CMD_WRONG_USAGE after telling why. */
static int choose_policies(struct simulate *simulate)
{
    struct err err;
    if (simulate->settings->policy == NULL) {
        for (unsigned kind = 0; kind < POLICY_KIND_COUNT; kind++) {
            policy_settings_init(&simulate->policies[simulate->policy_count++],
                                 (enum policy_kind)kind);
        }
        return 0;
    }
    simulate->policy_count = 1;
    if (policy_option_parse(simulate->settings->policy, &simulate->policies[0], &err) < 0) {
        return cmd_misuse(&cmd_simulate_page, "%s", err.text);
    }
    return 0;
}

int cmd_simulate(int argc, char **argv)
{
    struct simulate_settings settings = {0};
    struct option_arguments arguments;
    int status = CMD_DONE;
    if (!cmd_begin(&cmd_simulate_page, argc, argv, &settings, &arguments, &status)) {
        return status;
    }
    struct simulate *simulate = calloc(1, sizeof(*simulate));
    if (simulate == NULL) {
        struct err err;
        err_set_errno(&err, ENOMEM, "cannot simulate");
        return cmd_fail(&err);
    }
    simulate->settings = &settings;
    simulate->path = cmd_take_file(settings.input, &arguments);
    if (arguments.count > 0) {
        status = cmd_misuse(&cmd_simulate_page,
                            "unexpected '%s' (a file's name ends in .db or holds a '/')",
                            arguments.words[0]);
    } else {
        status = choose_policies(simulate);
        status = status != 0 ? status : simulate_file(simulate);
    }
    trace_close(simulate->trace);
    free(simulate);
    return status;
}
