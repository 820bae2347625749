/*
 * plan_read(): from JSON, which is YAML, too.
 */
#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../base/str.h"
#include "../base/yaml_file.h"
#include "../catalog/policy_option.h"
#include "../cli/options.h"
#include "plan.h"

enum {
    PLAN_BYTES_MAX = 4 << 20,
    PLAN_WORD_BYTES = 4096, /* of a function or module */
    PLAN_MODULES_MAX = 1024,
};

/* A rule while it is read. */
struct rule_reading {
    struct plan *plan;
    struct plan_rule *rule;
    struct str settings; /* policy and parameters as one text, as --policy has it */
    const yaml_node_t *policy;
    const yaml_node_t *parameters;
};

static int out_of_memory(const struct yaml_file *file, struct err *err)
{
    return err_set_errno(err, ENOMEM, "cannot read '%s'", file->name);
}

/* A word that fits with its NUL and is not empty. */
static int read_word(const struct yaml_file *file, const yaml_node_t *node, char *text,
                     size_t text_bytes, struct err *err)
{
    const char *word = yaml_file_word(node);
    if (word == NULL || word[0] == '\0') {
        return yaml_file_fail(file, node, err, "a name was expected here");
    }
    if (strlen(word) >= text_bytes) {
        return yaml_file_fail(file, node, err, "it is too long: %zu characters at most",
                              text_bytes - 1);
    }
    memcpy(text, word, strlen(word) + 1);
    return 0;
}

/* ---- match -------------------------------------------------------------------------------------
 */

static int read_size(const struct yaml_file *file, const yaml_node_t *node, uint64_t *out_bytes,
                     struct err *err)
{
    struct err why;
    const char *word = yaml_file_word(node);
    if (word == NULL) {
        return yaml_file_fail(file, node, err, "a number of bytes was expected here");
    }
    return options_read_bytes(word, out_bytes, &why) < 0
               ? yaml_file_fail(file, node, err, "%s", why.text)
               : 0;
}

static int take_function(const struct yaml_file *file, const yaml_node_t *item, void *context,
                         struct err *err)
{
    struct plan_rule *rule = context;
    char text[PLAN_WORD_BYTES];
    if (rule->function_count == PLAN_PATH_MAX) {
        return yaml_file_fail(file, item, err, "a path has at most %d functions", PLAN_PATH_MAX);
    }
    int result = read_word(file, item, text, sizeof(text), err);
    if (result < 0) {
        return result;
    }
    rule->functions[rule->function_count] = strdup(text);
    if (rule->functions[rule->function_count] == NULL) {
        return out_of_memory(file, err);
    }
    rule->function_count++;
    return 0;
}

static int read_functions(const struct yaml_file *file, const yaml_node_t *list,
                          struct plan_rule *rule, struct err *err)
{
    int result = yaml_file_each_item(file, list, "'functions'", take_function, rule, err);
    return result == 0 && rule->function_count == 0
               ? yaml_file_fail(file, list, err, "a path has at least one function")
               : result;
}

static int take_condition(const struct yaml_file *file, const yaml_node_t *key, const char *word,
                          const yaml_node_t *value, void *context, struct err *err)
{
    static const char *const words[] = {"functions",      "module", "thread", "size_min_bytes",
                                        "size_max_bytes", "note",   NULL};
    struct plan_rule *rule = context;
    if (strcmp(word, "functions") == 0) {
        return read_functions(file, value, rule, err);
    }
    if (strcmp(word, "module") == 0) {
        return read_word(file, value, rule->module, sizeof(rule->module), err);
    }
    if (strcmp(word, "thread") == 0) {
        return read_word(file, value, rule->thread, sizeof(rule->thread), err);
    }
    if (strcmp(word, "size_min_bytes") == 0) {
        return read_size(file, value, &rule->size_min_bytes, err);
    }
    if (strcmp(word, "size_max_bytes") == 0) {
        return read_size(file, value, &rule->size_max_bytes, err);
    }
    return strcmp(word, "note") == 0 ? 0 : yaml_file_refuse(file, key, "key", words, err);
}

