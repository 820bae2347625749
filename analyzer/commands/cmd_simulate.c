#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../catalog/policy_option.h"
#include "../cli/term.h"
#include "../model/completeness.h"
#include "../model/selection.h"
#include "cmd.h"
#include "simulate_answer.h"

static const struct option_spec options[] = {
    CMD_INPUT_OPTION(struct simulate_settings, input),
    {"policy", '\0', "POLICY",
     "pool, frame, buddy or slab, with settings if need be (pool:chunk_bytes=16384,sizes=32+48)",
     "all four, side by side", OPTION_TEXT_AT(struct simulate_settings, policy)},
    {"plan", '\0', "FILE", "a plan, as 'run --plan' has it: a policy for each of its rules", NULL,
     OPTION_TEXT_AT(struct simulate_settings, plan)},
    {"process", 'p', "ID", "the process to simulate: its number in 'report processes', or its pid",
     "the one with the highest peak", OPTION_TEXT_AT(struct simulate_settings, process)},
    OUT_OPTIONS(struct simulate_settings, out),
    {0},
};

static const struct option_example examples[] = {
    {"allocaudit simulate", "would a pool, a frame allocator, a buddy or a slab do?"},
    {"allocaudit simulate app.db --policy buddy:is_weighted=1", "one of them in detail"},
    {"allocaudit simulate --plan plan.json", "chosen call sites, each to a policy of its own"},
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

static int check_process(const struct simulate_answer *simulate, struct err *err)
{
    const struct completeness_need need = {
        .verb = "simulate",
        .process_id = simulate->process->id,
        .has_each_call = true,
    };
    return completeness_check(simulate->trace, &need, err);
}

static int run_all(struct simulate_answer *simulate, struct err *err)
{
    int result = 0;
    struct term_progress progress;
    term_progress_begin(&progress, stderr, "simulating");
    for (size_t i = 0; i < simulate->result_count && result == 0; i++) {
        const struct sim_choice choice = {
            .settings = &simulate->policies[i],
            .plan = simulate->settings->plan != NULL ? &simulate->plan : NULL,
        };
        term_progress_update(&progress, i, simulate->result_count);
        result = simulation_run(simulate->trace, simulate->process->id, &choice,
                                &simulate->results[i], err);
        if (result == 0) {
            result = sim_timing_measure(simulate->trace, simulate->process->id, &choice,
                                        &simulate->timings[i], err);
        }
    }
    term_progress_end(&progress);
    return result;
}

static int answer(struct simulate_answer *simulate)
{
    struct err err;
    int result = out_create("simulate", &simulate->settings->out, stdout, &simulate->out, &err);
    if (result < 0) {
        return cmd_fail(&err);
    }
    simulate_print(simulate);
    return cmd_finish(simulate->out, CMD_DONE);
}

static int simulate_file(struct simulate_answer *simulate)
{
    struct err err;
    int result = trace_open(simulate->path, &simulate->trace, &err);
    if (result == 0) {
        result = trace_check_content(simulate->trace, &err);
    }
    if (result < 0) {
        return cmd_fail(&err);
    }
    result = selection_find_process(simulate->trace, simulate->settings->process,
                                    &simulate->process, &err);
    if (result == -ENOENT || result == -EINVAL) {
        return cmd_misuse(&cmd_simulate_page, "%s", err.text);
    }
    if (result == 0) {
        result = check_process(simulate, &err);
    }
    if (result == 0) {
        result = run_all(simulate, &err);
    }
    return result < 0 ? cmd_fail(&err) : answer(simulate);
}

static int choose_plan(struct simulate_answer *simulate)
{
    struct err err;
    if (simulate->settings->policy != NULL) {
        return cmd_misuse(&cmd_simulate_page,
                          "a policy serves all calls, and --plan chosen ones: give one");
    }
    simulate->result_count = 1;
    int result = plan_read(&simulate->plan, simulate->settings->plan, &err);
    if (result == -EINVAL) {
        return cmd_misuse(&cmd_simulate_page, "%s", err.text);
    }
    return result < 0 ? cmd_fail(&err) : 0;
}

/* Returns 0, or the exit status after telling why. */
static int choose_policies(struct simulate_answer *simulate)
{
    struct err err;
    if (simulate->settings->plan != NULL) {
        return choose_plan(simulate);
    }
    if (simulate->settings->policy == NULL) {
        for (unsigned kind = 0; kind < POLICY_KIND_COUNT; kind++) {
            policy_settings_init(&simulate->policies[simulate->result_count++],
                                 (enum policy_kind)kind);
        }
        return 0;
    }
    simulate->result_count = 1;
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
    struct simulate_answer *simulate = calloc(1, sizeof(*simulate));
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
    plan_fini(&simulate->plan);
    trace_close(simulate->trace);
    free(simulate);
    return status;
}
