/*
 * plan_image.h - the table that the program under test gets (schema/plan_table.h), as bytes.
 *
 * Single thread.
 */
#ifndef ALLOCAUDIT_PLAN_IMAGE_H
#define ALLOCAUDIT_PLAN_IMAGE_H

#include <stddef.h>

#include "../base/err.h"
#include "code_ranges.h"
#include "plan.h"

/* Zeroed is an empty one. */
struct plan_image {
    void *bytes;
    size_t size_bytes;
};

/* What it is made of. */
struct plan_parts {
    const struct plan *plan;
    const uint8_t (*rule_steps)[PLAN_PATH_MAX]; /* of each rule, by function */
    const struct plan_table_module *modules;
    size_t module_count;
    const struct code_segments *segments;
};

/* Returns 0 or -ENOMEM. */
int plan_image_make(struct plan_image *image, const struct plan_parts *parts);

/* Writes a new file, for this user alone. Returns 0 or a negative errno. */
int plan_image_write(const struct plan_image *image, const char *path, struct err *err);

void plan_image_fini(struct plan_image *image);

#endif
