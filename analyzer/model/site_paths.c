#include "site_paths.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "../base/str.h"
#include "../base/vec.h"

/* What the C library and the loader do before the program's own code: it differs between versions
 * of theirs. */
static bool is_before_main(const char *function)
{
    static const char prefix[] = "__libc_start_";
    static const char *const names[] = {"_start", "start_thread", "clone", "clone3"};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (strcmp(function, names[i]) == 0) {
            return true;
        }
    }
    return strncmp(function, prefix, strlen(prefix)) == 0;
}

static int name_stack(const struct call_stack *stack, char **out_text)
{
    struct str text = {0};
    size_t end = stack->count;
    while (end > stack->shown_index + 1 && is_before_main(stack->frames[end - 1]->function)) {
        end--;
    }
    int result = str_append(&text, stack->count == 0 ? "(no stack)" : "");
    for (size_t i = stack->shown_index; i < end && result == 0; i++) {
        result = str_printf(&text, "%s%s", i > stack->shown_index ? " < " : "",
                            stack->frames[i]->function);
    }
    if (result < 0) {
        str_fini(&text);
        return result;
    }
    *out_text = text.text;
    return 0;
}

static int add_site(struct stacks *stacks, const struct sites *sites, size_t place,
                    struct site_path *path, struct err *err)
{
    struct call_stack stack;
    path->stack_id = sites_stack_id(sites, place);
    int result = stacks_expand(stacks, path->stack_id, &stack, err);
    if (result < 0) {
        return result;
    }
    for (unsigned key = 0; key < SITE_KEY_COUNT_ALL; key++) {
        path->values[key] = sites_value(sites, place, (enum site_key)key);
    }
    path->stack_count = path->values[SITE_KEY_COUNT];
    result = name_stack(&stack, &path->text);
    call_stack_fini(&stack);
    return result < 0 ? err_set_errno(err, -result, "cannot name sites") : 0;
}

static int compare_paths(const void *left, const void *right)
{
    const struct site_path *a = left;
    const struct site_path *b = right;
    int order = strcmp(a->text, b->text);
    return order != 0 ? order : (a->stack_id > b->stack_id) - (a->stack_id < b->stack_id);
}

static void add_up(struct site_path *into, struct site_path *from)
{
    for (unsigned key = 0; key < SITE_KEY_COUNT_ALL; key++) {
        into->values[key] += from->values[key];
    }
    if (from->stack_count > into->stack_count) {
        into->stack_count = from->stack_count;
        into->stack_id = from->stack_id;
    }
    free(from->text);
}

static void merge_equal(struct site_paths *paths)
{
    size_t kept = 0;
    qsort(paths->items, paths->count, sizeof(*paths->items), compare_paths);
    for (size_t i = 0; i < paths->count; i++) {
        if (kept > 0 && strcmp(paths->items[kept - 1].text, paths->items[i].text) == 0) {
            add_up(&paths->items[kept - 1], &paths->items[i]);
        } else {
            paths->items[kept++] = paths->items[i];
        }
    }
    paths->count = kept;
}

int site_paths_make(struct stacks *stacks, const struct sites *sites, struct site_paths *out_paths,
                    struct err *err)
{
    struct site_paths paths = {0};
    int result = 0;
    if (vec_reserve((void **)&paths.items, &paths.capacity, sites_count(sites) + 1,
                    sizeof(*paths.items)) < 0) {
        return err_set_errno(err, ENOMEM, "cannot name sites");
    }
    for (size_t i = 0; i < sites_count(sites) && result == 0; i++) {
        paths.items[i] = (struct site_path){0};
        result = add_site(stacks, sites, i, &paths.items[i], err);
        paths.count += result == 0;
    }
    if (result < 0) {
        site_paths_fini(&paths);
        return result;
    }
    merge_equal(&paths);
    *out_paths = paths;
    return 0;
}

const struct site_path *site_paths_find(const struct site_paths *paths, const char *text)
{
    size_t low = 0;
    size_t high = paths->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = strcmp(paths->items[middle].text, text);
        if (order == 0) {
            return &paths->items[middle];
        }
        if (order < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return NULL;
}

void site_paths_fini(struct site_paths *paths)
{
    for (size_t i = 0; i < paths->count; i++) {
        free(paths->items[i].text);
    }
    free(paths->items);
    *paths = (struct site_paths){0};
}
