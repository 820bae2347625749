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

bool budget_needs_calls(const struct budget *budget)
{
    for (size_t i = 0; i < budget->count; i++) {
        if (budget_is_entry(budget->limits[i].subject)) {
            return true;
        }
    }
    return false;
}

bool budget_limits_leaks(const struct budget *budget)
{
    for (size_t i = 0; i < budget->count; i++) {
        const struct budget_limit *limit = &budget->limits[i];
        if (gate_metric_is_leak(limit->metric) && !budget_is_entry(limit->subject)) {
            return true;
        }
    }
    return false;
}

/* What tells limits of one figure apart: the statistic, or the kinds of leaks; "" for none. */
static const char *describe_part(const struct budget_limit *limit, char text[LEAK_KINDS_TEXT_BYTES])
{
    return budget_is_entry(limit->subject) ? budget_statistic_words[limit->statistic]
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
