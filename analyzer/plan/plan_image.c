#include "plan_image.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct plan_table_rule row_of(const struct plan_parts *parts, size_t number)
{
    const struct plan_rule *rule = &parts->plan->rules[number];
    struct plan_table_rule row = {
        .size_min_bytes = rule->size_min_bytes,
        .size_max_bytes = rule->size_max_bytes,
        .step_count = (uint32_t)rule->function_count,
    };
    memcpy(row.name, rule->name, sizeof(row.name));
    memcpy(row.settings, rule->settings_text, sizeof(row.settings));
    memcpy(row.thread, rule->thread, sizeof(row.thread));
    if (rule->function_count == 0) { /* else the steps are those of its modules */
        memcpy(row.module, rule->module, sizeof(row.module));
    }
    memcpy(row.steps, parts->rule_steps[number], sizeof(row.steps));
    return row;
}

static char *append(char *at, const void *items, size_t count, size_t item_bytes)
{
    if (count > 0) {
        memcpy(at, items, count * item_bytes);
    }
    return at + count * item_bytes;
}

int plan_image_make(struct plan_image *image, const struct plan_parts *parts)
{
    const struct plan_table table = {
        .magic = PLAN_MAGIC,
        .version = PLAN_VERSION,
        .rule_count = (uint32_t)parts->plan->rule_count,
        .module_count = (uint32_t)parts->module_count,
        .segment_count = (uint32_t)parts->segments->count,
        .level_count = (uint32_t)parts->segments->level_count,
    };
    image->size_bytes = plan_table_bytes(&table);
    image->bytes = malloc(image->size_bytes);
    if (image->bytes == NULL) {
        return -ENOMEM;
    }
    char *at = append(image->bytes, &table, 1, sizeof(table));
    for (size_t i = 0; i < parts->plan->rule_count; i++) {
        const struct plan_table_rule row = row_of(parts, i);
        at = append(at, &row, 1, sizeof(row));
    }
    at = append(at, parts->modules, parts->module_count, sizeof(*parts->modules));
    at =
        append(at, parts->segments->items, parts->segments->count, sizeof(*parts->segments->items));
    append(at, parts->segments->levels, parts->segments->level_count,
           sizeof(*parts->segments->levels));
    return 0;
}

int plan_image_write(const struct plan_image *image, const char *path, struct err *err)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0) {
        return err_set_errno(err, errno, "cannot write '%s'", path);
    }
    const char *at = image->bytes;
    size_t left = image->size_bytes;
    int code = 0;
    while (left > 0 && code == 0) {
        ssize_t count = write(fd, at, left);
        if (count > 0) {
            at += count;
            left -= (size_t)count;
        } else if (errno != EINTR) {
            code = errno;
        }
    }
    close(fd);
    return code == 0 ? 0 : err_set_errno(err, code, "cannot write '%s'", path);
}

void plan_image_fini(struct plan_image *image)
{
    free(image->bytes);
    *image = (struct plan_image){0};
}
