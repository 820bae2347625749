#include "function_paths.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "../base/map.h"
#include "../base/str.h"
#include "../base/vec.h"

struct function_path {
    uint32_t caller;
    uint32_t name;
};

struct function_paths {
    struct intern names;
    struct function_path *nodes; /* [0] is the empty path */
    size_t count;
    size_t capacity;
    struct map callees; /* caller and name -> path */
    struct str scratch;
};

/* While the stacks of one recording are added. */
struct path_adder {
    struct function_paths *paths;
    const struct trace *trace;
    const struct trace *other;
    const struct stack_tree *tree;
    const struct frame_table *frames;
    uint32_t *names; /* by place of the frame: number + 1; 0: not asked for yet */
    uint32_t *path_ids;
    struct frame_chain chain;
};

int function_paths_create(struct function_paths **out_paths, struct err *err)
{
    struct function_paths *paths = calloc(1, sizeof(*paths));
    uint32_t nothing = 0;
    if (paths == NULL || intern_add(&paths->names, "", &nothing) < 0 ||
        vec_reserve((void **)&paths->nodes, &paths->capacity, 1, sizeof(*paths->nodes)) < 0) {
        function_paths_destroy(paths);
        return err_set_errno(err, ENOMEM, "cannot compare");
    }
    paths->nodes[paths->count++] = (struct function_path){FUNCTION_PATH_EMPTY, nothing};
    *out_paths = paths;
    return 0;
}

static const struct module_row *find_build(const struct trace *trace, const char *build_id)
{
    for (size_t i = 0; i < trace->module_count; i++) {
        const char *other_id = trace->modules[i].build_id;
        if (other_id != NULL && strcmp(other_id, build_id) == 0) {
            return &trace->modules[i];
        }
    }
    return NULL;
}

static bool is_in_both(const struct path_adder *adder, uint32_t module_id)
{
    for (size_t i = 0; adder->other != NULL && i < adder->trace->module_count; i++) {
        const struct module_row *module = &adder->trace->modules[i];
        if (module->id == module_id) {
            return module->build_id != NULL && find_build(adder->other, module->build_id) != NULL;
        }
    }
    return false;
}

/* "libfoo.so+0x1234": there is no name. */
static bool is_nameless(const struct frame_entry *frame)
{
    if (frame->module == NULL) {
        return false;
    }
    const char *module = str_base_name(frame->module);
    size_t length = strlen(module);
    return strncmp(frame->function, module, length) == 0 &&
           strncmp(frame->function + length, "+0x", 3) == 0;
}

/* The length of a name without what compilers hang onto it. */
static size_t plain_length(const char *function)
{
    static const char *const suffixes[] = {".part.",     ".constprop.", ".isra.", ".cold",
                                           ".lto_priv.", ".localalias", ".llvm."};
    size_t length = strlen(function);
    const char *clone = strstr(function, " [clone ");
    if (clone != NULL) {
        return (size_t)(clone - function);
    }
    for (size_t i = 0; i < sizeof(suffixes) / sizeof(suffixes[0]); i++) {
        const char *suffix = strstr(function, suffixes[i]);
        if (suffix != NULL && suffix > function && (size_t)(suffix - function) < length) {
            length = (size_t)(suffix - function);
        }
    }
    return length;
}

static int name_frame(struct path_adder *adder, const struct frame_entry *frame,
                      uint32_t *out_number)
{
    struct function_paths *paths = adder->paths;
    str_clear(&paths->scratch);
    int result = 0;
    if (!is_nameless(frame)) {
        result = str_append_bytes(&paths->scratch, frame->function, plain_length(frame->function));
    } else if (is_in_both(adder, frame->module_id)) {
        result = str_append(&paths->scratch, frame->function);
    } else {
        result = str_printf(&paths->scratch, "[%s]", str_base_name(frame->module));
    }
    return result < 0 ? result : intern_add(&paths->names, str_text(&paths->scratch), out_number);
}

