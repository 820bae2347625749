/*
 * recommend_extremes.c - what the goals 'realtime' and 'embedded' count: the longest call, and the
 * most that the heap ever holds (recommend_measure_extremes in recommend_replay.h).
 */
#include <errno.h>

#include "../catalog/policy_option.h"
#include "../sim/simulation.h"
#include "recommend_replay.h"

static void add_value(struct round_spread *spread, double value)
{
    bool is_first = spread->max == 0;
    spread->min = is_first || value < spread->min ? value : spread->min;
    spread->max = value > spread->max ? value : spread->max;
    spread->median = (spread->min + spread->max) / 2;
}

/* One that does not end well has no longest call. */
static int add_worst(struct recommend_replay *replay, struct recommend_tried *tried,
                     struct err *err)
{
    uint64_t worst_ns = 0;
    int result = rounds_play_worst(&replay->rounds, &tried->candidate, &worst_ns, err);
    if (result == 0) {
        add_value(&tried->worst_ns, (double)worst_ns);
    }
    return result == -ECHILD || result == -EBADMSG ? 0 : result;
}

/* What a policy takes from a fixed heap: whole chunks, touched or not, and the blocks that it
 * declines. */
static int simulate_heap(struct recommend_answer *answer, struct recommend_tried *tried,
                         struct err *err)
{
    struct policy_settings settings;
    struct simulation_result simulated;
    const struct sim_choice choice = {.settings = &settings};
    int result = policy_option_parse(tried->candidate.allocator.policy, &settings, err);
    if (result == 0) {
        result = simulation_run(answer->trace, answer->process->id, &choice, &simulated, err);
    }
    if (result == 0) {
        double held_bytes =
            (double)(simulated.peak.footprint_bytes + simulated.peak.declined_bytes);
        tried->held_bytes =
            (struct round_spread){.median = held_bytes, .min = held_bytes, .max = held_bytes};
    }
    return result;
}

int recommend_measure_extremes(struct recommend_replay *replay, struct recommend_tried *tried,
                               struct err *err)
{
    const struct goal *goal = replay->answer->goal;
    int result = 0;
    if (tried->candidate.is_lost) {
        return 0;
    }
    if (goal->weights[ADVICE_WORST] > 0 && !replay->answer->has_threads) {
        result = add_worst(replay, tried, err);
    }
    if (result == 0 && goal->weights[ADVICE_HEAP] > 0) {
        bool is_policy = tried->candidate.allocator.kind == ALLOCATOR_POLICY;
        tried->held_bytes = tried->outcome.private_peak_bytes;
        result = is_policy ? simulate_heap(replay->answer, tried, err) : 0;
    }
    return result;
}
