#include "plan_map.h"

#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>

#include "sys.h"

#include "banned.h"

static bool ends_with_nul(const char *text, size_t bytes)
{
    return memchr(text, '\0', bytes) != NULL;
}

static bool rule_is_sound(const struct plan_table_rule *rule)
{
    bool is_sound = ends_with_nul(rule->name, sizeof(rule->name)) &&
                    ends_with_nul(rule->settings, sizeof(rule->settings)) &&
                    ends_with_nul(rule->thread, sizeof(rule->thread)) &&
                    ends_with_nul(rule->module, sizeof(rule->module)) &&
                    rule->size_min_bytes <= rule->size_max_bytes &&
                    rule->step_count <= PLAN_PATH_MAX;
    for (uint32_t i = 0; is_sound && i < rule->step_count; i++) {
        is_sound = rule->steps[i] < PLAN_STEPS_MAX;
    }
    return is_sound;
}

static bool part_is_within(uint32_t first, uint32_t count, uint32_t all)
{
    return first <= all && count <= all - first;
}

static bool plan_is_sound(const struct plan_map *plan)
{
    const struct plan_table *table = plan->table;
    for (uint32_t i = 0; i < table->rule_count; i++) {
        if (!rule_is_sound(&plan->rules[i])) {
            return false;
        }
    }
    for (uint32_t i = 0; i < table->module_count; i++) {
        const struct plan_table_module *module = &plan->modules[i];
        if (module->build_id_bytes > PLAN_BUILD_ID_BYTES ||
            !part_is_within(module->first_segment, module->segment_count, table->segment_count)) {
            return false;
        }
    }
    for (uint32_t i = 0; i < table->segment_count; i++) {
        const struct plan_table_segment *segment = &plan->segments[i];
        if (!part_is_within(segment->first_level, segment->level_count, table->level_count)) {
            return false;
        }
    }
    return true;
}

static void plan_find_parts(struct plan_map *plan)
{
    const struct plan_table *table = plan->table;
    plan->rules = (const void *)(table + 1);
    plan->modules = (const void *)(plan->rules + table->rule_count);
    plan->segments = (const void *)(plan->modules + table->module_count);
    plan->levels = (const void *)(plan->segments + table->segment_count);
}

static void plan_sort_rules(struct plan_map *plan)
{
    plan->rule_count = plan->table->rule_count;
    for (uint32_t i = 0; i < plan->rule_count; i++) {
        const struct plan_table_rule *rule = &plan->rules[i];
        plan->sizes[i] = (struct plan_map_sizes){rule->size_min_bytes,
                                                 rule->size_max_bytes - rule->size_min_bytes};
        plan->path_rules |= (uint32_t)(rule->step_count != 0) << i;
        plan->module_rules |= (uint32_t)(rule->module[0] != '\0') << i;
        plan->thread_rules |= (uint32_t)(rule->thread[0] != '\0') << i;
    }
}

static const struct plan_table *plan_map_file(const char *path, size_t *out_bytes)
{
    long fd = sys_open(path, O_RDONLY | O_NOFOLLOW);
    if (fd < 0) {
        return NULL;
    }
    long bytes = sys_file_bytes((int)fd);
    void *memory = NULL;
    if (bytes >= (long)sizeof(struct plan_table)) {
        memory = sys_mmap((size_t)bytes, PROT_READ, MAP_PRIVATE, (int)fd);
    }
    sys_close((int)fd);
    *out_bytes = (size_t)bytes;
    return memory;
}

bool plan_map_open(struct plan_map *plan, const char *path)
{
    size_t bytes;
    const struct plan_table *table = plan_map_file(path, &bytes);
    memset(plan, 0, sizeof(*plan));
    if (table == NULL) {
        return false;
    }
    if (table->magic == PLAN_MAGIC && table->version == PLAN_VERSION && table->rule_count > 0 &&
        table->rule_count <= PLAN_RULES_MAX && plan_table_bytes(table) == bytes) {
        plan->table = table;
        plan_find_parts(plan);
        if (plan_is_sound(plan)) {
            plan_sort_rules(plan);
            return true;
        }
    }
    memset(plan, 0, sizeof(*plan));
    sys_munmap((void *)(uintptr_t)table, bytes);
    return false;
}

const struct plan_table_module *plan_map_find_module(const struct plan_map *plan,
                                                     const uint8_t *build_id,
                                                     uint32_t build_id_bytes, uint64_t device,
                                                     uint64_t inode)
{
    for (uint32_t i = 0; i < plan->table->module_count; i++) {
        const struct plan_table_module *module = &plan->modules[i];
        if (module->build_id_bytes != build_id_bytes) {
            continue;
        }
        if (build_id_bytes != 0 ? memcmp(module->build_id, build_id, build_id_bytes) == 0
                                : module->device == device && module->inode == inode) {
            return module;
        }
    }
    return NULL;
}

const struct plan_table_segment *plan_map_find_segment(const struct plan_map *plan,
                                                       const struct plan_table_module *module,
                                                       uint64_t offset)
{
    const struct plan_table_segment *segments = plan->segments + module->first_segment;
    uint32_t low = 0;
    uint32_t high = module->segment_count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (segments[middle].start <= offset) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low > 0 && offset < segments[low - 1].end ? &segments[low - 1] : NULL;
}
