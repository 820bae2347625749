#include "front.h"

#include <assert.h>

/* Below a half of a percent of a program's memory or time nothing can be told; a percentile of
 * times of calls moves by steps of the clock. */
static const double least[ADVICE_MEASURE_COUNT] = {
    [ADVICE_PEAK] = 0.005, [ADVICE_MEAN] = 0.005, [ADVICE_CPU] = 0.005,
    [ADVICE_TAIL] = 0.1,   [ADVICE_WORST] = 0.1,  [ADVICE_HEAP] = 0.005,
};

double front_least(enum advice_measure measure)
{
    return least[measure];
}

enum front_order front_compare(const struct contender *a, const struct contender *b,
                               enum advice_measure measure)
{
    const struct change *one = &a->changes[measure];
    const struct change *other = &b->changes[measure];
    if (!one->is_known || !other->is_known) {
        return FRONT_SAME;
    }
    if (one->high < other->low && other->value - one->value >= least[measure]) {
        return FRONT_BETTER;
    }
    if (other->high < one->low && one->value - other->value >= least[measure]) {
        return FRONT_WORSE;
    }
    return FRONT_SAME;
}

/* In how many measures `a` stands so to `b`. */
static int count_orders(const struct contender *a, const struct contender *b,
                        enum front_order wanted)
{
    int count = 0;
    for (int i = 0; i < ADVICE_MEASURE_COUNT; i++) {
        count += front_compare(a, b, (enum advice_measure)i) == wanted;
    }
    return count;
}

bool front_beats(const struct contender *a, const struct contender *b)
{
    return count_orders(a, b, FRONT_BETTER) > 0 && count_orders(a, b, FRONT_WORSE) == 0;
}

bool front_is_tie(const struct contender *a, const struct contender *b)
{
    return count_orders(a, b, FRONT_SAME) == ADVICE_MEASURE_COUNT;
}

/* Before another one: with less effort, and of the same effort with the better score. */
static bool is_simpler(const struct goal *goal, const struct contender *a,
                       const struct contender *b)
{
    if (a->effort < b->effort || a->effort > b->effort) {
        return a->effort < b->effort;
    }
    return decision_score(goal, a) < decision_score(goal, b);
}

static bool is_better_score(const struct goal *goal, const struct contender *a,
                            const struct contender *b)
{
    return decision_score(goal, a) < decision_score(goal, b);
}

typedef bool contender_order(const struct goal *goal, const struct contender *a,
                             const struct contender *b);

/* The next one on the front that has not been passed yet, or `count`. */
static size_t next_on(const struct goal *goal, const struct contender *contenders, size_t count,
                      contender_order *is_before, const bool *is_passed)
{
    size_t next = count;
    for (size_t i = 0; i < count; i++) {
        if (!is_passed[i] &&
            (next == count || is_before(goal, &contenders[i], &contenders[next]))) {
            next = i;
        }
    }
    return next;
}

static void take_off(const struct contender *contenders, size_t count, size_t place,
                     struct front_standing *standings)
{
    for (size_t i = 0; i < count; i++) {
        if (i != place && standings[i].place == FRONT_ON &&
            front_beats(&contenders[i], &contenders[place])) {
            standings[place] = (struct front_standing){FRONT_BEATEN, i};
            return;
        }
    }
}

/* Those on the front that tie with a simpler one that stays. */
static void find_ties(const struct goal *goal, const struct contender *contenders, size_t count,
                      struct front_standing *standings)
{
    bool is_passed[FRONT_MAX] = {false};
    for (size_t i = 0; i < count; i++) {
        is_passed[i] = standings[i].place != FRONT_ON;
    }
    for (size_t i; (i = next_on(goal, contenders, count, is_simpler, is_passed)) < count;) {
        is_passed[i] = true;
        for (size_t j = 0; j < count; j++) {
            if (!is_passed[j] && front_is_tie(&contenders[i], &contenders[j])) {
                is_passed[j] = true;
                standings[j] = (struct front_standing){FRONT_TIED, i};
            }
        }
    }
}

static void stand_all(const struct contender *contenders, size_t count,
                      struct front_standing *standings)
{
    for (size_t i = 0; i < count; i++) {
        standings[i] = (struct front_standing){
            .place = contenders[i].is_lost ? FRONT_LOST : FRONT_ON, .other = i};
    }
}

void front_find(const struct goal *goal, const struct contender *contenders, size_t count,
                struct front_standing *out_standings)
{
    bool is_passed[FRONT_MAX] = {false};
    assert(count <= FRONT_MAX);
    stand_all(contenders, count, out_standings);
    for (size_t i = 0; i < count; i++) {
        is_passed[i] = contenders[i].is_lost;
    }
    /* The good ones are judged first, and only who is still there can beat another: of a circle,
     * which ranges make possible, one remains. */
    for (size_t i; (i = next_on(goal, contenders, count, is_better_score, is_passed)) < count;) {
        is_passed[i] = true;
        take_off(contenders, count, i, out_standings);
    }
    find_ties(goal, contenders, count, out_standings);
}

/* Appends the layer after those that are placed already: who is beaten by nobody that remains. */
static size_t place_layer(const struct goal *goal, const struct contender *contenders, size_t count,
                          bool *is_out, size_t *order, size_t placed)
{
    bool is_behind[FRONT_MAX] = {false};
    size_t first = placed;
    for (size_t i = 0; i < count; i++) {
        is_behind[i] = is_out[i];
        for (size_t j = 0; j < count && !is_behind[i]; j++) {
            is_behind[i] = !is_out[j] && front_beats(&contenders[j], &contenders[i]);
        }
    }
    for (size_t i; (i = next_on(goal, contenders, count, is_better_score, is_behind)) < count;) {
        is_behind[i] = true;
        is_out[i] = true;
        order[placed++] = i;
    }
    return placed - first;
}

/* Appends those that stand so, layer by layer. */
static size_t place_standing(const struct goal *goal, const struct contender *contenders,
                             size_t count, const struct front_standing *standings,
                             enum front_place wanted, size_t *order, size_t placed)
{
    bool is_out[FRONT_MAX];
    size_t layer;
    for (size_t i = 0; i < count; i++) {
        is_out[i] = standings[i].place != wanted;
    }
    while ((layer = place_layer(goal, contenders, count, is_out, order, placed)) > 0) {
        placed += layer;
    }
    for (size_t i = 0; i < count; i++) {
        if (!is_out[i]) { /* a circle */
            order[placed++] = i;
        }
    }
    return placed;
}

void front_sort(const struct goal *goal, const struct contender *contenders, size_t count,
                size_t *out_order)
{
    static const enum front_place turns[] = {FRONT_ON, FRONT_TIED, FRONT_LOST};
    struct front_standing standings[FRONT_MAX];
    size_t placed = 0;
    assert(count <= FRONT_MAX);
    stand_all(contenders, count, standings);
    find_ties(goal, contenders, count, standings);
    for (size_t i = 0; i < sizeof(turns) / sizeof(turns[0]); i++) {
        placed = place_standing(goal, contenders, count, standings, turns[i], out_order, placed);
    }
}
