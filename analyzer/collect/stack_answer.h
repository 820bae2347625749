/*
 * stack_answer.h - answers a thread of the program that asks for the names behind its stacks, as a
 * failed test does (struct ring_stacks in schema/ring.h).
 */
#ifndef ALLOCAUDIT_STACK_ANSWER_H
#define ALLOCAUDIT_STACK_ANSWER_H

#include <stdbool.h>

#include "drain/drain.h"

/* Whether somebody waits. */
bool stack_answer_is_due(const struct session *session);

/* Answers once all is applied that was stamped before the question. After each round of `drain`,
 * which is not gone on with meanwhile. */
void stack_answer_look(const struct drain *drain);

#endif
