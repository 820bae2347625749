#include "turn_trial.h"

#include <errno.h>
#include <stdlib.h>

#define SINGLE_LEAST      0.9  /* of the turns */
#define ORDER_LEAST       0.95 /* of the pairs */
#define STEADY_LEAST      0.9  /* of the turns: a kid that comes in so many is one of the loop's */
#define CALLS_LEAST       0.1  /* of the level's allocations are made by such kids */
#define LIFE_LEAST        0.5  /* of the thread's allocations, or time, lie in ordinary turns */
#define ORDINARY_MOST     10.0 /* times the middle: what is longer holds something else */
#define SPREAD_MOST       10.0 /* to either side of the middle, for eight of ten */
#define TWO_KIDS_SPREAD   1.5
#define EVEN_SPREAD       2.0
#define UNEVEN_SPREAD     3.0
#define STEADY_KIDS_LEAST 2

int turn_trials_init(struct turn_trials *trials, const struct turn_level *level)
{
    *trials = (struct turn_trials){.level = level};
    trials->trials = calloc(level->candidate_count, sizeof(*trials->trials));
    for (size_t i = 0; trials->trials != NULL && i < level->candidate_count; i++) {
        trials->trials[i].kid = level->candidates[i];
    }
    return trials->trials != NULL ? 0 : -ENOMEM;
}

static void end_turn(struct turn_trial *trial, uint64_t at_ns)
{
    trial->turn_count++;
    trial->single_count += !trial->has_repeat;
    trial->allocation_count += trial->call_count;
    histogram_add(&trial->durations_ns, at_ns - trial->started_ns);
    histogram_add(&trial->allocations, trial->call_count);
    for (size_t kid = 0; kid < TURN_KIDS_MAX; kid++) {
        trial->turns_with[kid] += trial->seen_kids >> kid & 1;
    }
    for (size_t i = 0; i < trial->order_count; i++) {
        for (size_t j = i + 1; j < trial->order_count; j++) {
            trial->before[trial->order[i]][trial->order[j]]++;
        }
    }
}

static void begin_turn(struct turn_trial *trial, uint64_t at_ns)
{
    trial->is_begun = true;
    trial->started_ns = at_ns;
    trial->call_count = 0;
    trial->seen_kids = UINT64_C(1) << trial->kid;
    trial->order_count = 0;
    trial->has_repeat = false;
}

static void begin_kid_run(struct turn_trial *trial, size_t kid, uint64_t at_ns)
{
    if (kid == trial->kid) {
        if (trial->is_begun) {
            end_turn(trial, at_ns);
        }
        begin_turn(trial, at_ns);
    } else if (kid == TURN_KIDS_MAX - 1) {
        trial->seen_kids |= UINT64_C(1) << kid; /* of many, so that it may come again */
    } else if ((trial->seen_kids >> kid & 1) != 0) {
        trial->has_repeat = true;
    } else {
        trial->seen_kids |= UINT64_C(1) << kid;
        if (trial->order_count < TURN_ORDER_MAX) {
            trial->order[trial->order_count++] = (uint8_t)kid;
        }
    }
}

void turn_trials_note(struct turn_trials *trials, size_t place, uint64_t at_ns)
{
    unsigned kid = trials->level->kid_of[place];
    for (size_t i = 0; i < trials->level->candidate_count; i++) {
        struct turn_trial *trial = &trials->trials[i];
        if (kid != 0 && kid != trials->last_kid) {
            begin_kid_run(trial, kid - 1, at_ns);
        }
        trial->call_count++;
    }
    if (kid != 0) {
        trials->kid_calls[kid - 1]++;
    }
    trials->last_kid = kid;
}

static bool is_steady(const struct turn_trial *trial, size_t kid)
{
    return (double)trial->turns_with[kid] >= STEADY_LEAST * (double)trial->turn_count;
}

/* The share of pairs that come in the order in which most of their like do. */
static double order_share(const struct turn_trial *trial)
{
    uint64_t like = 0;
    uint64_t all = 0;
    for (size_t i = 0; i < TURN_KIDS_MAX; i++) {
        for (size_t j = i + 1; j < TURN_KIDS_MAX; j++) {
            uint32_t there = trial->before[i][j];
            uint32_t back = trial->before[j][i];
            like += there > back ? there : back;
            all += (uint64_t)there + back;
        }
    }
    return all == 0 ? 1 : (double)like / (double)all;
}

