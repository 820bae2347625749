/*
 * recommend_sites.c - call sites for which a pool in the program's own code would still save
 * something beside the best stock allocator (recommend_find_sites in recommend_answer.h).
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../analyses/pool_bytes.h"
#include "../analyses/pool_gain.h"
#include "../analyses/pooling.h"
#include "../model/stacks.h"
#include "../replay/pair_calibration.h"
#include "recommend_answer.h"

static void show_calls(void *context, uint64_t done, uint64_t total)
{
    struct recommend_answer *answer = context;
    term_progress_update(&answer->progress, done, total);
}

static bool show_reading(void *context, uint64_t done, uint64_t total)
{
    show_calls(context, done, total);
    return true;
}

/* Keeps the best, most time saved first. */
static void keep_site(struct recommend_answer *answer, const struct recommend_site *site)
{
    size_t place = answer->site_count;
    while (place > 0 && answer->sites[place - 1].saved_ns < site->saved_ns) {
        place--;
    }
    if (place == RECOMMEND_SITES_MAX) {
        return;
    }
    size_t last =
        answer->site_count < RECOMMEND_SITES_MAX ? answer->site_count++ : RECOMMEND_SITES_MAX - 1;
    memmove(&answer->sites[place + 1], &answer->sites[place],
            (last - place) * sizeof(answer->sites[0]));
    answer->sites[place] = *site;
}

static void choose_sites(struct recommend_answer *answer, const struct pooling *pooling,
                         const struct pair_costs *costs)
{
    const struct pool_yardstick yardstick = {
        .costs = costs,
        .cpu_time_ns = answer->evidence.cpu_time_ns,
        .peak_bytes = answer->evidence.peak_bytes,
        .header_bytes = pool_header_bytes(answer->process->allocator),
    };
    for (size_t i = 0; i < pooling->site_count; i++) {
        const struct pool_group *group = &pooling->sites[i];
        struct pool_gain gain = pool_gain_of(pooling, group, &yardstick);
        bool is_beside = answer->verdict == RECOMMEND_CHANGE;
        double saved_ns = is_beside ? gain.stock_time_ns : gain.time_ns;
        int64_t saved_bytes =
            is_beside && gain.compact_stock != NULL ? gain.stock_peak_bytes : gain.peak_bytes;
        if (gain.verdict == POOL_IS_WORTH_IT && saved_ns > 0) {
            keep_site(answer, &(struct recommend_site){
                                  .stack_id = group->stack_id,
                                  .size_bytes = group->size_bytes,
                                  .allocation_count = group->allocation_count,
                                  .live_count_max = group->live_count_max,
                                  .saved_ns = saved_ns,
                                  .saved_peak_bytes = saved_bytes,
                              });
        }
    }
}

int recommend_name_function(struct stacks *stacks, uint32_t stack_id,
                            char out_name[RECOMMEND_FUNCTION_BYTES], struct err *err)
{
    struct call_stack stack = {0};
    int result = stacks_expand(stacks, stack_id, &stack, err);
    const struct stack_frame *frame = result == 0 ? call_stack_shown(&stack) : NULL;
    (void)snprintf(out_name, RECOMMEND_FUNCTION_BYTES, "%s", frame != NULL ? frame->function : "");
    call_stack_fini(&stack);
    return result;
}

static int name_sites(struct recommend_answer *answer, struct err *err)
{
    struct stacks *stacks;
    int result = stacks_create(answer->trace->db, &stacks, err);
    if (result < 0) {
        return result;
    }
    for (size_t i = 0; i < answer->site_count && result == 0; i++) {
        struct recommend_site *site = &answer->sites[i];
        result = recommend_name_function(stacks, site->stack_id, site->function, err);
    }
    stacks_destroy(stacks);
    return result;
}

int recommend_find_sites(struct recommend_answer *answer, struct err *err)
{
    struct analysis_run run = {.analysis = &pooling_analysis};
    struct pair_costs costs;
    term_progress_begin(&answer->progress, stderr, "looking at call sites");
    int result =
        pair_calibration_measure(answer->process->allocator, show_calls, answer, &costs, err);
    if (result == 0) {
        result =
            analyses_run(answer->trace, answer->process->id, &run, 1, show_reading, answer, err);
    }
    if (result == 0) {
        choose_sites(answer, pooling_of(run.state), &costs);
        result = name_sites(answer, err);
    }
    analyses_end(&run, 1);
    term_progress_end(&answer->progress);
    return result;
}
