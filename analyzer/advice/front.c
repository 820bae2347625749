#include "front.h"

#include <assert.h>

/* Below a half of a percent of a program's memory or time nothing can be told; a percentile of
 * times of calls moves by steps of the clock. */
static const double least[ADVICE_MEASURE_COUNT] = {
    [ADVICE_PEAK] = 0.005,
    [ADVICE_MEAN] = 0.005,
    [ADVICE_CPU] = 0.005,
    [ADVICE_TAIL] = 0.1,
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

void front_find(const struct goal *goal, const struct contender *contenders, size_t count,
                struct front_standing *out_standings)
{
    bool is_passed[FRONT_MAX] = {false};
    assert(count <= FRONT_MAX);
    for (size_t i = 0; i < count; i++) {
        out_standings[i] = (struct front_standing){
            .place = contenders[i].is_lost ? FRONT_LOST : FRONT_ON, .other = i};
        is_passed[i] = contenders[i].is_lost;
    }
    /* The good ones are judged first, and only who is still there can beat another: of a circle,
     * which ranges make possible, one remains. */
    for (size_t i; (i = next_on(goal, contenders, count, is_better_score, is_passed)) < count;) {
        is_passed[i] = true;
        take_off(contenders, count, i, out_standings);
    }
    for (size_t i = 0; i < count; i++) {
        is_passed[i] = out_standings[i].place != FRONT_ON;
    }
    for (size_t i; (i = next_on(goal, contenders, count, is_simpler, is_passed)) < count;) {
        is_passed[i] = true;
        for (size_t j = 0; j < count; j++) {
            if (!is_passed[j] && front_is_tie(&contenders[i], &contenders[j])) {
                is_passed[j] = true;
                out_standings[j] = (struct front_standing){FRONT_TIED, i};
            }
        }
    }
}

/* The layer after those that are placed already: who is beaten by nobody that remains. */
static size_t place_layer(const struct goal *goal, const struct contender *contenders, size_t count,
                          bool *is_placed, size_t *order, size_t placed)
{
    bool is_behind[FRONT_MAX] = {false};
    size_t first = placed;
    for (size_t i = 0; i < count; i++) {
        for (size_t j = 0; j < count && !is_placed[i]; j++) {
            is_behind[i] |= !is_placed[j] && !contenders[j].is_lost &&
                            front_beats(&contenders[j], &contenders[i]);
        }
        is_behind[i] |= is_placed[i] || contenders[i].is_lost;
    }
    for (size_t i; (i = next_on(goal, contenders, count, is_better_score, is_behind)) < count;) {
        is_behind[i] = true;
        is_placed[i] = true;
        order[placed++] = i;
    }
    return placed - first;
}

void front_sort(const struct goal *goal, const struct contender *contenders, size_t count,
                size_t *out_order)
{
    bool is_placed[FRONT_MAX] = {false};
    size_t placed = 0;
    size_t layer;
    assert(count <= FRONT_MAX);
    while ((layer = place_layer(goal, contenders, count, is_placed, out_order, placed)) > 0) {
        placed += layer;
    }
    for (size_t i = 0; i < count; i++) { /* a circle of measured ones, and then the lost ones */
        if (!is_placed[i] && !contenders[i].is_lost) {
            out_order[placed++] = i;
        }
    }
    for (size_t i = 0; i < count; i++) {
        if (contenders[i].is_lost) {
            out_order[placed++] = i;
        }
    }
}
