#include "setting_grid.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../base/vec.h"

static int refuse_memory(struct err *err)
{
    return err_set(err, ENOMEM, "out of memory");
}

bool setting_is_list(const char *setting)
{
    const char *value = strchr(setting, '=');
    if (value == NULL || memchr(setting, ':', (size_t)(value - setting)) != NULL) {
        return false;
    }
    value++;
    const size_t length = strlen(value);
    return strchr(value, ',') != NULL && strpbrk(value, ":=/") == NULL && value[0] != ',' &&
           value[length - 1] != ',' && strstr(value, ",,") == NULL;
}

static size_t count_values(const char *value)
{
    size_t count = 1;
    for (const char *at = strchr(value, ','); at != NULL; at = strchr(at + 1, ',')) {
        count++;
    }
    return count;
}

/* "NAME=VALUE", kept with the candidates. NULL: no memory. */
static const char *keep_assignment(struct candidates *candidates, const char *setting,
                                   size_t name_bytes, const char *value, size_t value_bytes)
{
    char *text = NULL;
    int r = vec_reserve((void **)&candidates->texts, &candidates->text_capacity,
                        candidates->text_count + 1, sizeof(*candidates->texts));
    if (r < 0 ||
        asprintf(&text, "%.*s=%.*s", (int)name_bytes, setting, (int)value_bytes, value) < 0) {
        return NULL;
    }
    candidates->texts[candidates->text_count++] = text;
    return text;
}

/* "glibc" says nothing where all are: then settings alone tell them apart. */
static char *make_label(const struct candidate *from, const char *assignment, bool is_alone)
{
    char *label = NULL;
    const bool is_named = !(is_alone && strcmp(from->label, "glibc") == 0);
    int length =
        asprintf(&label, "%s%s%s", is_named ? from->label : "", is_named ? " " : "", assignment);
    return length < 0 ? NULL : label;
}

static int copy_candidate(const struct candidate *from, const char *assignment, bool is_alone,
                          struct candidate *to)
{
    *to = (struct candidate){.allocator = from->allocator};
    to->label = make_label(from, assignment, is_alone);
    to->settings = calloc(from->setting_count + 1, sizeof(*to->settings));
    to->absence = from->absence != NULL ? strdup(from->absence) : NULL;
    if (to->label == NULL || to->settings == NULL ||
        (from->absence != NULL && to->absence == NULL)) {
        return -ENOMEM;
    }
    for (size_t i = 0; i < from->setting_count; i++) {
        to->settings[i] = from->settings[i];
    }
    to->settings[from->setting_count] = assignment;
    to->setting_count = from->setting_count + 1;
    return 0;
}

int setting_grid_apply(struct candidates *candidates, const char *setting, struct err *err)
{
    const size_t name_bytes = strcspn(setting, "=");
    const size_t value_count = count_values(setting + name_bytes + 1);
    const size_t before_count = candidates->count;
    if (before_count * value_count > GRID_CANDIDATES_MAX) {
        return err_set(err, EINVAL, "'%s' makes %zu candidates: at most %d can be tried at once",
                       setting, before_count * value_count, GRID_CANDIDATES_MAX);
    }
    struct candidates made = {.texts = candidates->texts,
                              .text_count = candidates->text_count,
                              .text_capacity = candidates->text_capacity};
    candidates->texts = NULL;
    candidates->text_count = 0;
    candidates->text_capacity = 0;
    made.items = calloc(before_count * value_count, sizeof(*made.items));
    made.capacity = before_count * value_count;
    int r = made.items == NULL ? -ENOMEM : 0;
    for (size_t i = 0; i < before_count && r == 0; i++) {
        const char *value = setting + name_bytes + 1;
        for (size_t k = 0; k < value_count && r == 0; k++) {
            const size_t value_bytes = strcspn(value, ",");
            const char *assignment =
                keep_assignment(&made, setting, name_bytes, value, value_bytes);
            r = assignment == NULL ? -ENOMEM
                                   : copy_candidate(&candidates->items[i], assignment,
                                                    before_count == 1, &made.items[made.count]);
            made.count += assignment != NULL;
            value += value_bytes + 1;
        }
    }
    candidates_fini(candidates);
    *candidates = made;
    return r < 0 ? refuse_memory(err) : 0;
}
