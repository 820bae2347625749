/*
 * recommend_folklore.c - what is often said of such programs, beside what was measured of this one
 * (recommend_print_folklore in recommend_answer.h).
 */
#include <stdio.h>
#include <string.h>

#include "../advice/folklore.h"
#include "recommend_parts.h"

enum {
    TEXT_BYTES = 160,
};

/* The best with that allocator, with whatever settings; NULL: none was tried. */
static const struct recommend_tried *find_said(const struct recommend_answer *answer,
                                               const struct saying *saying)
{
    const struct recommend_tried *best = NULL;
    for (size_t i = 0; i < answer->tried_count; i++) {
        const struct recommend_tried *tried = &answer->tried[i];
        if (!tried->contender.is_lost && saying_means(saying, tried->name) &&
            (best == NULL || decision_score(answer->goal, &tried->contender) <
                                 decision_score(answer->goal, &best->contender))) {
            best = tried;
        }
    }
    return best;
}

static void format_verdict(const struct recommend_answer *answer,
                           const struct recommend_tried *said, bool holds, char text[TEXT_BYTES])
{
    const struct recommend_tried *advised = recommend_advised(answer);
    double least = advised != NULL ? decision_score(answer->goal, &advised->contender) : 0;
    enum advice_measure breach = decision_breach(answer->goal, &said->contender);
    if (holds) {
        (void)snprintf(text, TEXT_BYTES, "holds");
    } else if (decision_score(answer->goal, &said->contender) <= least + FOLKLORE_TOLERANCE) {
        (void)snprintf(text, TEXT_BYTES, "does not hold: %s %+.1f %%",
                       recommend_measures[breach].label,
                       100 * said->contender.changes[breach].value);
    } else {
        (void)snprintf(text, TEXT_BYTES, "does not hold: %s is better",
                       advised != NULL ? advised->label : "what it was recorded on");
    }
}

static void print_saying(struct recommend_answer *answer, const struct saying *saying,
                         const struct recommend_tried *said)
{
    struct out *out = answer->out;
    const struct recommend_tried *advised = recommend_advised(answer);
    bool holds =
        saying_holds(answer->goal, &said->contender, advised != NULL ? &advised->contender : NULL);
    char text[TEXT_BYTES];
    format_verdict(answer, said, holds, text);
    out_begin_row(out);
    out_text(out, "kind", "of", saying->kind);
    out_text(out, "allocator", "one says", saying->allocator);
    out_percent(out, "score_pct", "here it is", decision_score(answer->goal, &said->contender), 1);
    out_percent(out, "advised_score_pct", "the advice",
                advised != NULL ? decision_score(answer->goal, &advised->contender) : 0, 1);
    out_bool(out, "holds", NULL, holds);
    out_text(out, "verdict", "which", text);
    out_end_row(out);
}

void recommend_print_folklore(struct recommend_answer *answer)
{
    size_t count;
    const struct saying *sayings = folklore_sayings(&count);
    if (!answer->has_replays ||
        (answer->verdict != RECOMMEND_CHANGE && answer->verdict != RECOMMEND_NO_CHANGE)) {
        return;
    }
    out_begin_table(answer->out, "folklore",
                    "Often said, and measured here (weighed by the goal; less is better)");
    for (size_t i = 0; i < count; i++) {
        const struct recommend_tried *said = find_said(answer, &sayings[i]);
        bool is_about =
            sayings[i].is_about(&answer->evidence, (enum advice_goal)answer->settings->goal);
        if (is_about && said != NULL) {
            print_saying(answer, &sayings[i], said);
        }
    }
    out_end_table(answer->out);
}