static int read_match(const struct yaml_file *file, const yaml_node_t *match,
                      struct plan_rule *rule, struct err *err)
{
    int result = yaml_file_each(file, match, "'match'", take_condition, rule, err);
    if (result == 0 && rule->size_min_bytes > rule->size_max_bytes) {
        return yaml_file_fail(file, match, err,
                              "size_min_bytes %" PRIu64 " is more than size_max_bytes %" PRIu64,
                              rule->size_min_bytes, rule->size_max_bytes);
    }
    return result;
}

/* ---- policy ------------------------------------------------------------------------------------
 */

struct parameter_reading {
    struct str *text;
    const char *separator;
};

static int take_number(const struct yaml_file *file, const yaml_node_t *item, void *context,
                       struct err *err)
{
    struct parameter_reading *parameter = context;
    struct err why;
    uint64_t number = 0;
    const char *word = yaml_file_word(item);
    if (word == NULL || options_read_count(word, &number, &why) < 0) {
        return yaml_file_fail(file, item, err, "a whole number was expected here");
    }
    if (str_printf(parameter->text, "%s%" PRIu64, parameter->separator, number) < 0) {
        return out_of_memory(file, err);
    }
    parameter->separator = "+";
    return 0;
}

/* "chunk_bytes=16384" or "sizes=24+48". */
static int take_parameter(const struct yaml_file *file, const yaml_node_t *key, const char *word,
                          const yaml_node_t *value, void *context, struct err *err)
{
    struct str *text = context;
    struct parameter_reading parameter = {.text = text, .separator = ""};
    (void)key;
    if (str_printf(text, "%c%s=", strchr(str_text(text), ':') != NULL ? ',' : ':', word) < 0) {
        return out_of_memory(file, err);
    }
    return value->type == YAML_SEQUENCE_NODE
               ? yaml_file_each_item(file, value, word, take_number, &parameter, err)
               : take_number(file, value, &parameter, err);
}

static int read_policy(const struct yaml_file *file, struct rule_reading *reading, struct err *err)
{
    struct plan_rule *rule = reading->rule;
    struct err why;
    int result =
        read_word(file, reading->policy, rule->settings_text, sizeof(rule->settings_text), err);
    if (result == 0 && str_append(&reading->settings, rule->settings_text) < 0) {
        result = out_of_memory(file, err);
    }
    if (result == 0 && reading->parameters != NULL) {
        result = yaml_file_each(file, reading->parameters, "'parameters'", take_parameter,
                                &reading->settings, err);
    }
    if (result < 0) {
        return result;
    }
    const yaml_node_t *place = reading->parameters != NULL ? reading->parameters : reading->policy;
    if (reading->settings.size_bytes >= sizeof(rule->settings_text)) {
        return yaml_file_fail(file, place, err, "the parameters are too long");
    }
    if (policy_option_parse(str_text(&reading->settings), &rule->settings, &why) < 0) {
        return yaml_file_fail(file, place, err, "%s", why.text);
    }
    memcpy(rule->settings_text, str_text(&reading->settings), reading->settings.size_bytes + 1);
    return 0;
}

/* ---- rules -------------------------------------------------------------------------------------
 */

/* Counters are called plan.NAME.take_count. */
static int read_name(const struct yaml_file *file, const yaml_node_t *node,
                     const struct rule_reading *reading, struct err *err)
{
    struct plan_rule *rule = reading->rule;
    int result = read_word(file, node, rule->name, sizeof(rule->name), err);
    if (result < 0) {
        return result;
    }
    for (const char *at = rule->name; *at != '\0'; at++) {
        if (!isalnum((unsigned char)*at) && *at != '_' && *at != '-') {
            return yaml_file_fail(file, node, err,
                                  "name '%s' holds other characters than letters, digits, _ and -",
                                  rule->name);
        }
    }
    for (const struct plan_rule *other = reading->plan->rules; other != rule; other++) {
        if (strcmp(other->name, rule->name) == 0) {
            return yaml_file_fail(file, node, err, "name '%s' is that of another rule, too",
                                  rule->name);
        }
    }
    return 0;
}

