#include "judged_sites.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "../base/vec.h"
#include "site_mask.h"

/* Both figures of a leak are needed where one is asked for: to know what was suppressed. */
static const unsigned leak_keys =
    SITE_KEY_BIT(SITE_KEY_LEAKED) | SITE_KEY_BIT(SITE_KEY_LEAKED_COUNT);

static unsigned keys_of(const struct budget *budget)
{
    unsigned key_set = 0;
    for (size_t i = 0; i < budget->count; i++) {
        key_set |= gate_metric_key_bit(budget->limits[i].metric);
    }
    return key_set | ((key_set & leak_keys) != 0 ? leak_keys : 0);
}

int judged_sites_mask(struct judged_sources *sources, const struct judged_sites *sites,
                      const char *pattern, bool is_module, bool *mask, struct err *err)
{
    int result = 0;
    if (is_module) {
        return site_mask_add_module(sources->stacks, sites->sites, pattern, mask, err);
    }
    if (sources->tree == NULL) {
        result = stack_tree_load(sources->trace->db, &sources->tree, err);
    }
    return result == 0 ? site_mask_add_function(sources->tree, sites->sites, pattern, mask, err)
                       : result;
}

/* Of the first set, which has all that the others have. */
static int note_idle(struct judged_sources *sources, const char *pattern, struct err *err)
{
    if (sources->first != NULL) {
        return 0;
    }
    if (vec_reserve((void **)&sources->idle_patterns, &sources->idle_capacity,
                    sources->idle_count + 1, sizeof(*sources->idle_patterns)) < 0) {
        return err_set_errno(err, ENOMEM, "cannot judge");
    }
    sources->idle_patterns[sources->idle_count++] = pattern;
    return 0;
}

static int ignore(struct judged_sources *sources, struct judged_sites *sites,
                  const struct budget_patterns *patterns, bool is_module, struct err *err)
{
    size_t count = sites_count(sites->sites);
    int result = 0;
    for (size_t i = 0; i < patterns->count && result == 0; i++) {
        bool is_idle = true;
        memset(sites->is_meant, false, count);
        result =
            judged_sites_mask(sources, sites, patterns->items[i], is_module, sites->is_meant, err);
        for (size_t place = 0; place < count && result == 0; place++) {
            sites->is_ignored[place] = sites->is_ignored[place] || sites->is_meant[place];
            is_idle = is_idle && !sites->is_meant[place];
        }
        if (result == 0 && is_idle) {
            result = note_idle(sources, patterns->items[i], err);
        }
    }
    return result;
}

static int keep_ignored_stacks(struct judged_sources *sources, const struct judged_sites *sites,
                               struct err *err)
{
    for (size_t i = 0; sites->is_ignored != NULL && i < sites_count(sites->sites); i++) {
        if (sites->is_ignored[i] &&
            map_put(&sources->ignored_stacks, sites_stack_id(sites->sites, i), 1) < 0) {
            return err_set_errno(err, ENOMEM, "cannot judge");
        }
    }
    return 0;
}

static int make_masks(struct judged_sources *sources, struct judged_sites *sites, struct err *err)
{
    const struct budget *budget = sources->budget;
    bool ignores = budget_ignores(budget);
    size_t count = sites_count(sites->sites) + 1;
    sites->is_meant = calloc(count, sizeof(bool));
    sites->is_ignored = ignores ? calloc(count, sizeof(bool)) : NULL;
    if (sites->is_meant == NULL || (ignores && sites->is_ignored == NULL)) {
        return err_set_errno(err, ENOMEM, "cannot judge");
    }
    int result = ignores ? ignore(sources, sites, &budget->ignored_functions, false, err) : 0;
    return result == 0 && ignores ? ignore(sources, sites, &budget->ignored_modules, true, err)
                                  : result;
}

/* Only the first time tells what was suppressed: further ones would tell it again. */
static int count_leaks(struct judged_sources *sources, struct judged_sites *sites, struct err *err)
{
    struct counted_leaks counted = sources->budget->leaks;
    counted.kinds = sites->leak_kinds;
    if ((keys_of(sources->budget) & leak_keys) == 0 || counted.kinds == 0) {
        return 0;
    }
    int result = site_leaks_load(&sites->leaks, sources->trace, sites->process_id, err);
    size_t count =
        sources->first != NULL && counted.suppressions != NULL ? counted.suppressions->count : 0;
    struct suppression *told = malloc((count + 1) * sizeof(*told));
    if (told == NULL) {
        return err_set_errno(err, ENOMEM, "cannot judge");
    }
    if (count > 0) {
        memcpy(told, counted.suppressions->items, count * sizeof(*told));
    }
    if (result == 0) {
        result = counted_leaks_apply(&counted, &sites->leaks, sources->stacks, sites->sites, err);
    }
    if (count > 0) {
        memcpy(counted.suppressions->items, told, count * sizeof(*told));
    }
    free(told);
    return result;
}

static void destroy(struct judged_sites *sites)
{
    site_paths_fini(&sites->paths);
    site_leaks_fini(&sites->leaks);
    sites_destroy(sites->sites);
    free(sites->is_ignored);
    free(sites->is_meant);
    free(sites);
}

static int load(struct judged_sources *sources, struct judged_sites *sites, struct err *err)
{
    struct selection selection = *sources->selection;
    selection.process_id = sites->process_id;
    int result =
        sites_load(sources->trace, &selection, keys_of(sources->budget), 1, &sites->sites, err);
    result = result == 0 ? count_leaks(sources, sites, err) : result;
    return result == 0 ? make_masks(sources, sites, err) : result;
}

int judged_sites_reach(struct judged_sources *sources, uint32_t process_id, unsigned leak_kinds,
                       struct judged_sites **out_sites, struct err *err)
{
    struct judged_sites **end = &sources->first;
    leak_kinds = leak_kinds != 0 ? leak_kinds : sources->budget->leaks.kinds;
    for (; *end != NULL; end = &(*end)->next) {
        if ((*end)->process_id == process_id && (*end)->leak_kinds == leak_kinds) {
            *out_sites = *end;
            return 0;
        }
    }
    struct judged_sites *sites = calloc(1, sizeof(*sites));
    if (sites == NULL) {
        return err_set_errno(err, ENOMEM, "cannot judge");
    }
    sites->process_id = process_id;
    sites->leak_kinds = leak_kinds;
    int result = load(sources, sites, err);
    if (result < 0) {
        destroy(sites);
        return result;
    }
    result = sources->first == NULL ? keep_ignored_stacks(sources, sites, err) : 0;
    *end = sites;
    *out_sites = sites;
    return result;
}

int judged_sites_name(const struct judged_sources *sources, struct judged_sites *sites,
                      struct err *err)
{
    int result = sites->has_paths ? 0
                                  : site_paths_make(sources->trace, sites->sites, sites->is_ignored,
                                                    &sites->paths, err);
    sites->has_paths = result == 0;
    return result;
}

void judged_sources_fini(struct judged_sources *sources)
{
    while (sources->first != NULL) {
        struct judged_sites *next = sources->first->next;
        destroy(sources->first);
        sources->first = next;
    }
    stack_tree_destroy(sources->tree);
    sources->tree = NULL;
    map_fini(&sources->ignored_stacks);
    free(sources->idle_patterns);
    sources->idle_patterns = NULL;
}
