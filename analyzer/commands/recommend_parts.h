/*
 * recommend_parts.h - those parts of an answer that `recommend` and `tune` print alike. For
 * recommend_*.c and tune_*.c alone.
 */
#ifndef ALLOCAUDIT_RECOMMEND_PARTS_H
#define ALLOCAUDIT_RECOMMEND_PARTS_H

#include "recommend_answer.h"

/* How a measure is called: in JSON, and for people. */
struct recommend_measure {
    const char *key;
    const char *label;
};

extern const struct recommend_measure recommend_measures[ADVICE_MEASURE_COUNT];

/* The program, the goal, the verdict and why: values of the section that is open. */
void recommend_print_verdict(struct recommend_answer *answer);

/* What to do, how to undo it, and how sure that is: values of the section that is open. */
void recommend_print_do(struct recommend_answer *answer, const struct recommend_tried *advised);

/* A change with its range: values of the row that is open. */
void recommend_print_change(struct out *out, enum advice_measure measure,
                            const struct change *change);

/* What the advised one changes; what a trial has shown of it. Nothing where there is none. */
void recommend_print_expected(struct recommend_answer *answer);
void recommend_print_confirmed(struct recommend_answer *answer);

/* A note: what the trial says, if there was one. */
void recommend_print_confirmation(struct recommend_answer *answer);

/* The settings that the program was recorded with, as far as something is wrong with them. */
void recommend_print_environment(struct recommend_answer *answer);

/* Notes: what could make the advice wrong. */
void recommend_print_risks(struct recommend_answer *answer);

#endif
