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
#include "../base/suggest.h"
#include "../catalog/policy_option.h"
#include "plan.h"

enum {
    PLACE_BYTES = 128,
};

struct reader {
    struct plan *plan;
    struct err *err;
    char place[PLACE_BYTES]; /* of the value that is being read */
};

static int refuse(struct reader *reader, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static int refuse(struct reader *reader, const char *format, ...)
{
    char text[sizeof(reader->err->text)];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    return err_set(reader->err, EINVAL, "%s: %s%s%s", reader->plan->path, reader->place,
                   reader->place[0] != '\0' ? ": " : "", text);
}

/* Goes into a part of the value; the result ends the place there again. */
static size_t enter(struct reader *reader, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static size_t enter(struct reader *reader, const char *format, ...)
{
    size_t length = strlen(reader->place);
    va_list args;
    va_start(args, format);
    vsnprintf(reader->place + length, sizeof(reader->place) - length, format, args);
    va_end(args);
    return length;
}

static const char *kind_of(const json_t *value)
{
    if (value == NULL) {
        return "nothing";
    }
    switch (json_typeof(value)) {
    case JSON_OBJECT:
        return "an object";
    case JSON_ARRAY:
        return "an array";
    case JSON_STRING:
        return "a text";
    case JSON_INTEGER:
    case JSON_REAL:
        return "a number";
    case JSON_NULL:
        return "null";
    default:
        return json_is_true(value) ? "true" : "false";
    }
}

static int refuse_kind(struct reader *reader, const char *wanted, const json_t *found)
{
    return refuse(reader, "%s is expected, not %s", wanted, kind_of(found));
}

/* `keys` ends with NULL, and the first is written as a member of the place. */
static int check_keys(struct reader *reader, json_t *object, const char *const *keys)
{
    const char *key;
    json_t *value;
    json_object_foreach(object, key, value)
    {
        size_t i = 0;
        while (keys[i] != NULL && strcmp(keys[i], key) != 0) {
            i++;
        }
        const char *near = keys[i] == NULL ? suggest_nearest(key, keys) : NULL;
        if (keys[i] == NULL) {
            return refuse(reader, "unknown key '%s'%s%s%s", key,
                          near != NULL ? "; did you mean '" : "", near != NULL ? near : "",
                          near != NULL ? "'?" : "");
        }
    }
    return 0;
}

static int check_object(struct reader *reader, json_t *value, const char *const *keys)
{
    return json_is_object(value) ? check_keys(reader, value, keys)
                                 : refuse_kind(reader, "an object", value);
}

/* A text that fits, and holds no NUL and is not empty. */
static int read_text(struct reader *reader, const json_t *value, char *text, size_t text_bytes)
{
    if (!json_is_string(value)) {
        return refuse_kind(reader, "a text", value);
    }
    size_t length = json_string_length(value);
    if (length == 0 || length != strlen(json_string_value(value))) {
        return refuse(reader, length == 0 ? "it is empty" : "it holds a NUL character");
    }
    if (length >= text_bytes) {
        return refuse(reader, "it is too long: %zu characters at most", text_bytes - 1);
    }
    memcpy(text, json_string_value(value), length + 1);
    return 0;
}

static int read_size(struct reader *reader, const json_t *object, const char *key, uint64_t *size)
{
    const json_t *value = json_object_get(object, key);
    if (value == NULL) {
        return 0;
    }
    size_t length = enter(reader, ".%s", key);
    if (!json_is_integer(value)) {
        return refuse_kind(reader, "a whole number of bytes", value);
    }
    if (json_integer_value(value) < 0) {
        return refuse(reader, "%" JSON_INTEGER_FORMAT " is less than 0", json_integer_value(value));
    }
    *size = (uint64_t)json_integer_value(value);
    reader->place[length] = '\0';
    return 0;
}

static int read_glob(struct reader *reader, const json_t *object, const char *key,
                     char text[PLAN_GLOB_BYTES])
{
    const json_t *value = json_object_get(object, key);
    if (value == NULL) {
        return 0;
    }
    size_t length = enter(reader, ".%s", key);
    int result = read_text(reader, value, text, PLAN_GLOB_BYTES);
    if (result == 0) {
        reader->place[length] = '\0';
    }
    return result;
}

static int read_functions(struct reader *reader, const json_t *match, struct plan_rule *rule)
{
    const json_t *list = json_object_get(match, "functions");
    if (list == NULL) {
        return 0;
    }
    size_t length = enter(reader, ".functions");
    if (!json_is_array(list)) {
        return refuse_kind(reader, "an array of texts", list);
    }
    if (json_array_size(list) == 0 || json_array_size(list) > PLAN_PATH_MAX) {
        return refuse(reader, "1 to %d functions are possible, not %zu", PLAN_PATH_MAX,
                      json_array_size(list));
    }
    for (size_t i = 0; i < json_array_size(list); i++) {
        char text[4096];
        size_t end = enter(reader, "[%zu]", i);
        int result = read_text(reader, json_array_get(list, i), text, sizeof(text));
        if (result < 0) {
            return result;
        }
        rule->functions[i] = strdup(text);
        if (rule->functions[i] == NULL) {
            return err_set_errno(reader->err, ENOMEM, "cannot read '%s'", reader->plan->path);
        }
        rule->function_count++;
        reader->place[end] = '\0';
    }
    reader->place[length] = '\0';
    return 0;
}

static int read_match(struct reader *reader, json_t *match, struct plan_rule *rule)
{
    static const char *const keys[] = {"functions",      "module", "thread", "size_min_bytes",
                                       "size_max_bytes", "note",   NULL};
    rule->size_max_bytes = UINT64_MAX;
    if (match == NULL) {
        return 0;
    }
    size_t length = enter(reader, ".match");
    int result = check_object(reader, match, keys);
    result = result < 0 ? result : read_functions(reader, match, rule);
    result = result < 0 ? result : read_glob(reader, match, "module", rule->module);
    result = result < 0 ? result : read_glob(reader, match, "thread", rule->thread);
    result =
        result < 0 ? result : read_size(reader, match, "size_min_bytes", &rule->size_min_bytes);
    result =
        result < 0 ? result : read_size(reader, match, "size_max_bytes", &rule->size_max_bytes);
    if (result == 0 && rule->size_min_bytes > rule->size_max_bytes) {
        return refuse(reader, "size_min_bytes %" PRIu64 " is more than size_max_bytes %" PRIu64,
                      rule->size_min_bytes, rule->size_max_bytes);
    }
    if (result == 0) {
        reader->place[length] = '\0';
    }
    return result;
}

/* "chunk_bytes=16384" or "sizes=24+48". */
static int append_parameter(struct reader *reader, struct str *text, const char *key, json_t *value)
{
    const bool is_list = json_is_array(value);
    size_t length = enter(reader, ".%s", key);
    int result = str_printf(text, "%c%s=", strchr(str_text(text), ':') != NULL ? ',' : ':', key);
    for (size_t i = 0; result == 0 && i < (is_list ? json_array_size(value) : 1); i++) {
        const json_t *item = is_list ? json_array_get(value, i) : value;
        if (!json_is_integer(item)) {
            return refuse_kind(reader, is_list ? "whole numbers" : "a whole number", item);
        }
        result =
            str_printf(text, "%s%" JSON_INTEGER_FORMAT, i > 0 ? "+" : "", json_integer_value(item));
    }
    reader->place[length] = '\0';
    return result < 0 ? err_set_errno(reader->err, -result, "cannot read '%s'", reader->plan->path)
                      : 0;
}

static int append_parameters(struct reader *reader, struct str *text, json_t *parameters)
{
    const char *key;
    json_t *value;
    size_t length = enter(reader, ".parameters");
    if (!json_is_object(parameters)) {
        return refuse_kind(reader, "an object", parameters);
    }
    json_object_foreach(parameters, key, value)
    {
        int result = append_parameter(reader, text, key, value);
        if (result < 0) {
            return result;
        }
    }
    reader->place[length] = '\0';
    return 0;
}

/* Policy and parameters make one text, as --policy has it. */
static int read_policy(struct reader *reader, const json_t *object, struct plan_rule *rule)
{
    struct str text = {0};
    struct err err;
    json_t *parameters = json_object_get(object, "parameters");
    const json_t *policy = json_object_get(object, "policy");
    if (policy == NULL) {
        return refuse(reader, "it has no 'policy'");
    }
    size_t length = enter(reader, ".policy");
    int result = read_text(reader, policy, rule->settings_text, sizeof(rule->settings_text));
    if (result < 0) {
        return result;
    }
    reader->place[length] = '\0';
    if (str_append(&text, rule->settings_text) < 0) {
        return err_set_errno(reader->err, ENOMEM, "cannot read '%s'", reader->plan->path);
    }
    result = parameters != NULL ? append_parameters(reader, &text, parameters) : 0;
    if (result == 0 && text.size_bytes >= sizeof(rule->settings_text)) {
        result = refuse(reader, "the parameters are too long");
    }
    if (result == 0 && policy_option_parse(str_text(&text), &rule->settings, &err) < 0) {
        result = refuse(reader, "%s", err.text);
    }
    if (result == 0) {
        memcpy(rule->settings_text, str_text(&text), text.size_bytes + 1);
    }
    str_fini(&text);
    return result;
}

/* Counters are called plan.NAME.take_count. */
static int check_name(struct reader *reader, const struct plan_rule *rule)
{
    const struct plan *plan = reader->plan;
    for (const char *at = rule->name; *at != '\0'; at++) {
        if (!isalnum((unsigned char)*at) && *at != '_' && *at != '-') {
            return refuse(reader, "name '%s' holds other characters than letters, digits, _ and -",
                          rule->name);
        }
    }
    for (const struct plan_rule *other = plan->rules; other != rule; other++) {
        if (strcmp(other->name, rule->name) == 0) {
            return refuse(reader, "name '%s' is that of rules[%td], too", rule->name,
                          other - plan->rules);
        }
    }
    return 0;
}

static int read_rule(struct reader *reader, json_t *object, struct plan_rule *rule)
{
    static const char *const keys[] = {"name", "match", "policy", "parameters", "note", NULL};
    int result = check_object(reader, object, keys);
    if (result < 0) {
        return result;
    }
    const json_t *name = json_object_get(object, "name");
    if (name == NULL) {
        return refuse(reader, "it has no 'name'");
    }
    size_t length = enter(reader, ".name");
    result = read_text(reader, name, rule->name, sizeof(rule->name));
    if (result < 0) {
        return result;
    }
    reader->place[length] = '\0';
    result = check_name(reader, rule);
    result = result < 0 ? result : read_match(reader, json_object_get(object, "match"), rule);
    return result < 0 ? result : read_policy(reader, object, rule);
}

static int read_rules(struct reader *reader, const json_t *list)
{
    struct plan *plan = reader->plan;
    if (list == NULL) {
        return refuse(reader, "it has no 'rules'");
    }
    size_t length = enter(reader, "rules");
    if (!json_is_array(list)) {
        return refuse_kind(reader, "an array of rules", list);
    }
    if (json_array_size(list) == 0 || json_array_size(list) > PLAN_RULES_MAX) {
        return refuse(reader, "1 to %d rules are possible, not %zu", PLAN_RULES_MAX,
                      json_array_size(list));
    }
    for (size_t i = 0; i < json_array_size(list); i++) {
        size_t end = enter(reader, "[%zu]", i);
        plan->rule_count++;
        int result = read_rule(reader, json_array_get(list, i), &plan->rules[i]);
        if (result < 0) {
            return result;
        }
        reader->place[end] = '\0';
    }
    reader->place[length] = '\0';
    return 0;
}

static int read_modules(struct reader *reader, const json_t *list)
{
    struct plan *plan = reader->plan;
    if (list == NULL) {
        return 0;
    }
    size_t length = enter(reader, "modules");
    if (!json_is_array(list)) {
        return refuse_kind(reader, "an array of texts", list);
    }
    plan->modules = calloc(json_array_size(list) + 1, sizeof(*plan->modules));
    for (size_t i = 0; plan->modules != NULL && i < json_array_size(list); i++) {
        char text[4096];
        size_t end = enter(reader, "[%zu]", i);
        int result = read_text(reader, json_array_get(list, i), text, sizeof(text));
        if (result < 0) {
            return result;
        }
        plan->modules[i] = strdup(text);
        if (plan->modules[i] == NULL) {
            break;
        }
        plan->module_count++;
        reader->place[end] = '\0';
    }
    reader->place[length] = '\0';
    return plan->module_count == json_array_size(list)
               ? 0
               : err_set_errno(reader->err, ENOMEM, "cannot read '%s'", plan->path);
}

static int read_document(struct reader *reader, json_t *document)
{
    static const char *const keys[] = {"rules", "modules", "note", NULL};
    int result = check_object(reader, document, keys);
    result = result < 0 ? result : read_modules(reader, json_object_get(document, "modules"));
    result = result < 0 ? result : read_rules(reader, json_object_get(document, "rules"));
    return result < 0 ? result : plan_check_overlaps(reader->plan, reader->err);
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
    struct reader reader = {.plan = plan, .err = err};
    *plan = (struct plan){0};
    int result = load(path, &document, err);
    if (result < 0) {
        return result;
    }
    plan->path = strdup(path);
    result = plan->path != NULL ? read_document(&reader, document)
                                : err_set_errno(err, ENOMEM, "cannot read '%s'", path);
    json_decref(document);
    if (result < 0) {
        plan_fini(plan);
    }
    return result;
}
