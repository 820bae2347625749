#include "budget.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../base/vec.h"

const char *const budget_subject_words[BUDGET_SUBJECT_COUNT] = {
#define X(id, word) word,
    BUDGET_SUBJECTS(X)
#undef X
};

int budget_add(struct budget *budget, const struct budget_limit *limit, struct err *err)
{
    char *pattern = limit->pattern != NULL ? strdup(limit->pattern) : NULL;
    if ((limit->pattern != NULL && pattern == NULL) ||
        vec_reserve((void **)&budget->limits, &budget->capacity, budget->count + 1,
                    sizeof(*budget->limits)) < 0) {
        free(pattern);
        return err_set_errno(err, ENOMEM, "cannot keep a limit");
    }
    budget->limits[budget->count] = *limit;
    budget->limits[budget->count].pattern = pattern;
    budget->count++;
    return 0;
}

const char *const budget_statistic_words[] = {
    [BUDGET_MAX] = "max", [BUDGET_P99] = "p99", [BUDGET_P50] = "p50", NULL};

bool budget_is_entry(enum budget_subject subject)
{
    return subject == BUDGET_SCOPE || subject == BUDGET_FRAME;
}

bool budget_ignores(const struct budget *budget)
{
    return budget->ignored_functions.count + budget->ignored_modules.count > 0;
}

bool budget_needs_calls(const struct budget *budget)
{
    for (size_t i = 0; i < budget->count; i++) {
        const struct budget_limit *limit = &budget->limits[i];
        bool is_of_thread = limit->subject == BUDGET_THREAD && !gate_metric_is_leak(limit->metric);
        if (budget_is_entry(limit->subject) || (is_of_thread && budget_ignores(budget))) {
            return true;
        }
    }
    return false;
}

bool budget_limits_leaks(const struct budget *budget)
{
    for (size_t i = 0; i < budget->count; i++) {
        const struct budget_limit *limit = &budget->limits[i];
        bool is_at_end = !budget_is_entry(limit->subject) || limit->leak_kinds != 0;
        if (gate_metric_is_leak(limit->metric) && is_at_end) {
            return true;
        }
    }
    return false;
}

bool budget_uses_its_kinds(const struct budget *budget)
{
    for (size_t i = 0; i < budget->count; i++) {
        const struct budget_limit *limit = &budget->limits[i];
        if (gate_metric_is_leak(limit->metric) && limit->leak_kinds == 0 &&
            !budget_is_entry(limit->subject)) {
            return true;
        }
    }
    return false;
}

/* What tells limits of one figure apart: the statistic, or the kinds of leaks; "" for none. */
static const char *describe_part(const struct budget_limit *limit, char text[LEAK_KINDS_TEXT_BYTES])
{
    return budget_is_entry(limit->subject) && limit->leak_kinds == 0
               ? budget_statistic_words[limit->statistic]
               : site_leaks_name(limit->leak_kinds, text);
}

int budget_limit_describe(const struct budget_limit *limit, char *out_text, size_t size_bytes)
{
    const char *metric = gate_metrics[limit->metric].name;
    const char *subject = budget_subject_words[limit->subject];
    char kinds[LEAK_KINDS_TEXT_BYTES];
    const char *part = describe_part(limit, kinds);
    const char *comma = part[0] != '\0' ? ", " : "";
    if (limit->subject == BUDGET_RUN) {
        return snprintf(out_text, size_bytes, "%s%s%s", metric, comma, part);
    }
    if (limit->subject == BUDGET_FRAME) {
        return snprintf(out_text, size_bytes, "%s: %s%s%s", subject, metric, comma, part);
    }
    return snprintf(out_text, size_bytes, "%s '%s': %s%s%s", subject, limit->pattern, metric, comma,
                    part);
}

static const char *or_empty(const char *text)
{
    return text != NULL ? text : "";
}

/* True if `low` cannot be more than `high`: the same figure, or a lower percentile of it. */
static bool is_never_above(const struct budget_limit *low, const struct budget_limit *high)
{
    static const unsigned ranks[] = {[BUDGET_P50] = 0, [BUDGET_P99] = 1, [BUDGET_MAX] = 2};
    return low->subject == high->subject && low->metric == high->metric &&
           low->leak_kinds == high->leak_kinds &&
           strcmp(or_empty(low->pattern), or_empty(high->pattern)) == 0 &&
           ranks[low->statistic] <= ranks[high->statistic];
}

enum {
    NAME_BYTES = 256,
};

/* "frames: peak_bytes, p99 (line 12)" */
static const char *name_limit(const struct budget_limit *limit, char text[NAME_BYTES + 64])
{
    char name[NAME_BYTES];
    (void)budget_limit_describe(limit, name, sizeof(name));
    if (limit->option != NULL) {
        (void)snprintf(text, NAME_BYTES + 64, "%s (--%s)", name, limit->option);
    } else {
        (void)snprintf(text, NAME_BYTES + 64, "%s (line %u)", name, limit->line);
    }
    return text;
}

static int refuse_both(const struct budget_limit *low, const struct budget_limit *high,
                       struct err *err)
{
    char low_name[NAME_BYTES + 64];
    char high_name[NAME_BYTES + 64];
    return err_set(err, EINVAL,
                   "impossible limits: %s must be %llu or more, %s must be %llu or less",
                   name_limit(low, low_name), (unsigned long long)low->at_least,
                   name_limit(high, high_name), (unsigned long long)high->at_most);
}

int budget_check(const struct budget *budget, struct err *err)
{
    for (size_t i = 0; i < budget->count; i++) {
        const struct budget_limit *low = &budget->limits[i];
        char name[NAME_BYTES + 64];
        if (low->subject == BUDGET_THREAD && low->metric == GATE_METRIC_TEMPORARY_COUNT &&
            budget_ignores(budget)) {
            return err_set(err, EINVAL, "%s: it cannot be told without what is ignored",
                           name_limit(low, name));
        }
        for (size_t j = 0; j < budget->count && low->at_least > 0; j++) {
            const struct budget_limit *high = &budget->limits[j];
            if (is_never_above(low, high) && low->at_least > high->at_most) {
                return refuse_both(low, high, err);
            }
        }
    }
    return 0;
}

static void free_patterns(struct budget_patterns *patterns)
{
    for (size_t i = 0; i < patterns->count; i++) {
        free(patterns->items[i]);
    }
    free(patterns->items);
}

void budget_fini(struct budget *budget)
{
    for (size_t i = 0; i < budget->count; i++) {
        free(budget->limits[i].pattern);
    }
    free(budget->limits);
    free(budget->suppressions_path);
    free_patterns(&budget->ignored_functions);
    free_patterns(&budget->ignored_modules);
    *budget = (struct budget){0};
}
