/*
 * plan_read(): from JSON. Places in the messages are as in "rules[0].match.functions[1]".
 */
#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "../base/str.h"
#include "../catalog/policy_option.h"
#include "plan.h"
#include "plan_values.h"

static int read_glob(struct plan_reading *reading, const json_t *object, const char *key,
                     char text[PLAN_GLOB_BYTES])
{
    const json_t *value = json_object_get(object, key);
    if (value == NULL) {
        return 0;
    }
    size_t length = plan_enter(reading, ".%s", key);
    int result = plan_read_text(reading, value, text, PLAN_GLOB_BYTES);
    if (result == 0) {
        reading->place[length] = '\0';
    }
    return result;
}

static int read_functions(struct plan_reading *reading, const json_t *match, struct plan_rule *rule)
{
    const json_t *list = json_object_get(match, "functions");
    if (list == NULL) {
        return 0;
    }
    size_t length = plan_enter(reading, ".functions");
    if (!json_is_array(list)) {
        return plan_refuse_kind(reading, "an array of texts", list);
    }
    if (json_array_size(list) == 0 || json_array_size(list) > PLAN_PATH_MAX) {
        return plan_refuse(reading, "1 to %d functions are possible, not %zu", PLAN_PATH_MAX,
                           json_array_size(list));
    }
    for (size_t i = 0; i < json_array_size(list); i++) {
        char text[4096];
        size_t end = plan_enter(reading, "[%zu]", i);
        int result = plan_read_text(reading, json_array_get(list, i), text, sizeof(text));
        if (result < 0) {
            return result;
        }
        rule->functions[i] = strdup(text);
        if (rule->functions[i] == NULL) {
            return err_set_errno(reading->err, ENOMEM, "cannot read '%s'", reading->path);
        }
        rule->function_count++;
        reading->place[end] = '\0';
    }
    reading->place[length] = '\0';
    return 0;
}

static int read_match(struct plan_reading *reading, json_t *match, struct plan_rule *rule)
{
    static const char *const keys[] = {"functions",      "module", "thread", "size_min_bytes",
                                       "size_max_bytes", "note",   NULL};
    rule->size_max_bytes = UINT64_MAX;
    if (match == NULL) {
        return 0;
    }
    size_t length = plan_enter(reading, ".match");
    int result = plan_check_object(reading, match, keys);
    result = result < 0 ? result : read_functions(reading, match, rule);
    result = result < 0 ? result : read_glob(reading, match, "module", rule->module);
    result = result < 0 ? result : read_glob(reading, match, "thread", rule->thread);
    result = result < 0 ? result
                        : plan_read_size(reading, match, "size_min_bytes", &rule->size_min_bytes);
    result = result < 0 ? result
                        : plan_read_size(reading, match, "size_max_bytes", &rule->size_max_bytes);
    if (result == 0 && rule->size_min_bytes > rule->size_max_bytes) {
        return plan_refuse(reading,
                           "size_min_bytes %" PRIu64 " is more than size_max_bytes %" PRIu64,
                           rule->size_min_bytes, rule->size_max_bytes);
    }
    if (result == 0) {
        reading->place[length] = '\0';
    }
    return result;
}

/* "chunk_bytes=16384" or "sizes=24+48". */
static int append_parameter(struct plan_reading *reading, struct str *text, const char *key,
                            json_t *value)
{
    const bool is_list = json_is_array(value);
    size_t length = plan_enter(reading, ".%s", key);
    int result = str_printf(text, "%c%s=", strchr(str_text(text), ':') != NULL ? ',' : ':', key);
    for (size_t i = 0; result == 0 && i < (is_list ? json_array_size(value) : 1); i++) {
        const json_t *item = is_list ? json_array_get(value, i) : value;
        if (!json_is_integer(item)) {
            return plan_refuse_kind(reading, is_list ? "whole numbers" : "a whole number", item);
        }
        result =
            str_printf(text, "%s%" JSON_INTEGER_FORMAT, i > 0 ? "+" : "", json_integer_value(item));
    }
    reading->place[length] = '\0';
    return result < 0 ? err_set_errno(reading->err, -result, "cannot read '%s'", reading->path) : 0;
}

static int append_parameters(struct plan_reading *reading, struct str *text, json_t *parameters)
{
    const char *key;
    json_t *value;
    size_t length = plan_enter(reading, ".parameters");
    if (!json_is_object(parameters)) {
        return plan_refuse_kind(reading, "an object", parameters);
    }
    json_object_foreach(parameters, key, value)
    {
        int result = append_parameter(reading, text, key, value);
        if (result < 0) {
            return result;
        }
    }
    reading->place[length] = '\0';
    return 0;
}

/* Policy and parameters make one text, as --policy has it. */
static int read_policy(struct plan_reading *reading, const json_t *object, struct plan_rule *rule)
{
    struct str text = {0};
    struct err err;
    json_t *parameters = json_object_get(object, "parameters");
    const json_t *policy = json_object_get(object, "policy");
    if (policy == NULL) {
        return plan_refuse(reading, "it has no 'policy'");
    }
    size_t length = plan_enter(reading, ".policy");
    int result = plan_read_text(reading, policy, rule->settings_text, sizeof(rule->settings_text));
    if (result < 0) {
        return result;
    }
    reading->place[length] = '\0';
    if (str_append(&text, rule->settings_text) < 0) {
        return err_set_errno(reading->err, ENOMEM, "cannot read '%s'", reading->path);
    }
    result = parameters != NULL ? append_parameters(reading, &text, parameters) : 0;
    if (result == 0 && text.size_bytes >= sizeof(rule->settings_text)) {
        result = plan_refuse(reading, "the parameters are too long");
    }
    if (result == 0 && policy_option_parse(str_text(&text), &rule->settings, &err) < 0) {
        result = plan_refuse(reading, "%s", err.text);
    }
    if (result == 0) {
        memcpy(rule->settings_text, str_text(&text), text.size_bytes + 1);
    }
    str_fini(&text);
    return result;
}