/* p90 is no more than `most` times p50. */
static bool is_high_within(const struct histogram *histogram, double most)
{
    return (double)histogram_quantile(histogram, 0.9) <=
           most * (double)histogram_quantile(histogram, 0.5);
}

/* p50 is no more than `most` times p10. */
static bool is_low_within(const struct histogram *histogram, double most)
{
    return (double)histogram_quantile(histogram, 0.5) <=
           most * (double)histogram_quantile(histogram, 0.1);
}

/* The sum of the values that are no more than ORDINARY_MOST times the middle. */
static double ordinary_sum(const struct histogram *histogram)
{
    double most = ORDINARY_MOST * (double)histogram_quantile(histogram, 0.5);
    double sum = 0;
    for (unsigned i = 0; i < HISTOGRAM_CLASSES; i++) {
        double value = (double)histogram_class_min(i);
        sum += value <= most ? value * (double)histogram->counts[i] : 0;
    }
    return sum;
}

static bool fills_life(const struct turn_trial *trial, const struct turn_nodes *nodes)
{
    double life_ns = (double)(nodes->ended_ns - nodes->started_ns);
    return ordinary_sum(&trial->allocations) >= LIFE_LEAST * (double)nodes->call_count ||
           ordinary_sum(&trial->durations_ns) >= LIFE_LEAST * life_ns;
}

static bool is_loop(const struct turn_trials *trials, const struct turn_trial *trial,
                    const struct turn_nodes *nodes)
{
    uint64_t steady_calls = 0;
    uint64_t calls = 0;
    size_t steady_kids = 0;
    if (trial->turn_count < TURNS_LEAST) {
        return false;
    }
    for (size_t kid = 0; kid < TURN_KIDS_MAX; kid++) {
        steady_kids += is_steady(trial, kid);
        steady_calls += is_steady(trial, kid) ? trials->kid_calls[kid] : 0;
        calls += trials->kid_calls[kid];
    }
    return steady_kids >= STEADY_KIDS_LEAST &&
           (double)steady_calls >= CALLS_LEAST * (double)calls &&
           (double)trial->single_count >= SINGLE_LEAST * (double)trial->turn_count &&
           order_share(trial) >= ORDER_LEAST && fills_life(trial, nodes) &&
           is_high_within(&trial->durations_ns, SPREAD_MOST) &&
           is_low_within(&trial->durations_ns, SPREAD_MOST);
}

/* Two kids alone always come in turn, by chance as well: then only equal turns tell a loop. */
static bool is_beyond_chance(const struct turn_trial *trial)
{
    size_t kids = 0;
    for (size_t kid = 0; kid < TURN_KIDS_MAX; kid++) {
        kids += trial->turns_with[kid] > 0;
    }
    double low = (double)histogram_quantile(&trial->allocations, 0.1);
    double high = (double)histogram_quantile(&trial->allocations, 0.9);
    return kids > 2 || high <= TWO_KIDS_SPREAD * low + 1;
}

const struct turn_trial *turn_trials_choose(const struct turn_trials *trials,
                                            const struct turn_nodes *nodes, bool *out_is_loop)
{
    const struct turn_trial *best = NULL;
    for (size_t i = 0; i < trials->level->candidate_count; i++) {
        const struct turn_trial *trial = &trials->trials[i];
        if (is_loop(trials, trial, nodes)) {
            *out_is_loop = true;
            bool is_more = best == NULL || trial->turn_count > best->turn_count;
            best = is_beyond_chance(trial) && is_more ? trial : best;
        }
    }
    return best;
}

enum turn_evenness turn_trial_evenness(const struct turn_trial *trial)
{
    const struct histogram *durations_ns = &trial->durations_ns;
    if (is_high_within(durations_ns, EVEN_SPREAD) && is_low_within(durations_ns, EVEN_SPREAD)) {
        return TURNS_ARE_EVEN;
    }
    return is_high_within(durations_ns, UNEVEN_SPREAD) ? TURNS_ARE_UNEVEN : TURNS_ARE_WILD;
}

void turn_trials_fini(struct turn_trials *trials)
{
    free(trials->trials);
}