static int find_name(struct path_adder *adder, const struct frame_entry *frame,
                     uint32_t *out_number)
{
    size_t place = frame_table_place(adder->frames, frame->frame_id);
    if (adder->names[place] == 0) {
        uint32_t number = 0;
        int result = name_frame(adder, frame, &number);
        if (result < 0) {
            return result;
        }
        adder->names[place] = number + 1;
    }
    *out_number = adder->names[place] - 1;
    return 0;
}

/* The path that calling `name` leads to. */
static int step_inward(struct function_paths *paths, uint32_t *path_id, uint32_t name)
{
    for (uint32_t at = *path_id; at != FUNCTION_PATH_EMPTY; at = paths->nodes[at].caller) {
        if (paths->nodes[at].name == name) {
            *path_id = at;
            return 0;
        }
    }
    uint64_t key = (uint64_t)*path_id << 32 | name;
    uint32_t callee = 0;
    if (map_get(&paths->callees, key, &callee)) {
        *path_id = callee;
        return 0;
    }
    callee = (uint32_t)paths->count;
    if (vec_reserve((void **)&paths->nodes, &paths->capacity, paths->count + 1,
                    sizeof(*paths->nodes)) < 0 ||
        map_put(&paths->callees, key, callee) < 0) {
        return -ENOMEM;
    }
    paths->nodes[paths->count++] = (struct function_path){*path_id, name};
    *path_id = callee;
    return 0;
}

/* From the caller's path on through the functions of one code address. */
static int add_stack(struct path_adder *adder, size_t place, struct err *err)
{
    size_t parent = stack_tree_parent(adder->tree, place);
    uint32_t path_id = parent == STACK_TREE_NONE ? FUNCTION_PATH_EMPTY : adder->path_ids[parent];
    int result = frame_table_spell_frame(adder->frames, stack_tree_frame_id(adder->tree, place),
                                         &adder->chain, err);
    if (result < 0) {
        return result;
    }
    for (size_t i = adder->chain.count; i-- > 0 && result == 0;) {
        uint32_t name = 0;
        result = find_name(adder, adder->chain.frames[i], &name);
        if (result == 0) {
            result = step_inward(adder->paths, &path_id, name);
        }
    }
    adder->path_ids[place] = path_id;
    return result < 0 ? err_set_errno(err, -result, "cannot compare") : 0;
}

int function_paths_add(struct function_paths *paths, const struct trace *trace,
                       const struct stack_tree *tree, const struct frame_table *frames,
                       const struct trace *other, uint32_t **out_path_ids, struct err *err)
{
    struct path_adder adder = {
        .paths = paths,
        .trace = trace,
        .other = other,
        .tree = tree,
        .frames = frames,
        .names = calloc(frame_table_count(frames) + 1, sizeof(*adder.names)),
        .path_ids = calloc(stack_tree_count(tree) + 1, sizeof(*adder.path_ids)),
    };
    int result = 0;
    if (adder.names == NULL || adder.path_ids == NULL) {
        result = err_set_errno(err, ENOMEM, "cannot compare");
    }
    for (size_t place = 0; place < stack_tree_count(tree) && result == 0; place++) {
        result = add_stack(&adder, place, err);
    }
    free(adder.names);
    frame_chain_fini(&adder.chain);
    if (result < 0) {
        free(adder.path_ids);
        return result;
    }
    *out_path_ids = adder.path_ids;
    return 0;
}

size_t function_paths_count(const struct function_paths *paths)
{
    return paths->count;
}

uint32_t function_paths_caller(const struct function_paths *paths, uint32_t path_id)
{
    return paths->nodes[path_id].caller;
}

const char *function_paths_name(const struct function_paths *paths, uint32_t path_id)
{
    return intern_text(&paths->names, paths->nodes[path_id].name);
}

void function_paths_destroy(struct function_paths *paths)
{
    if (paths == NULL) {
        return;
    }
    intern_fini(&paths->names);
    free(paths->nodes);
    map_fini(&paths->callees);
    str_fini(&paths->scratch);
    free(paths);
}
