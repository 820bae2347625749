/*
 * front.h - which of several measured candidates are worth a choice: those that no other one beats.
 *
 * A figure is better than another's only if their ranges lie apart, and by as much as means
 * anything (front_least). A candidate is beaten by one that is better in some figure and worse in
 * none. Two that differ in no figure are a tie, of which the simpler one stays. No state.
 */
#ifndef ALLOCAUDIT_FRONT_H
#define ALLOCAUDIT_FRONT_H

#include <stdbool.h>
#include <stddef.h>

#include "decision.h"

enum {
    FRONT_MAX = 256, /* candidates at once */
};

enum front_order {
    FRONT_SAME,
    FRONT_BETTER,
    FRONT_WORSE,
};

/* The smallest difference of a measure that means anything. */
double front_least(enum advice_measure measure);

/* How `a` compares with `b` in one measure; what one of them does not know is the same. */
enum front_order front_compare(const struct contender *a, const struct contender *b,
                               enum advice_measure measure);

/* True if `a` is better than `b` in some measure, and worse in none. */
bool front_beats(const struct contender *a, const struct contender *b);

/* True if they differ in none. */
bool front_is_tie(const struct contender *a, const struct contender *b);

enum front_place {
    FRONT_ON,
    FRONT_BEATEN,
    FRONT_TIED,
    FRONT_LOST, /* was not measured */
};

/* Of `count` candidates: where each of them stands, and for those that are beaten or tied, by or
 * with whom. */
struct front_standing {
    enum front_place place;
    size_t other;
};

/* At least one is on the front if one was measured. */
void front_find(const struct goal *goal, const struct contender *contenders, size_t count,
                struct front_standing *out_standings);

/*
 * The order in which a search drops candidates, the last first: how many layers of others lie
 * before it (those of the front have none), and then the goal's score; but one that ties with a
 * simpler one comes behind all that do not. Fills out_order with places, the best first;
 * candidates that are lost come last.
 */
void front_sort(const struct goal *goal, const struct contender *contenders, size_t count,
                size_t *out_order);

#endif
