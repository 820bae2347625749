#include "plan_values.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "../base/suggest.h"

int plan_refuse(struct plan_reading *reading, const char *format, ...)
{
    char text[sizeof(reading->err->text)];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    return err_set(reading->err, EINVAL, "%s: %s%s%s", reading->path, reading->place,
                   reading->place[0] != '\0' ? ": " : "", text);
}

size_t plan_enter(struct plan_reading *reading, const char *format, ...)
{
    size_t length = strlen(reading->place);
    va_list args;
    va_start(args, format);
    vsnprintf(reading->place + length, sizeof(reading->place) - length, format, args);
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

int plan_refuse_kind(struct plan_reading *reading, const char *wanted, const json_t *found)
{
    return plan_refuse(reading, "%s is expected, not %s", wanted, kind_of(found));
}

static int check_keys(struct plan_reading *reading, json_t *object, const char *const *keys)
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
            return plan_refuse(reading, "unknown key '%s'%s%s%s", key,
                               near != NULL ? "; did you mean '" : "", near != NULL ? near : "",
                               near != NULL ? "'?" : "");
        }
    }
    return 0;
}

int plan_check_object(struct plan_reading *reading, json_t *value, const char *const *keys)
{
    return json_is_object(value) ? check_keys(reading, value, keys)
                                 : plan_refuse_kind(reading, "an object", value);
}

int plan_read_text(struct plan_reading *reading, const json_t *value, char *text, size_t text_bytes)
{
    if (!json_is_string(value)) {
        return plan_refuse_kind(reading, "a text", value);
    }
    size_t length = json_string_length(value);
    if (length == 0 || length != strlen(json_string_value(value))) {
        return plan_refuse(reading, length == 0 ? "it is empty" : "it holds a NUL character");
    }
    if (length >= text_bytes) {
        return plan_refuse(reading, "it is too long: %zu characters at most", text_bytes - 1);
    }
    memcpy(text, json_string_value(value), length + 1);
    return 0;
}

int plan_read_size(struct plan_reading *reading, const json_t *object, const char *key,
                   uint64_t *size)
{
    const json_t *value = json_object_get(object, key);
    if (value == NULL) {
        return 0;
    }
    size_t length = plan_enter(reading, ".%s", key);
    if (!json_is_integer(value)) {
        return plan_refuse_kind(reading, "a whole number of bytes", value);
    }
    if (json_integer_value(value) < 0) {
        return plan_refuse(reading, "%" JSON_INTEGER_FORMAT " is less than 0",
                           json_integer_value(value));
    }
    *size = (uint64_t)json_integer_value(value);
    reading->place[length] = '\0';
    return 0;
}
