/*
 * plan_values.h - values of a JSON document, and what to say where they are not as they should be.
 *
 * Messages begin with the file and the place, as in "plan.json: rules[0].match.functions[1]: ...".
 * Those that fail return -EINVAL. Single thread.
 */
#ifndef ALLOCAUDIT_PLAN_VALUES_H
#define ALLOCAUDIT_PLAN_VALUES_H

#include <stddef.h>
#include <stdint.h>

#include <jansson.h>

#include "../base/err.h"

enum {
    PLAN_PLACE_BYTES = 128,
};

struct plan_reading {
    const char *path; /* of the file */
    struct err *err;
    char place[PLAN_PLACE_BYTES]; /* of the value that is being read */
};

/* Fills *err with file, place and text. */
int plan_refuse(struct plan_reading *reading, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
int plan_refuse_kind(struct plan_reading *reading, const char *wanted, const json_t *found);

/* Goes into a part of the value. Returns where the place is to end again. */
size_t plan_enter(struct plan_reading *reading, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* An object that has none but these keys, of which NULL is the last. */
int plan_check_object(struct plan_reading *reading, json_t *value, const char *const *keys);

/* A text that fits, with its NUL, holds no other and is not empty. */
int plan_read_text(struct plan_reading *reading, const json_t *value, char *text,
                   size_t text_bytes);

/* The member of that key; *size stays as it is if there is none. */
int plan_read_size(struct plan_reading *reading, const json_t *object, const char *key,
                   uint64_t *size);

#endif
