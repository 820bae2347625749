/*
 * policy_option.h - a policy as the user writes it, and what to say of a mistake in it.
 */
#ifndef ALLOCAUDIT_POLICY_OPTION_H
#define ALLOCAUDIT_POLICY_OPTION_H

#include "../../interposer/policy/settings.h"
#include "../base/err.h"

/* Returns 0, or -EINVAL and tells the word that is wrong, with the nearest right one. */
int policy_option_parse(const char *text, struct policy_settings *out_settings, struct err *err);

#endif
