#include "site_paths.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "../base/str.h"
#include "../base/vec.h"
#include "frame_table.h"
#include "function_paths.h"
#include "stack_tree.h"
#include "wrappers.h"

/* What the C library and the loader do before the program's own code: it differs between versions
 * of theirs. */
bool site_path_is_before_main(const char *function)
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

/* The stacks of the recording, for as long as sites are named. */
struct path_source {
    struct stack_tree *tree;
    struct frame_table *frames;
    struct function_paths *paths;
    uint32_t *path_ids; /* by place in the tree */
};

static int open_source(const struct trace *trace, struct path_source *source, struct err *err)
{
    int result = stack_tree_load(trace->db, &source->tree, err);
    if (result == 0) {
        result = frame_table_load(trace->db, &source->frames, err);
    }
    if (result == 0) {
        result = function_paths_create(&source->paths, err);
    }
    return result == 0 ? function_paths_add(source->paths, trace, source->tree, source->frames,
                                            NULL, &source->path_ids, err)
                       : result;
}

static void close_source(struct path_source *source)
{
    free(source->path_ids);
    function_paths_destroy(source->paths);
    frame_table_destroy(source->frames);
    stack_tree_destroy(source->tree);
}

/* Where the program's own functions begin, seen from the allocation: where everything is a wrapper,
 * the outermost says more than malloc would. */
static uint32_t skip_wrappers(const struct function_paths *paths, uint32_t path_id)
{
    uint32_t outer_id = path_id;
    while (path_id != FUNCTION_PATH_EMPTY &&
           wrapper_is_allocator(function_paths_name(paths, path_id))) {
        outer_id = path_id;
        path_id = function_paths_caller(paths, path_id);
    }
    return path_id != FUNCTION_PATH_EMPTY ? path_id : outer_id;
}

static int append_path(const struct function_paths *paths, uint32_t path_id, struct str *text)
{
    int result = 0;
    size_t end_bytes = 0; /* behind the last function that is the program's */
    for (uint32_t id = skip_wrappers(paths, path_id); id != FUNCTION_PATH_EMPTY && result == 0;
         id = function_paths_caller(paths, id)) {
        const char *name = function_paths_name(paths, id);
        result = str_printf(text, "%s%s", text->size_bytes > 0 ? " < " : "", name);
        if (end_bytes == 0 || !site_path_is_before_main(name)) {
            end_bytes = text->size_bytes;
        }
    }
    if (result == 0 && text->size_bytes == 0) {
        return str_append(text, "(no stack)");
    }
    if (result == 0) {
        text->text[end_bytes] = '\0';
    }
    return result;
}

static int add_site(const struct path_source *source, const struct sites *sites, size_t place,
                    struct site_path *path, struct err *err)
{
    struct str text = {0};
    path->stack_id = sites_stack_id(sites, place);
    for (unsigned key = 0; key < SITE_KEY_COUNT_ALL; key++) {
        path->values[key] = sites_value(sites, place, (enum site_key)key);
        path->most[key] = (struct site_path_most){path->stack_id, path->values[key]};
    }
    path->stack_count = path->values[SITE_KEY_COUNT];
    size_t stack_place = stack_tree_find(source->tree, path->stack_id);
    uint32_t path_id =
        stack_place != STACK_TREE_NONE ? source->path_ids[stack_place] : FUNCTION_PATH_EMPTY;
    if (append_path(source->paths, path_id, &text) < 0) {
        str_fini(&text);
        return err_set_errno(err, ENOMEM, "cannot name sites");
    }
    path->text = text.text;
    return 0;
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
        if (from->most[key].value > into->most[key].value) {
            into->most[key] = from->most[key];
        }
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
    if (paths->count == 0) {
        return;
    }
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

int site_paths_make(const struct trace *trace, const struct sites *sites, const bool *is_left_out,
                    struct site_paths *out_paths, struct err *err)
{
    struct site_paths paths = {0};
    struct path_source source = {0};
    int result = open_source(trace, &source, err);
    if (result == 0 && vec_reserve((void **)&paths.items, &paths.capacity, sites_count(sites) + 1,
                                   sizeof(*paths.items)) < 0) {
        result = err_set_errno(err, ENOMEM, "cannot name sites");
    }
    for (size_t i = 0; i < sites_count(sites) && result == 0; i++) {
        if (is_left_out != NULL && is_left_out[i]) {
            continue;
        }
        paths.items[paths.count] = (struct site_path){0};
        result = add_site(&source, sites, i, &paths.items[paths.count], err);
        paths.count += result == 0;
    }
    close_source(&source);
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
