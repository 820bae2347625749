#include "plan.h"

#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void plan_fini(struct plan *plan)
{
    for (size_t i = 0; i < plan->rule_count; i++) {
        for (size_t k = 0; k < plan->rules[i].function_count; k++) {
            free(plan->rules[i].functions[k]);
        }
    }
    for (size_t i = 0; i < plan->module_count; i++) {
        free(plan->modules[i]);
    }
    free(plan->modules);
    free(plan->path);
    *plan = (struct plan){0};
}

/* ---- overlaps ----------------------------------------------------------------------------------
 */

static bool has_same_site(const struct plan_rule *one, const struct plan_rule *other)
{
    if (one->function_count != other->function_count || strcmp(one->module, other->module) != 0) {
        return false;
    }
    for (size_t i = 0; i < one->function_count; i++) {
        if (strcmp(one->functions[i], other->functions[i]) != 0) {
            return false;
        }
    }
    return true;
}

/* Whether all stacks that the second rule is for are some of the first's, as far as texts tell. */
static bool has_wider_site(const struct plan_rule *wide, const struct plan_rule *narrow)
{
    return (wide->function_count == 0 && wide->module[0] == '\0') || has_same_site(wide, narrow);
}

static bool has_wider_thread(const struct plan_rule *wide, const struct plan_rule *narrow)
{
    return wide->thread[0] == '\0' || strcmp(wide->thread, narrow->thread) == 0;
}

static bool has_wider_sizes(const struct plan_rule *wide, const struct plan_rule *narrow)
{
    return wide->size_min_bytes <= narrow->size_min_bytes &&
           wide->size_max_bytes >= narrow->size_max_bytes;
}

static int refuse_hidden(const struct plan *plan, const struct plan_rule *first,
                         const struct plan_rule *second, struct err *err)
{
    return err_set(err, EINVAL,
                   "%s: rules '%s' and '%s' overlap: '%s' comes first and matches all that '%s' "
                   "does; put the narrower rule before the wider one",
                   plan->path, first->name, second->name, first->name, second->name);
}

static int refuse_crossing(const struct plan *plan, const struct plan_rule *first,
                           const struct plan_rule *second, struct err *err)
{
    uint64_t from = first->size_min_bytes > second->size_min_bytes ? first->size_min_bytes
                                                                   : second->size_min_bytes;
    uint64_t to = first->size_max_bytes < second->size_max_bytes ? first->size_max_bytes
                                                                 : second->size_max_bytes;
    return err_set(err, EINVAL,
                   "%s: rules '%s' and '%s' overlap: both match %" PRIu64 " to %" PRIu64
                   " bytes at the same place",
                   plan->path, first->name, second->name, from, to);
}

int plan_check_overlaps(const struct plan *plan, struct err *err)
{
    for (size_t i = 0; i < plan->rule_count; i++) {
        for (size_t k = i + 1; k < plan->rule_count; k++) {
            const struct plan_rule *first = &plan->rules[i];
            const struct plan_rule *second = &plan->rules[k];
            bool is_wider = has_wider_site(first, second) && has_wider_thread(first, second);
            if (is_wider && has_wider_sizes(first, second)) {
                return refuse_hidden(plan, first, second, err);
            }
            bool meets = first->size_min_bytes <= second->size_max_bytes &&
                         second->size_min_bytes <= first->size_max_bytes;
            bool is_same =
                has_same_site(first, second) && strcmp(first->thread, second->thread) == 0;
            if (is_same && meets && !has_wider_sizes(second, first)) {
                return refuse_crossing(plan, first, second, err);
            }
        }
    }
    return 0;
}
