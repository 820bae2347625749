#include "run_policy.h"

#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../base/str.h"
#include "../cli/out_value.h"
#include "../cli/talk.h"

enum {
    LAST_WORDS_NS = 20000000,
};

int run_plan_read(struct run_plan *plan, const char *file, const char *program, struct err *err)
{
    int r = plan_read(&plan->plan, file, err);
    return r == 0 ? plan_resolve(&plan->plan, program, &plan->image, err) : r;
}

int run_plan_install(const struct run_plan *plan, const char *directory, struct err *err)
{
    char path[PATH_MAX];
    if (snprintf(path, sizeof(path), "%s/plan", directory) >= (int)sizeof(path)) {
        return err_set_errno(err, ENAMETOOLONG, "cannot write a file in '%s'", directory);
    }
    int r = plan_image_write(&plan->image, path, err);
    if (r == 0 && setenv(PLAN_ENV, path, 1) != 0) {
        return err_set_errno(err, errno, "cannot set " PLAN_ENV);
    }
    return r;
}

void run_plan_fini(struct run_plan *plan)
{
    plan_fini(&plan->plan);
    plan_image_fini(&plan->image);
}

/* ---- what was served ---------------------------------------------------------------------------
 */

/* Sums of processes that have told. What a forked one holds is its parent's, mostly: that
 * is left out. */
struct served {
    uint64_t process_count;
    uint64_t served_count;
    uint64_t declined_count;
    uint64_t footprint_bytes;
    uint64_t allocation_count; /* of those processes, whoever served them */
    bool is_cut;               /* one was killed, or left by _exit: what it told last was before */
};

static void add_counter(struct served *served, const char *name, uint64_t value, bool is_forked)
{
    if (strcmp(name, "take_count") == 0 || strcmp(name, "resize_count") == 0) {
        served->served_count += value;
    } else if (strncmp(name, "declined_", strlen("declined_")) == 0) {
        served->declined_count += value;
    } else if (strcmp(name, "footprint_max_bytes") == 0 && !is_forked) {
        served->footprint_bytes += value;
    }
}

/* A process that ends as usual tells its counters at the end, and little comes after. */
static bool is_cut(const struct counter *counter, const struct subject *subject)
{
    return subject->end == SUBJECT_SIGNALLED ||
           counter->at_ns + LAST_WORDS_NS < subject->last_event_ns;
}

/* Counters whose names begin so. */
static struct served sum_served(const struct recording *recording, const char *prefix)
{
    struct served served = {0};
    const size_t length = strlen(prefix);
    for (size_t i = 0; i < recording->counter_count; i++) {
        const struct counter *counter = &recording->counters[i];
        const struct subject *subject = recording->subjects[counter->process_id - 1];
        if (strncmp(counter->name, prefix, length) != 0) {
            continue;
        }
        add_counter(&served, counter->name + length, counter->value,
                    subject->start == SUBJECT_STARTED_BY_FORK);
        if (strcmp(counter->name + length, "take_count") == 0) {
            served.process_count++;
            served.allocation_count += subject->tally.allocation_count;
            served.is_cut |= is_cut(counter, subject);
        }
    }
    return served;
}

static void append_scaled(struct str *text, enum out_kind kind, uint64_t number)
{
    struct out_value value = {.kind = kind, .number = (int64_t)number};
    (void)out_value_append_table(&value, text);
}

static void tell_served(const char *who, const struct served *served)
{
    struct str text = {0};
    str_append(&text, who);
    str_append(&text, served->is_cut ? " served at least " : " served ");
    append_scaled(&text, OUT_KIND_COUNT, served->served_count);
    str_append(&text, " of ");
    append_scaled(&text, OUT_KIND_COUNT, served->allocation_count);
    str_append(&text, " allocations, and held ");
    append_scaled(&text, OUT_KIND_BYTES, served->footprint_bytes);
    str_append(&text, " at most");
    if (served->is_cut) {
        str_append(&text, "; a process ended before it told the rest");
    }
    talk_note("%s", str_text(&text));
    str_fini(&text);
}

void run_policy_summarize(const struct recording *recording, const char *policy)
{
    const struct served served = sum_served(recording, "policy.");
    if (served.process_count == 0) {
        talk_note("what %s served is not known: no process told it", policy);
        return;
    }
    tell_served(policy, &served);
}

static struct served sum_rule(const struct recording *recording, const struct plan_rule *rule)
{
    char prefix[PLAN_NAME_BYTES + 8];
    snprintf(prefix, sizeof(prefix), "plan.%s.", rule->name);
    return sum_served(recording, prefix);
}

void run_plan_summarize(const struct recording *recording, const struct plan *plan)
{
    for (size_t i = 0; i < plan->rule_count; i++) {
        const struct plan_rule *rule = &plan->rules[i];
        const struct served served = sum_rule(recording, rule);
        char who[PLAN_NAME_BYTES + 32];
        snprintf(who, sizeof(who), "rule '%s' (%s)", rule->name,
                 policy_kind_name(rule->settings.kind));
        if (served.process_count == 0) {
            talk_note("what the plan's rules served is not known: no process told it");
            return;
        }
        if (served.served_count > 0) {
            tell_served(who, &served);
        }
    }
}

void run_plan_warn(const struct recording *recording, const struct plan *plan)
{
    for (size_t i = 0; i < plan->rule_count; i++) {
        const struct plan_rule *rule = &plan->rules[i];
        const struct served served = sum_rule(recording, rule);
        if (served.process_count > 0 && served.served_count == 0 && served.declined_count == 0) {
            talk_note("rule '%s' matched no allocation", rule->name);
        }
        if (served.declined_count > 0) {
            talk_note("rule '%s' matched %llu allocations that its %s declined", rule->name,
                      (unsigned long long)served.declined_count,
                      policy_kind_name(rule->settings.kind));
        }
    }
}
