#include "simulate_answer.h"

#include <inttypes.h>

#include "../base/str.h"
#include "../cli/plot.h"
#include "../cli/term.h"

enum {
    PLOT_LINES = 8,
};

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

static void print_comparison(struct simulate_answer *simulate)
{
    struct out *out = simulate->out;
    out_begin_table(out, "policies", "Policies, at the peak of each");
    for (size_t i = 0; i < simulate->result_count; i++) {
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
        out_count(out, "step_max", "steps", (int64_t)result->counts[0][COUNT_step_max]);
        out_end_row(out);
    }
    out_end_table(out);
}

static void print_counts(struct out *out, const struct simulation_result *result)
{
    out_begin_table(out, "counters", "Counted");
    for (unsigned i = 0; i < POLICY_COUNTER_COUNT; i++) {
        bool is_shown = result->counts[0][i] != 0 || out_is_json(out);
        if (is_shown) {
            out_begin_row(out);
            out_text(out, "name", "name", policy_counter_names[i]);
            out_count(out, "value", "value", (int64_t)result->counts[0][i]);
            out_aside(out, "meaning", "", policy_counter_texts[i]);
            out_end_row(out);
        }
    }
    out_end_table(out);
}

/* What each rule served, and in JSON all that its policy counted. */
static void print_rules(const struct simulate_answer *simulate)
{
    struct out *out = simulate->out;
    const struct simulation_result *result = &simulate->results[0];
    out_begin_table(out, "rules", "Rules");
    for (size_t i = 0; i < result->policy_count; i++) {
        const struct plan_rule *rule = &simulate->plan.rules[i];
        const uint64_t *counts = result->counts[i];
        uint64_t served_count = counts[COUNT_take_count] + counts[COUNT_resize_count];
        uint64_t declined_count = counts[COUNT_declined_size_count] +
                                  counts[COUNT_declined_alignment_count] +
                                  counts[COUNT_declined_full_count];
        if (served_count + declined_count == 0) {
            out_note(out, "rule '%s' matched no allocation", rule->name);
        }
        out_begin_row(out);
        out_text(out, "rule", "rule", rule->name);
        out_text(out, "policy", "policy", rule->settings_text);
        out_count(out, "served_count", "served", (int64_t)served_count);
        out_count(out, "declined_count", "declined", (int64_t)declined_count);
        out_bytes(out, "footprint_max_bytes", "held at most",
                  (int64_t)counts[COUNT_footprint_max_bytes]);
        out_bytes(out, "footprint_bytes", "at the end", (int64_t)counts[COUNT_footprint_bytes]);
        for (unsigned k = 0; out_is_json(out) && k < POLICY_COUNTER_COUNT; k++) {
            if (k != COUNT_footprint_max_bytes && k != COUNT_footprint_bytes) {
                out_count(out, policy_counter_names[k], NULL, (int64_t)counts[k]);
            }
        }
        out_end_row(out);
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

static void plot_footprint(struct simulate_answer *simulate, const struct simulation_result *result)
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

static void print_detail(struct simulate_answer *simulate)
{
    struct out *out = simulate->out;
    const struct simulation_result *result = &simulate->results[0];
    out_begin_section(out, "simulation", "Simulation");
    if (simulate->settings->plan != NULL) {
        out_text(out, "plan", "plan", simulate->settings->plan);
    } else {
        out_text(out, "policy", "policy", simulate->settings->policy);
    }
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
    if (simulate->settings->plan != NULL) {
        print_rules(simulate);
    } else {
        print_counts(out, result);
    }
    if (out_is_json(out)) {
        print_slices(out, result);
    } else {
        plot_footprint(simulate, result);
    }
}

void simulate_print(struct simulate_answer *simulate)
{
    if (simulate->settings->policy != NULL || simulate->settings->plan != NULL) {
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
}
