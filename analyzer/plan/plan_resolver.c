#include "plan_resolver.h"

#include <elfutils/libdwelf.h>
#include <errno.h>
#include <glob.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "../base/str.h"
#include "../base/suggest.h"
#include "../base/vec.h"
#include "../elf/debug_file.h"
#include "code_ranges.h"
#include "function_ranges.h"
#include "loaded_modules.h"
#include "plan_names.h"

/* A function that rules ask for, and where. */
struct step {
    const char *function;
    const char *module;   /* "": any */
    const char *rule;     /* the first that asks */
    size_t module_length; /* of MODULE+0xOFFSET; 0: it is a name */
    uint64_t offset;
    bool is_found;
};

struct resolver {
    const struct plan *plan;
    struct err *err;
    struct step steps[PLAN_STEPS_MAX];
    size_t step_count;
    uint8_t rule_steps[PLAN_RULES_MAX][PLAN_PATH_MAX];
    struct loaded_modules loaded;
    struct plan_table_module *modules;
    size_t module_count;
    size_t module_capacity;
    struct code_segments segments;
    size_t stripped_count; /* modules of which only exported functions are known */
    const char *path;      /* of the module that is being read */
    struct code_ranges ranges;
};

/* ---- steps -------------------------------------------------------------------------------------
 */

static int out_of_memory(const struct resolver *resolver)
{
    return err_set_errno(resolver->err, ENOMEM, "cannot read '%s'", resolver->plan->path);
}

/* The number of the step; -EINVAL: there are too many. */
static int find_step(struct resolver *resolver, const struct plan_rule *rule, const char *function)
{
    for (size_t i = 0; i < resolver->step_count; i++) {
        if (strcmp(resolver->steps[i].function, function) == 0 &&
            strcmp(resolver->steps[i].module, rule->module) == 0) {
            return (int)i;
        }
    }
    if (resolver->step_count == PLAN_STEPS_MAX) {
        return err_set(resolver->err, EINVAL, "%s: more than %d different functions in all rules",
                       resolver->plan->path, PLAN_STEPS_MAX);
    }
    struct step *step = &resolver->steps[resolver->step_count];
    *step = (struct step){.function = function, .module = rule->module, .rule = rule->name};
    (void)plan_name_is_address(function, &step->module_length, &step->offset);
    return (int)resolver->step_count++;
}

static int collect_steps(struct resolver *resolver)
{
    for (size_t i = 0; i < resolver->plan->rule_count; i++) {
        const struct plan_rule *rule = &resolver->plan->rules[i];
        for (size_t k = 0; k < rule->function_count; k++) {
            int number = find_step(resolver, rule, rule->functions[k]);
            if (number < 0) {
                return number;
            }
            resolver->rule_steps[i][k] = (uint8_t)number;
        }
    }
    return 0;
}

/* ---- modules -----------------------------------------------------------------------------------
 */

static int load_extra(struct resolver *resolver, const char *pattern)
{
    glob_t found;
    int r = glob(pattern, 0, NULL, &found);
    if (r != 0) {
        return r == GLOB_NOSPACE
                   ? out_of_memory(resolver)
                   : err_set(resolver->err, EINVAL, "%s: modules: there is no file '%s'",
                             resolver->plan->path, pattern);
    }
    for (size_t i = 0; r == 0 && i < found.gl_pathc; i++) {
        r = loaded_modules_add(&resolver->loaded, found.gl_pathv[i], resolver->err);
    }
    globfree(&found);
    return r;
}

static int load_modules(struct resolver *resolver, const char *program)
{
    int r = loaded_modules_add(&resolver->loaded, program, resolver->err);
    for (size_t i = 0; r == 0 && i < resolver->plan->module_count; i++) {
        r = load_extra(resolver, resolver->plan->modules[i]);
    }
    return r;
}

/* Which steps the function is, in the module that is being read. */
static uint64_t steps_of(struct resolver *resolver, const char *function)
{
    struct plan_name name;
    uint64_t steps = 0;
    plan_name_init(&name, function);
    for (size_t i = 0; i < resolver->step_count; i++) {
        struct step *step = &resolver->steps[i];
        if (step->module_length == 0 && plan_name_matches(&name, step->function) &&
            plan_module_matches(resolver->path, step->module)) {
            step->is_found = true;
            steps |= UINT64_C(1) << i;
        }
    }
    return steps;
}

static int take_function(void *context, const struct function_range *range)
{
    struct resolver *resolver = context;
    const struct code_range own = {
        .start = range->start,
        .end = range->end,
        .depth = range->depth,
        .steps = steps_of(resolver, range->name),
    };
    return own.steps != 0 ? code_ranges_add(&resolver->ranges, &own) : 0;
}

/* Return addresses: the program looks for the byte before. */
static int take_addresses(struct resolver *resolver)
{
    const char *name = str_base_name(resolver->path);
    int r = 0;
    for (size_t i = 0; i < resolver->step_count && r == 0; i++) {
        struct step *step = &resolver->steps[i];
        if (step->module_length == strlen(name) &&
            memcmp(step->function, name, step->module_length) == 0) {
            step->is_found = true;
            r = code_ranges_add(&resolver->ranges, &(struct code_range){.start = step->offset - 1,
                                                                        .end = step->offset,
                                                                        .steps = UINT64_C(1) << i});
        }
    }
    return r;
}

