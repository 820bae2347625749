/*
 * recommend_plan.c - the plan that tries what was advised for single call sites
 * (recommend_write_plan in recommend_answer.h).
 *
 * Sites become functions, as plans know no stacks. A rule that could never serve beside those
 * before it is left out: their functions have its sites, too.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "../base/utf8.h"
#include "../model/site_paths.h"
#include "../model/stacks.h"
#include "../plan/plan.h"
#include "recommend_answer.h"

enum {
    FUNCTIONS_MAX = 3, /* that name a site: its own and callers */
};

struct plan_draft {
    const struct recommend_answer *answer;
    struct stacks *stacks;
    struct str rules; /* their texts, with commas between */
    size_t rule_count;
};

static int append_functions(struct str *text, const char *const *functions, size_t count)
{
    int result = str_append(text, "[");
    for (size_t i = 0; i < count && result == 0; i++) {
        result = i > 0 ? str_append(text, ", ") : 0;
        if (result == 0) {
            result = utf8_append_json(text, functions[i], strlen(functions[i]));
        }
    }
    return result == 0 ? str_append(text, "]") : result;
}

static int append_plan(struct str *text, const char *rules)
{
    return str_printf(text, "{\"rules\": [%s\n]}\n", rules);
}

/* True if a plan with the rules can be read. */
static int check_rules(const char *rules, bool *out_is_good)
{
    struct str text = {0};
    struct plan plan = {0};
    struct err err;
    int result = append_plan(&text, rules);
    if (result == 0) {
        *out_is_good = plan_parse(&plan, "plan", str_text(&text), text.size_bytes, &err) == 0;
        plan_fini(&plan);
    }
    str_fini(&text);
    return result;
}

/* `rest` follows the functions in the rule. */
static int add_rule(struct plan_draft *draft, const char *word, const char *const *functions,
                    size_t count, const char *rest)
{
    struct str rules = {0};
    bool is_good = false;
    int result = str_printf(&rules, "%s%s\n    {\"name\": \"%s%zu\", \"match\": {\"functions\": ",
                            str_text(&draft->rules), draft->rule_count > 0 ? "," : "", word,
                            draft->rule_count + 1);
    if (result == 0) {
        result = append_functions(&rules, functions, count);
    }
    if (result == 0) {
        result = str_append(&rules, rest);
    }
    if (result == 0) {
        result = check_rules(str_text(&rules), &is_good);
    }
    if (result < 0 || !is_good) {
        str_fini(&rules);
        return result;
    }
    str_fini(&draft->rules);
    draft->rules = rules;
    draft->rule_count++;
    return 0;
}

/* From the one that is shown outward, as far as they have names. */
static size_t choose_functions(const struct call_stack *stack, const char *functions[FUNCTIONS_MAX])
{
    size_t count = 0;
    for (size_t i = stack->shown_index; i < stack->count && count < FUNCTIONS_MAX; i++) {
        const char *function = stack->frames[i]->function;
        if (site_path_is_before_main(function)) {
            break;
        }
        if (strstr(function, "+0x") == NULL) {
            functions[count++] = function;
        }
    }
    return count;
}

static int add_frame_site(struct plan_draft *draft, const struct recommend_frames *frames,
                          uint32_t stack_id, struct err *err)
{
    struct call_stack stack = {0};
    const char *functions[FUNCTIONS_MAX];
    char rest[160];
    int result = stacks_expand(draft->stacks, stack_id, &stack, err);
    size_t count = result == 0 ? choose_functions(&stack, functions) : 0;
    (void)snprintf(rest, sizeof(rest),
                   "}, \"policy\": \"frame\", \"parameters\": {\"chunk_bytes\": %" PRIu64
                   ", \"block_max_bytes\": %" PRIu64 ", \"spare_chunks\": %" PRIu64 "}}",
                   frames->chunk_bytes, frames->chunk_bytes / 4, frames->spare_count);
    if (count > 0 && add_rule(draft, "frame", functions, count, rest) < 0) {
        result = err_set_errno(err, ENOMEM, "cannot write a plan");
    }
    call_stack_fini(&stack);
    return result;
}

static int add_frames(struct plan_draft *draft, struct err *err)
{
    const struct recommend_answer *answer = draft->answer;
    int result = 0;
    for (size_t i = 0; i < answer->advice_count; i++) {
        const struct recommend_advice *advice = &answer->advice[i];
        bool is_meant = advice->kind == RECOMMEND_FRAME_ARENA && advice->is_worth_it;
        for (size_t j = 0; is_meant && j < advice->frames.stack_count && result == 0; j++) {
            result = add_frame_site(draft, &advice->frames, advice->frames.stack_ids[j], err);
        }
    }
    return result;
}

static int add_pools(struct plan_draft *draft, struct err *err)
{
    const struct recommend_answer *answer = draft->answer;
    int result = 0;
    for (size_t i = 0; i < answer->site_count && result == 0; i++) {
        const struct recommend_site *site = &answer->sites[i];
        const char *functions[] = {site->function};
        char rest[128];
        (void)snprintf(rest, sizeof(rest),
                       ", \"size_min_bytes\": %" PRIu64 ", \"size_max_bytes\": %" PRIu64
                       "}, \"policy\": \"pool\"}",
                       site->size_bytes, site->size_bytes);
        result = add_rule(draft, "site", functions, 1, rest);
    }
    return result < 0 ? err_set_errno(err, ENOMEM, "cannot write a plan") : 0;
}

static int write_file(const char *path, const struct str *text, struct err *err)
{
    FILE *file = fopen(path, "we");
    if (file == NULL) {
        return err_set_errno(err, errno, "cannot write '%s'", path);
    }
    size_t count = fwrite(str_text(text), 1, text->size_bytes, file);
    int code = count < text->size_bytes ? errno : 0;
    if (fclose(file) != 0 && code == 0) {
        code = errno;
    }
    return code == 0 ? 0 : err_set_errno(err, code, "cannot write '%s'", path);
}

static int write_rules(const struct plan_draft *draft, const char *path, struct err *err)
{
    struct str text = {0};
    int result = append_plan(&text, str_text(&draft->rules)) < 0
                     ? err_set_errno(err, ENOMEM, "cannot write '%s'", path)
                     : write_file(path, &text, err);
    str_fini(&text);
    return result;
}

int recommend_write_plan(struct recommend_answer *answer, const char *path, struct err *err)
{
    struct plan_draft draft = {.answer = answer};
    int result = stacks_create(answer->trace->db, &draft.stacks, err);
    if (result == 0) {
        result = add_frames(&draft, err);
    }
    if (result == 0) {
        result = add_pools(&draft, err);
    }
    if (result == 0 && draft.rule_count > 0) {
        result = write_rules(&draft, path, err);
        answer->plan_rule_count = draft.rule_count;
    }
    str_fini(&draft.rules);
    stacks_destroy(draft.stacks);
    return result;
}
