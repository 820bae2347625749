/*
 * run_policy.h - the part of `run` that serves the program by policies: a plan is read and handed
 * to the program, and at the end the counts are told.
 */
#ifndef ALLOCAUDIT_RUN_POLICY_H
#define ALLOCAUDIT_RUN_POLICY_H

#include "../base/err.h"
#include "../collect/recording/recording.h"
#include "../plan/plan.h"
#include "../plan/plan_resolver.h"

/* Zeroed: there is no plan. */
struct run_plan {
    struct plan plan;
    struct plan_image image;
};

/* Reads the plan for the program at that path. Returns 0, -EINVAL (the plan is wrong), or another
 * negative errno. */
int run_plan_read(struct run_plan *plan, const char *file, const char *program, struct err *err);

/* Puts it into the directory, and into the environment of what is started from now on. Returns 0 or
 * a negative errno. */
int run_plan_install(const struct run_plan *plan, const char *directory, struct err *err);

void run_plan_fini(struct run_plan *plan);

/* Says what the policy, or each rule of the plan, served and held. */
void run_policy_summarize(const struct recording *recording, const char *policy);
void run_plan_summarize(const struct recording *recording, const struct plan *plan);

/* Says which rules matched nothing. */
void run_plan_warn(const struct recording *recording, const struct plan *plan);

#endif
