#include "pool_gain.h"

#include <math.h>

#include "pool_bytes.h"

enum {
    PAGE_BYTES = 4096,
};

#define TIME_SHARE_LEAST  0.01
#define PEAK_SHARE_LEAST  0.02
#define REMOTE_SHARE_MOST 0.05
#define RESIZED_MOST      0.01
#define ROUNDING_MOST     0.125
#define LIVE_RATIO_MOST   4.0
#define PAIR_NS_BEYOND    1000.0 /* a malloc and a free take less on average, on any allocator */

static void find_times(const struct pool_group *group, const struct pool_yardstick *yardstick,
                       struct pool_gain *gain)
{
    double pair_count = (double)group->allocation_count;
    const struct pair_costs *costs = yardstick->costs;
    gain->time_most_ns = yardstick->pair_most_ns > 0 ? pair_count * yardstick->pair_most_ns : NAN;
    if (costs == NULL) {
        return;
    }
    const struct pair_cost_row *in_use = pair_costs_in_use(costs);
    const struct pair_cost_row *list = pair_costs_of_kind(costs, PAIR_COST_LIST);
    const struct pair_cost *pool = list != NULL ? pair_cost_of(list, group->slot_bytes) : NULL;
    const struct pair_cost *now = in_use != NULL ? pair_cost_of(in_use, group->slot_bytes) : NULL;
    if (now != NULL && pool != NULL) {
        gain->time_ns = pair_count * (now->median_ns - pool->median_ns);
        gain->time_low_ns = pair_count * (now->low_ns - pool->high_ns);
        gain->time_high_ns = pair_count * (now->high_ns - pool->low_ns);
    }
    gain->stock = pair_costs_best_stock(costs, group->slot_bytes);
    if (gain->stock != NULL && pool != NULL) {
        const struct pair_cost *best = pair_cost_of(gain->stock, group->slot_bytes);
        gain->stock_time_ns = pair_count * (best->median_ns - pool->median_ns);
    }
}

/* Where the allocator in use is the most compact, what was recorded counts. */
static void find_bytes(const struct pooling *pooling, const struct pool_group *group,
                       const struct pool_yardstick *yardstick, struct pool_gain *gain)
{
    const struct pair_costs *costs = yardstick->costs;
    const struct pair_cost_row *in_use = costs != NULL ? pair_costs_in_use(costs) : NULL;
    double now_bytes = pool_bytes_recorded(pooling, group, in_use != NULL ? &in_use->blocks : NULL,
                                           yardstick->header_bytes);
    double pool_bytes = (double)pool_chunks_bytes(group->slot_bytes, group->peak_count);
    double least_bytes = INFINITY;
    for (size_t i = 0; costs != NULL && i < costs->count; i++) {
        const struct pair_cost_row *row = &costs->rows[i];
        if (row->kind == PAIR_COST_STOCK && row->blocks.is_measured) {
            double bytes = row == in_use ? now_bytes : pool_bytes_on(pooling, group, &row->blocks);
            gain->compact_stock = bytes < least_bytes ? row : gain->compact_stock;
            least_bytes = fmin(least_bytes, bytes);
        }
    }
    double enough_bytes = fmax(PEAK_SHARE_LEAST * (double)yardstick->peak_bytes, 1);
    gain->peak_bytes = llround(now_bytes - pool_bytes);
    gain->saves_bytes = (double)gain->peak_bytes >= enough_bytes;
    gain->saves_bytes_beside_stock = gain->saves_bytes;
    if (gain->compact_stock != NULL) {
        gain->stock_peak_bytes = llround(least_bytes - pool_bytes);
        gain->saves_bytes_beside_stock =
            gain->saves_bytes && (double)gain->stock_peak_bytes >= enough_bytes;
    }
}

static bool saves_time(double time_ns, const struct pool_yardstick *yardstick)
{
    return yardstick->cpu_time_ns > 0 &&
           time_ns >= TIME_SHARE_LEAST * (double)yardstick->cpu_time_ns;
}

/* Where no call was timed: of a few blocks it is known all the same. */
static bool may_save_untimed(const struct pool_group *group, const struct pool_yardstick *yardstick)
{
    return yardstick->cpu_time_ns == 0 ||
           saves_time(PAIR_NS_BEYOND * (double)group->allocation_count, yardstick);
}

static double rounding_of(const struct pool_group *group)
{
    double slots_bytes = (double)group->allocation_count * group->slot_bytes;
    return slots_bytes == 0 ? 0 : 1 - (double)group->allocated_bytes / slots_bytes;
}

static enum pool_verdict judge(const struct pooling *pooling, const struct pool_group *group,
                               const struct pool_yardstick *yardstick, const struct pool_gain *gain)
{
    double free_count = (double)group->free_count;
    bool is_timed = !isnan(gain->time_ns);
    bool may_save_time = is_timed                    ? saves_time(gain->time_ns, yardstick)
                         : isnan(gain->time_most_ns) ? may_save_untimed(group, yardstick)
                                                     : saves_time(gain->time_most_ns, yardstick);
    if (!gain->saves_bytes && !may_save_time) {
        return POOL_SAVES_TOO_LITTLE;
    }
    if ((double)group->remote_free_count > REMOTE_SHARE_MOST * free_count) {
        return POOL_IS_HANDED_OVER;
    }
    if ((double)group->resized_count > RESIZED_MOST * (double)group->allocation_count) {
        return POOL_IS_RESIZED;
    }
    if (rounding_of(group) > ROUNDING_MOST) {
        return POOL_HAS_ODD_SIZES;
    }
    if ((double)group->live_count_max > LIVE_RATIO_MOST * pool_group_mean_live(pooling, group) &&
        pool_chunks_bytes(group->slot_bytes, group->live_count_max) > PAGE_BYTES) {
        return POOL_STANDS_IDLE;
    }
    if (gain->saves_bytes_beside_stock) {
        return POOL_IS_WORTH_IT;
    }
    if (!is_timed && may_save_time) {
        return POOL_NEEDS_COSTS;
    }
    return saves_time(gain->stock_time_ns, yardstick) ? POOL_IS_WORTH_IT
                                                      : POOL_IS_NO_BETTER_THAN_STOCK;
}

struct pool_gain pool_gain_of(const struct pooling *pooling, const struct pool_group *group,
                              const struct pool_yardstick *yardstick)
{
    struct pool_gain gain = {
        .time_ns = NAN,
        .time_low_ns = NAN,
        .time_high_ns = NAN,
        .stock_time_ns = NAN,
    };
    find_bytes(pooling, group, yardstick, &gain);
    find_times(group, yardstick, &gain);
    gain.verdict = judge(pooling, group, yardstick, &gain);
    return gain;
}
