/*
 * plan_map.h - the plan of this program image (schema/plan_table.h), mapped and checked.
 *
 * Read once, then only looked at: any thread.
 */
#ifndef ALLOCAUDIT_PLAN_MAP_H
#define ALLOCAUDIT_PLAN_MAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../schema/plan_table.h"

/* Of one rule: apart from its texts, since every call looks at those of all. */
struct plan_map_sizes {
    uint64_t min_bytes;
    uint64_t span_bytes; /* up to the largest */
};

/* Sets of rules have a bit for each. */
struct plan_map {
    const struct plan_table *table; /* NULL: there is no plan */
    const struct plan_table_rule *rules;
    const struct plan_table_module *modules;
    const struct plan_table_segment *segments;
    const uint64_t *levels;
    uint32_t rule_count;
    uint32_t path_rules;   /* with functions */
    uint32_t module_rules; /* with a module */
    uint32_t thread_rules; /* with a thread */
    struct plan_map_sizes sizes[PLAN_RULES_MAX];
};

/* Maps the file. False: it is not there, or damaged. */
bool plan_map_open(struct plan_map *plan, const char *path);

/* Rules for which the request is neither too small nor too large. */
static inline uint32_t plan_map_of_size(const struct plan_map *plan, size_t size_bytes)
{
    uint32_t rules = 0;
    for (uint32_t i = 0; i < plan->rule_count; i++) {
        const struct plan_map_sizes *sizes = &plan->sizes[i];
        rules |= (uint32_t)(size_bytes - sizes->min_bytes <= sizes->span_bytes) << i;
    }
    return rules;
}

/* The module of that build id, or (where it has none) in that file; NULL: the plan has none. */
const struct plan_table_module *plan_map_find_module(const struct plan_map *plan,
                                                     const uint8_t *build_id,
                                                     uint32_t build_id_bytes, uint64_t device,
                                                     uint64_t inode);

/* What lies at the offset in a module, or NULL. */
const struct plan_table_segment *plan_map_find_segment(const struct plan_map *plan,
                                                       const struct plan_table_module *module,
                                                       uint64_t offset);

#endif
