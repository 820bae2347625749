/*
 * plan_resolver.h - from a plan's function names to code of the modules that a program consists of,
 * and the table that the program under test gets (schema/plan_table.h).
 *
 * Single thread.
 */
#ifndef ALLOCAUDIT_PLAN_RESOLVER_H
#define ALLOCAUDIT_PLAN_RESOLVER_H

#include "../base/err.h"
#include "plan.h"
#include "plan_image.h"

/*
 * Looks all functions up in the program at the path `program`, its libraries, and the modules that
 * the plan names, with their libraries. Returns 0 and *out_image, or with a line in *err: -EINVAL
 * (a function is in none of them: with the nearest there is; a module is not there; too many
 * functions), or the negative errno of reading, or -ENOMEM.
 */
int plan_resolve(const struct plan *plan, const char *program, struct plan_image *out_image,
                 struct err *err);

#endif