static int identify(const char *path, struct plan_table_module *module)
{
    struct debug_file file;
    struct stat status;
    const void *build_id = NULL;
    int r = debug_file_open(path, NULL, &file);
    if (r < 0) {
        return r;
    }
    ssize_t size_bytes = dwelf_elf_gnu_build_id(file.elf, &build_id);
    if (size_bytes > 0 && size_bytes <= PLAN_BUILD_ID_BYTES) {
        memcpy(module->build_id, build_id, (size_t)size_bytes);
        module->build_id_bytes = (uint32_t)size_bytes;
    }
    r = fstat(file.fd, &status) == 0 ? 0 : -errno;
    module->device = status.st_dev;
    module->inode = status.st_ino;
    debug_file_close(&file);
    return r;
}

static int add_module(struct resolver *resolver)
{
    struct plan_table_module module = {.first_segment = (uint32_t)resolver->segments.count};
    int r = identify(resolver->path, &module);
    r = r == 0 ? code_segments_add(&resolver->segments, &resolver->ranges) : r;
    module.segment_count = (uint32_t)resolver->segments.count - module.first_segment;
    if (r == 0) {
        r = vec_reserve((void **)&resolver->modules, &resolver->module_capacity,
                        resolver->module_count + 1, sizeof(*resolver->modules));
    }
    if (r == 0) {
        resolver->modules[resolver->module_count++] = module;
    }
    return r;
}

static int read_module(struct resolver *resolver)
{
    bool is_stripped = false;
    int r = function_ranges_each(resolver->path, take_function, resolver, &is_stripped);
    r = r == 0 ? take_addresses(resolver) : r;
    resolver->stripped_count += is_stripped;
    if (r == 0 && resolver->ranges.count > 0) {
        r = add_module(resolver);
    }
    code_ranges_fini(&resolver->ranges);
    return r == 0 ? 0 : err_set_errno(resolver->err, -r, "cannot read '%s'", resolver->path);
}

static int read_modules(struct resolver *resolver)
{
    int r = 0;
    for (size_t i = 0; r == 0 && resolver->step_count > 0 && i < resolver->loaded.count; i++) {
        resolver->path = resolver->loaded.items[i].path;
        r = read_module(resolver);
    }
    return r;
}

/* ---- what is not there -------------------------------------------------------------------------
 */

struct nearest {
    const char *wanted;
    unsigned distance;
    char name[64];
};

static void compare_name(struct nearest *nearest, const char *name)
{
    const char *pair[] = {name, NULL};
    unsigned distance = suggest_distance(nearest->wanted, name);
    if (distance < nearest->distance && suggest_nearest(nearest->wanted, pair) != NULL) {
        nearest->distance = distance;
        snprintf(nearest->name, sizeof(nearest->name), "%s", name);
    }
}

static int take_nearest(void *context, const struct function_range *range)
{
    struct plan_name name;
    plan_name_init(&name, range->name);
    compare_name(context, range->name);
    for (size_t i = 0; i < name.form_count; i++) {
        compare_name(context, name.forms[i]);
    }
    return 0;
}

static int refuse_step(const struct resolver *resolver, const struct step *step)
{
    struct nearest nearest = {.wanted = step->function, .distance = UINT_MAX};
    bool is_stripped;
    for (size_t i = 0; i < resolver->loaded.count && step->module_length == 0; i++) {
        if (plan_module_matches(resolver->loaded.items[i].path, step->module)) {
            (void)function_ranges_each(resolver->loaded.items[i].path, take_nearest, &nearest,
                                       &is_stripped);
        }
    }
    const bool has_near = nearest.name[0] != '\0';
    const bool has_glob = step->module[0] != '\0';
    const bool is_hidden = !has_near && resolver->stripped_count > 0;
    return err_set(resolver->err, EINVAL,
                   "%s: rule '%s': function '%s' is in none of the program's modules%s%s%s%s%s%s%s "
                   "(those that are loaded later, or by children, belong in \"modules\")",
                   resolver->plan->path, step->rule, step->function, has_glob ? " like '" : "",
                   has_glob ? step->module : "", has_glob ? "'" : "",
                   has_near ? "; did you mean '" : "", has_near ? nearest.name : "",
                   has_near ? "'?" : "",
                   is_hidden ? ", of some of which only exported functions are known" : "");
}

static int check_steps(const struct resolver *resolver)
{
    for (size_t i = 0; i < resolver->step_count; i++) {
        if (!resolver->steps[i].is_found) {
            return refuse_step(resolver, &resolver->steps[i]);
        }
    }
    return 0;
}

/* ---- the table ---------------------------------------------------------------------------------
 */

static int make_image(const struct resolver *resolver, struct plan_image *image)
{
    const struct plan_parts parts = {
        .plan = resolver->plan,
        .rule_steps = resolver->rule_steps,
        .modules = resolver->modules,
        .module_count = resolver->module_count,
        .segments = &resolver->segments,
    };
    return plan_image_make(image, &parts) == 0 ? 0 : out_of_memory(resolver);
}

int plan_resolve(const struct plan *plan, const char *program, struct plan_image *out_image,
                 struct err *err)
{
    struct resolver *resolver = calloc(1, sizeof(*resolver));
    *out_image = (struct plan_image){0};
    if (resolver == NULL) {
        return err_set_errno(err, ENOMEM, "cannot read '%s'", plan->path);
    }
    resolver->plan = plan;
    resolver->err = err;
    int r = collect_steps(resolver);
    r = r == 0 ? load_modules(resolver, program) : r;
    r = r == 0 ? read_modules(resolver) : r;
    r = r == 0 ? check_steps(resolver) : r;
    r = r == 0 ? make_image(resolver, out_image) : r;
    loaded_modules_fini(&resolver->loaded);
    code_segments_fini(&resolver->segments);
    free(resolver->modules);
    free(resolver);
    return r;
}
