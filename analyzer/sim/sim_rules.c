#include "sim_rules.h"

#include <errno.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>

#include "../base/map.h"
#include "../model/stacks.h"
#include "../plan/plan_names.h"

struct sim_rules {
    const struct trace *trace;
    const struct plan *plan;
    struct stacks *stacks;
    struct map known; /* by stack: the rules for which it is, a bit for each */
};

int sim_rules_create(const struct trace *trace, const struct plan *plan,
                     struct sim_rules **out_rules, struct err *err)
{
    struct sim_rules *rules = calloc(1, sizeof(*rules));
    if (rules == NULL) {
        return err_set_errno(err, ENOMEM, "cannot simulate");
    }
    rules->trace = trace;
    rules->plan = plan;
    int result = plan != NULL ? stacks_create(trace->db, &rules->stacks, err) : 0;
    if (result < 0) {
        free(rules);
        return result;
    }
    *out_rules = rules;
    return 0;
}

/* Whether the stack has the rule's functions, in order, or a frame in its module. */
static bool has_site(const struct plan_rule *rule, const struct call_stack *stack)
{
    size_t reached = 0;
    bool has_module = rule->module[0] == '\0';
    for (size_t i = 0; i < stack->count; i++) {
        const struct stack_frame *frame = stack->frames[i];
        bool is_in_module =
            plan_module_matches(frame->module != NULL ? frame->module : "", rule->module);
        has_module |= is_in_module;
        if (reached < rule->function_count && is_in_module) {
            struct plan_name name;
            plan_name_init(&name, frame->function);
            reached += plan_name_matches(&name, rule->functions[reached]);
        }
    }
    return has_module && reached == rule->function_count;
}

static int judge(struct sim_rules *rules, uint32_t stack_id, uint32_t *out_rules, struct err *err)
{
    struct call_stack stack = {0};
    int result = stacks_expand(rules->stacks, stack_id, &stack, err);
    if (result < 0 && result != -ENOENT) { /* unknown stacks have no functions */
        return result;
    }
    *out_rules = 0;
    for (size_t i = 0; i < rules->plan->rule_count; i++) {
        *out_rules |= (uint32_t)has_site(&rules->plan->rules[i], &stack) << i;
    }
    call_stack_fini(&stack);
    return map_put(&rules->known, stack_id, *out_rules) == 0
               ? 0
               : err_set_errno(err, ENOMEM, "cannot simulate");
}

static bool has_thread(const struct plan_rule *rule, const char *name)
{
    return rule->thread[0] == '\0' || (name != NULL && sqlite3_strglob(rule->thread, name) == 0);
}

int sim_rules_choose(struct sim_rules *rules, const struct operation *operation, int *out_policy,
                     struct err *err)
{
    const struct plan *plan = rules->plan;
    const uint32_t stack_id = operation->made.stack_id;
    const uint64_t size_bytes = sim_request_of(operation).size_bytes;
    uint32_t found = 0;
    *out_policy = plan != NULL ? SIM_NO_POLICY : 0;
    if (plan == NULL) {
        return 0;
    }
    int result = map_get(&rules->known, stack_id, &found) ? 0 : judge(rules, stack_id, &found, err);
    const struct thread_row *thread = trace_thread(rules->trace, operation->thread_id);
    for (size_t i = 0; result == 0 && i < plan->rule_count && *out_policy == SIM_NO_POLICY; i++) {
        const struct plan_rule *rule = &plan->rules[i];
        if ((found >> i & 1) != 0 && size_bytes >= rule->size_min_bytes &&
            size_bytes <= rule->size_max_bytes &&
            has_thread(rule, thread != NULL ? thread->name : NULL)) {
            *out_policy = (int)i;
        }
    }
    return result;
}

void sim_rules_destroy(struct sim_rules *rules)
{
    if (rules != NULL) {
        stacks_destroy(rules->stacks);
        map_fini(&rules->known);
        free(rules);
    }
}