static int take_part(const struct yaml_file *file, const yaml_node_t *key, const char *word,
                     const yaml_node_t *value, void *context, struct err *err)
{
    static const char *const words[] = {"name", "match", "policy", "parameters", "note", NULL};
    struct rule_reading *reading = context;
    if (strcmp(word, "name") == 0) {
        return read_name(file, value, reading, err);
    }
    if (strcmp(word, "match") == 0) {
        return read_match(file, value, reading->rule, err);
    }
    if (strcmp(word, "policy") == 0) {
        reading->policy = value;
        return 0;
    }
    if (strcmp(word, "parameters") == 0) {
        reading->parameters = value;
        return 0;
    }
    return strcmp(word, "note") == 0 ? 0 : yaml_file_refuse(file, key, "key", words, err);
}

static int take_rule(const struct yaml_file *file, const yaml_node_t *item, void *context,
                     struct err *err)
{
    struct plan *plan = context;
    if (plan->rule_count == PLAN_RULES_MAX) {
        return yaml_file_fail(file, item, err, "a plan has at most %d rules", PLAN_RULES_MAX);
    }
    struct rule_reading reading = {.plan = plan, .rule = &plan->rules[plan->rule_count++]};
    reading.rule->size_max_bytes = UINT64_MAX;
    int result = yaml_file_each(file, item, "a rule", take_part, &reading, err);
    if (result == 0 && reading.rule->name[0] == '\0') {
        result = yaml_file_fail(file, item, err, "the rule has no 'name'");
    }
    if (result == 0 && reading.policy == NULL) {
        result = yaml_file_fail(file, item, err, "the rule has no 'policy'");
    }
    if (result == 0) {
        result = read_policy(file, &reading, err);
    }
    str_fini(&reading.settings);
    return result;
}

/* ---- the whole ---------------------------------------------------------------------------------
 */

static int take_module(const struct yaml_file *file, const yaml_node_t *item, void *context,
                       struct err *err)
{
    struct plan *plan = context;
    char text[PLAN_WORD_BYTES];
    int result = read_word(file, item, text, sizeof(text), err);
    if (result < 0) {
        return result;
    }
    if (plan->module_count == PLAN_MODULES_MAX) {
        return yaml_file_fail(file, item, err, "a plan has at most %d modules", PLAN_MODULES_MAX);
    }
    plan->modules[plan->module_count] = strdup(text);
    if (plan->modules[plan->module_count] == NULL) {
        return out_of_memory(file, err);
    }
    plan->module_count++;
    return 0;
}

static int take_top(const struct yaml_file *file, const yaml_node_t *key, const char *word,
                    const yaml_node_t *value, void *context, struct err *err)
{
    static const char *const words[] = {"rules", "modules", "note", NULL};
    struct plan *plan = context;
    if (strcmp(word, "rules") == 0) {
        return yaml_file_each_item(file, value, "'rules'", take_rule, plan, err);
    }
    if (strcmp(word, "modules") == 0) {
        return yaml_file_each_item(file, value, "'modules'", take_module, plan, err);
    }
    return strcmp(word, "note") == 0 ? 0 : yaml_file_refuse(file, key, "key", words, err);
}

static int read_all(const struct yaml_file *file, struct plan *plan, struct err *err)
{
    plan->path = strdup(file->name);
    plan->modules = calloc(PLAN_MODULES_MAX, sizeof(*plan->modules));
    if (plan->path == NULL || plan->modules == NULL) {
        return out_of_memory(file, err);
    }
    int result = yaml_file_each(file, file->root, "a plan", take_top, plan, err);
    if (result == 0 && plan->rule_count == 0) {
        result = yaml_file_fail(file, file->root, err, "the plan has no rules");
    }
    return result == 0 ? plan_check_overlaps(plan, err) : result;
}

/* Ends the file, too. */
static int read_file(struct yaml_file *file, struct plan *plan, struct err *err)
{
    int result = read_all(file, plan, err);
    yaml_file_fini(file);
    if (result < 0) {
        plan_fini(plan);
    }
    return result;
}

int plan_read(struct plan *plan, const char *path, struct err *err)
{
    struct yaml_file file;
    *plan = (struct plan){0};
    int result = yaml_file_read(path, PLAN_BYTES_MAX, &file, err);
    return result < 0 ? result : read_file(&file, plan, err);
}

int plan_parse(struct plan *plan, const char *name, const char *text, size_t size_bytes,
               struct err *err)
{
    struct yaml_file file;
    *plan = (struct plan){0};
    int result = yaml_file_parse(name, text, size_bytes, &file, err);
    return result < 0 ? result : read_file(&file, plan, err);
}
