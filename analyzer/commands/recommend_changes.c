/*
 * recommend_changes.c - what an allocator changes, as shares of the program's figures
 * (recommend_compare and recommend_mean_of in recommend_replay.h).
 */
#include <math.h>

#include "recommend_replay.h"

static struct change change_of(double value, double low, double high, double whole)
{
    struct change change = {.is_known = whole > 0};
    if (change.is_known) {
        change.value = value / whole;
        change.low = low / whole;
        change.high = high / whole;
    }
    return change;
}

static struct change memory_change(const struct round_spread *now, const struct round_spread *then,
                                   double whole)
{
    return change_of(then->median - now->median, then->min - now->max, then->max - now->min, whole);
}

/* Others on the machine make times longer, never shorter: the least is nearest to the truth. */
static struct change time_change(const struct round_spread *now, const struct round_spread *then,
                                 double whole)
{
    return change_of(then->min - now->min, then->min - now->median, then->median - now->min, whole);
}

/* Of few values, each freed of what disturbs: the lowest stands, the others are what is left open.
 */
static struct change extreme_change(const struct round_spread *now, const struct round_spread *then,
                                    double whole)
{
    return change_of(then->min - now->min, then->min - now->max, then->max - now->min, whole);
}

/* Behind the last call, too, where a replay ends but the program went on with what it had. */
static double with_rest(const struct recommend_answer *answer, double mean_bytes, double end_bytes)
{
    double begun_ns = (double)answer->head.began_ns - (double)answer->process->started_ns;
    double called_ns = (double)answer->head.duration_ns;
    double rest_ns = fmax((double)answer->evidence.duration_ns - begun_ns - called_ns, 0);
    double all_ns = called_ns + rest_ns;
    return all_ns > 0 ? (mean_bytes * called_ns + end_bytes * rest_ns) / all_ns : mean_bytes;
}

struct round_spread recommend_mean_of(const struct recommend_answer *answer,
                                      const struct outcome *outcome)
{
    const struct round_spread *mean = &outcome->heap_mean_bytes;
    const struct round_spread *end = &outcome->heap_end_bytes;
    return (struct round_spread){
        .median = with_rest(answer, mean->median, end->median),
        .min = with_rest(answer, mean->min, end->min),
        .max = with_rest(answer, mean->max, end->max),
    };
}

void recommend_compare_to(const struct recommend_answer *answer,
                          const struct recommend_tried *recorded, struct recommend_tried *tried)
{
    const struct outcome *now = &recorded->outcome;
    const struct outcome *then = &tried->outcome;
    const struct evidence *evidence = &answer->evidence;
    struct change *changes = tried->contender.changes;
    tried->contender.effort = tried->effort;
    tried->contender.is_lost = tried->candidate.is_lost || then->failed_count > now->failed_count;
    if (tried->contender.is_lost) {
        return;
    }
    changes[ADVICE_PEAK] = memory_change(&now->heap_peak_bytes, &then->heap_peak_bytes,
                                         (double)evidence->rss_peak_bytes);
    const struct round_spread mean_now = recommend_mean_of(answer, now);
    const struct round_spread mean_then = recommend_mean_of(answer, then);
    changes[ADVICE_MEAN] =
        memory_change(&mean_now, &mean_then, answer->has_mean ? evidence->rss_mean_bytes : 0);
    changes[ADVICE_CPU] = time_change(&now->cpu_ns, &then->cpu_ns, (double)evidence->cpu_time_ns);
    changes[ADVICE_TAIL] = time_change(&now->p999_ns[PLAYER_MALLOC], &then->p999_ns[PLAYER_MALLOC],
                                       now->p999_ns[PLAYER_MALLOC].min);
    if (recorded->worst_ns.min > 0 && tried->worst_ns.min > 0) {
        changes[ADVICE_WORST] =
            extreme_change(&recorded->worst_ns, &tried->worst_ns, recorded->worst_ns.min);
    }
    changes[ADVICE_HEAP] =
        memory_change(&recorded->held_bytes, &tried->held_bytes, recorded->held_bytes.median);
}

void recommend_compare(struct recommend_answer *answer, struct recommend_tried *tried)
{
    recommend_compare_to(answer, &answer->tried[0], tried);
}