/* Counters are called plan.NAME.take_count. */
static int check_name(struct plan_reading *reading, const struct plan *plan,
                      const struct plan_rule *rule)
{
    for (const char *at = rule->name; *at != '\0'; at++) {
        if (!isalnum((unsigned char)*at) && *at != '_' && *at != '-') {
            return plan_refuse(reading,
                               "name '%s' holds other characters than letters, digits, _ and -",
                               rule->name);
        }
    }
    for (const struct plan_rule *other = plan->rules; other != rule; other++) {
        if (strcmp(other->name, rule->name) == 0) {
            return plan_refuse(reading, "name '%s' is that of rules[%td], too", rule->name,
                               other - plan->rules);
        }
    }
    return 0;
}

static int read_rule(struct plan_reading *reading, json_t *object, const struct plan *plan,
                     struct plan_rule *rule)
{
    static const char *const keys[] = {"name", "match", "policy", "parameters", "note", NULL};
    int result = plan_check_object(reading, object, keys);
    if (result < 0) {
        return result;
    }
    const json_t *name = json_object_get(object, "name");
    if (name == NULL) {
        return plan_refuse(reading, "it has no 'name'");
    }
    size_t length = plan_enter(reading, ".name");
    result = plan_read_text(reading, name, rule->name, sizeof(rule->name));
    if (result < 0) {
        return result;
    }
    reading->place[length] = '\0';
    result = check_name(reading, plan, rule);
    result = result < 0 ? result : read_match(reading, json_object_get(object, "match"), rule);
    return result < 0 ? result : read_policy(reading, object, rule);
}

static int read_rules(struct plan_reading *reading, const json_t *list, struct plan *plan)
{
    if (list == NULL) {
        return plan_refuse(reading, "it has no 'rules'");
    }
    size_t length = plan_enter(reading, "rules");
    if (!json_is_array(list)) {
        return plan_refuse_kind(reading, "an array of rules", list);
    }
    if (json_array_size(list) == 0 || json_array_size(list) > PLAN_RULES_MAX) {
        return plan_refuse(reading, "1 to %d rules are possible, not %zu", PLAN_RULES_MAX,
                           json_array_size(list));
    }
    for (size_t i = 0; i < json_array_size(list); i++) {
        size_t end = plan_enter(reading, "[%zu]", i);
        plan->rule_count++;
        int result = read_rule(reading, json_array_get(list, i), plan, &plan->rules[i]);
        if (result < 0) {
            return result;
        }
        reading->place[end] = '\0';
    }
    reading->place[length] = '\0';
    return 0;
}

static int read_modules(struct plan_reading *reading, const json_t *list, struct plan *plan)
{
    if (list == NULL) {
        return 0;
    }
    size_t length = plan_enter(reading, "modules");
    if (!json_is_array(list)) {
        return plan_refuse_kind(reading, "an array of texts", list);
    }
    plan->modules = calloc(json_array_size(list) + 1, sizeof(*plan->modules));
    for (size_t i = 0; plan->modules != NULL && i < json_array_size(list); i++) {
        char text[4096];
        size_t end = plan_enter(reading, "[%zu]", i);
        int result = plan_read_text(reading, json_array_get(list, i), text, sizeof(text));
        if (result < 0) {
            return result;
        }
        plan->modules[i] = strdup(text);
        if (plan->modules[i] == NULL) {
            break;
        }
        plan->module_count++;
        reading->place[end] = '\0';
    }
    reading->place[length] = '\0';
    return plan->module_count == json_array_size(list)
               ? 0
               : err_set_errno(reading->err, ENOMEM, "cannot read '%s'", reading->path);
}

static int read_document(struct plan_reading *reading, json_t *document, struct plan *plan)
{
    static const char *const keys[] = {"rules", "modules", "note", NULL};
    int result = plan_check_object(reading, document, keys);
    result =
        result < 0 ? result : read_modules(reading, json_object_get(document, "modules"), plan);
    result = result < 0 ? result : read_rules(reading, json_object_get(document, "rules"), plan);
    return result < 0 ? result : plan_check_overlaps(plan, reading->err);
}

/* Returns 0 and *out_document, or a negative errno. */
static int load(const char *path, json_t **out_document, struct err *err)
{
    json_error_t error;
    FILE *file = fopen(path, "re");
    if (file == NULL) {
        return err_set_errno(err, errno, "cannot read '%s'", path);
    }
    errno = 0;
    *out_document = json_loadf(file, JSON_REJECT_DUPLICATES, &error);
    int code = ferror(file) != 0 ? (errno != 0 ? errno : EIO) : 0;
    fclose(file);
    if (code != 0) {
        json_decref(*out_document);
        return err_set_errno(err, code, "cannot read '%s'", path);
    }
    return *out_document != NULL
               ? 0
               : err_set(err, EINVAL, "%s:%d:%d: %s", path, error.line, error.column, error.text);
}

int plan_read(struct plan *plan, const char *path, struct err *err)
{
    json_t *document = NULL;
    struct plan_reading reading = {.path = path, .err = err};
    *plan = (struct plan){0};
    int result = load(path, &document, err);
    if (result < 0) {
        return result;
    }
    plan->path = strdup(path);
    result = plan->path != NULL ? read_document(&reading, document, plan)
                                : err_set_errno(err, ENOMEM, "cannot read '%s'", path);
    json_decref(document);
    if (result < 0) {
        plan_fini(plan);
    }
    return result;
}
