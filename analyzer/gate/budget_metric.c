/*
 * Which figures are known of what a budget limits.
 */
#include <errno.h>

#include "../base/str.h"
#include "budget.h"

#define METRIC_BIT(id) (1u << GATE_METRIC_##id)

/* What is known of threads, scopes and frames; of all others their sites know all. */
static const struct {
    const char *whose;
    unsigned metrics;
} known_parts[BUDGET_SUBJECT_COUNT] = {
    [BUDGET_THREAD] = {"a thread", METRIC_BIT(ALLOCATION_COUNT) | METRIC_BIT(ALLOCATED_BYTES) |
                                       METRIC_BIT(LEAKED_COUNT) | METRIC_BIT(LEAKED_BYTES) |
                                       METRIC_BIT(TEMPORARY_COUNT)},
    [BUDGET_SCOPE] = {"scopes", METRIC_BIT(ALLOCATION_COUNT) | METRIC_BIT(ALLOCATED_BYTES) |
                                    METRIC_BIT(PEAK_BYTES) | METRIC_BIT(LEAKED_COUNT) |
                                    METRIC_BIT(LEAKED_BYTES) | METRIC_BIT(TEMPORARY_COUNT) |
                                    METRIC_BIT(PROCESS_PEAK_BYTES)},
    [BUDGET_FRAME] = {"frames", METRIC_BIT(ALLOCATION_COUNT) | METRIC_BIT(ALLOCATED_BYTES) |
                                    METRIC_BIT(PEAK_BYTES) | METRIC_BIT(LEAKED_COUNT) |
                                    METRIC_BIT(TEMPORARY_COUNT)},
};

/* "of a thread only allocation_count and allocated_bytes are known, not peak_bytes" */
static int refuse_part(enum budget_subject subject, enum gate_metric metric, struct err *err)
{
    unsigned left = known_parts[subject].metrics;
    struct str names = {0};
    int result = 0;
    for (unsigned i = 0; left != 0 && result == 0; i++) {
        if ((left & 1u << i) == 0) {
            continue;
        }
        left &= ~(1u << i);
        const char *joint = names.size_bytes == 0 ? "" : left == 0 ? " and " : ", ";
        result = str_printf(&names, "%s%s", joint, gate_metrics[i].name);
    }
    result = result == 0
                 ? err_set(err, EINVAL, "of %s only %s are known, not %s",
                           known_parts[subject].whose, str_text(&names), gate_metrics[metric].name)
                 : err_set_errno(err, ENOMEM, "cannot read a budget");
    str_fini(&names);
    return result;
}

int budget_check_metric(enum budget_subject subject, enum gate_metric metric, struct err *err)
{
    const char *name = gate_metrics[metric].name;
    if (known_parts[subject].metrics != 0) {
        return (known_parts[subject].metrics & 1u << metric) != 0
                   ? 0
                   : refuse_part(subject, metric, err);
    }
    if (metric >= GATE_METRIC_RUN_COUNT) {
        return err_set(err, EINVAL, "%s is known of scopes only", name);
    }
    if (metric >= GATE_METRIC_COUNT && subject != BUDGET_RUN) {
        return err_set(err, EINVAL, "%s is known of the run only", name);
    }
    bool is_whole = subject == BUDGET_RUN || subject == BUDGET_PROCESS;
    return is_whole || gate_metric_is_of_sites(metric)
               ? 0
               : err_set(err, EINVAL, "%s is known of the run and of processes only", name);
}
