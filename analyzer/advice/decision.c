#include "decision.h"

const char *decision_confidence_word(enum advice_confidence confidence)
{
    static const char *const words[] = {"open", "likely", "strong"};
    return words[confidence];
}

typedef double change_end(const struct change *change);

static double middle_of(const struct change *change)
{
    return change->value;
}

static double worse_end_of(const struct change *change)
{
    return change->high;
}

static double better_end_of(const struct change *change)
{
    return change->low;
}

/* Over what is known, so that what is not counts as neither good nor bad. */
static double weigh(const struct goal *goal, const struct contender *contender, change_end *end)
{
    double sum = 0;
    double weight = 0;
    for (int i = 0; i < ADVICE_MEASURE_COUNT; i++) {
        if (contender->changes[i].is_known) {
            sum += goal->weights[i] * end(&contender->changes[i]);
            weight += goal->weights[i];
        }
    }
    return weight > 0 ? sum / weight : 0;
}

double decision_score(const struct goal *goal, const struct contender *contender)
{
    return weigh(goal, contender, middle_of);
}

double decision_worst_score(const struct goal *goal, const struct contender *contender)
{
    return weigh(goal, contender, worse_end_of);
}

double decision_best_score(const struct goal *goal, const struct contender *contender)
{
    return weigh(goal, contender, better_end_of);
}

enum advice_measure decision_breach(const struct goal *goal, const struct contender *contender)
{
    int i = 0;
    while (i < ADVICE_MEASURE_COUNT &&
           (!contender->changes[i].is_known || contender->changes[i].value <= goal->limits[i])) {
        i++;
    }
    return (enum advice_measure)i;
}

static enum advice_confidence confidence_of(const struct goal *goal,
                                            const struct decision *decision)
{
    if (decision->worst <= -3 * goal->least) {
        return CONFIDENCE_STRONG;
    }
    return decision->worst <= -goal->least ? CONFIDENCE_LIKELY : CONFIDENCE_OPEN;
}

static bool is_advisable(const struct goal *goal, const struct contender *contender)
{
    return decision_score(goal, contender) <= -goal->least &&
           decision_worst_score(goal, contender) < 0 &&
           decision_breach(goal, contender) == ADVICE_MEASURE_COUNT;
}

struct decision decision_make(const struct goal *goal, const struct contender *contenders,
                              size_t count)
{
    struct decision decision = {.place = count, .best = count};
    for (size_t i = 0; i < count; i++) {
        const struct contender *contender = &contenders[i];
        if (contender->is_lost) {
            continue;
        }
        double score = decision_score(goal, contender);
        if (decision.best == count || score < decision_score(goal, &contenders[decision.best])) {
            decision.best = i;
        }
        if (is_advisable(goal, contender) &&
            (decision.place == count ||
             score + contender->effort < decision_score(goal, &contenders[decision.place]) +
                                             contenders[decision.place].effort)) {
            decision.place = i;
        }
    }
    size_t told = decision.place < count ? decision.place : decision.best;
    if (told < count) {
        decision.score = decision_score(goal, &contenders[told]);
        decision.worst = decision_worst_score(goal, &contenders[told]);
        decision.confidence = confidence_of(goal, &decision);
    }
    return decision;
}
