#include "plan_site.h"

#include <string.h>
#include <sys/mman.h>

#include "glob.h"
#include "module.h"
#include "stack.h"
#include "sys.h"

#include "banned.h"

enum {
    THREAD_NAME_BYTES = 16, /* as the kernel has it */
};

_Atomic uint32_t plan_name_generation = 1;

struct plan_site *plan_site_make(void)
{
    return sys_mmap(sizeof(struct plan_site), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
                    -1);
}

void plan_site_restart(struct plan_site *site)
{
    walk_forget_stack(&site->walk);
    chain_forget(&site->chains);
    site->name_generation = 0;
    site->is_busy = false;
}

/* ---- modules and addresses ---------------------------------------------------------------------
 */

static const char *last_part(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash != NULL ? slash + 1 : path;
}

static uint32_t rules_of_module(const struct plan_map *plan, const char *path)
{
    uint32_t rules = 0;
    for (uint32_t left = plan->module_rules; left != 0; left &= left - 1) {
        unsigned rule = (unsigned)__builtin_ctz(left);
        const char *glob = plan->rules[rule].module;
        if (glob_matches(glob, path) || glob_matches(glob, last_part(path))) {
            rules |= UINT32_C(1) << rule;
        }
    }
    return rules;
}

static bool module_is_ours(const struct module_facts *facts)
{
    uintptr_t own = (uintptr_t)&plan_name_generation;
    return own >= facts->start && own < facts->end;
}

static __attribute__((noinline)) const struct plan_loaded *
learn_module(const struct plan_map *plan, struct plan_site *site, uintptr_t address)
{
    struct module_facts facts;
    if (!module_look(address, &facts)) {
        return NULL;
    }
    uint64_t device = 0;
    uint64_t inode = 0;
    bool is_known =
        facts.build_id_bytes != 0 || sys_file_identity(facts.path, &device, &inode) == 0;
    bool is_ours = module_is_ours(&facts);
    uint32_t at = site->loaded_count;
    if (at < PLAN_SITE_MODULES) {
        site->loaded_count++;
    } else {
        at = site->oldest_loaded;
        site->oldest_loaded = (at + 1) % PLAN_SITE_MODULES;
    }
    site->loaded[at] = (struct plan_loaded){
        .start = facts.start,
        .end = facts.end,
        .load_bias = facts.load_bias,
        .module = is_known && !is_ours ? plan_map_find_module(plan, facts.build_id,
                                                              facts.build_id_bytes, device, inode)
                                       : NULL,
        .rules = is_ours ? 0 : rules_of_module(plan, facts.path),
    };
    return &site->loaded[at];
}

static const struct plan_loaded *find_module(const struct plan_map *plan, struct plan_site *site,
                                             uintptr_t address)
{
    for (uint32_t i = 0; i < site->loaded_count; i++) {
        if (address >= site->loaded[i].start && address < site->loaded[i].end) {
            return &site->loaded[i];
        }
    }
    return learn_module(plan, site, address);
}

static const struct plan_address *look_up(const struct plan_map *plan, struct plan_site *site,
                                          uintptr_t address)
{
    struct plan_address *slot =
        &site->addresses[(address ^ address >> 11) & (PLAN_SITE_ADDRESSES - 1)];
    if (slot->address == address) {
        return slot;
    }
    const struct plan_loaded *loaded = find_module(plan, site, address);
    *slot = (struct plan_address){.address = address};
    if (loaded != NULL) {
        slot->module_rules = loaded->rules;
        slot->segment = loaded->module != NULL ? plan_map_find_segment(plan, loaded->module,
                                                                       address - loaded->load_bias)
                                               : NULL;
    }
    return slot;
}

/* ---- stacks ------------------------------------------------------------------------------------
 */

/* One function of a stack: it may be the next step of any rule. Returns the rules now complete. */
static uint32_t advance(const struct plan_map *plan, uint32_t open, uint64_t level,
                        uint8_t reached[PLAN_RULES_MAX])
{
    uint32_t complete = 0;
    for (; open != 0; open &= open - 1) {
        unsigned number = (unsigned)__builtin_ctz(open);
        const struct plan_table_rule *rule = &plan->rules[number];
        if ((level >> rule->steps[reached[number]] & 1) != 0 &&
            ++reached[number] == rule->step_count) {
            complete |= UINT32_C(1) << number;
        }
    }
    return complete;
}

uint32_t plan_site_of_frames(const struct plan_map *plan, struct plan_site *site,
                             const uintptr_t *frames, size_t count)
{
    uint8_t reached[PLAN_RULES_MAX] = {0};
    uint32_t paths = ~plan->path_rules;
    uint32_t modules = ~plan->module_rules;
    for (size_t i = 0; i < count; i++) {
        /* Behind a call that never returns there may be another function already. */
        const struct plan_address *at = look_up(plan, site, frames[i] - 1);
        modules |= at->module_rules;
        const struct plan_table_segment *segment = at->segment;
        for (uint32_t k = 0; segment != NULL && k < segment->level_count; k++) {
            paths |= advance(plan, ~paths, plan->levels[segment->first_level + k], reached);
        }
    }
    return paths & modules;
}

static void forget_modules(struct plan_site *site, uint32_t generation)
{
    if (site->generation != 0) {
        memset(site->addresses, 0, sizeof(site->addresses));
    }
    site->loaded_count = 0;
    site->oldest_loaded = 0;
    site->generation = generation;
}

static __attribute__((noinline)) uint32_t judge(const struct plan_map *plan, struct plan_site *site,
                                                const void *frame, uint32_t generation)
{
    bool is_sure = true;
    if (site->generation != generation) {
        forget_modules(site, generation);
    }
    size_t count = walk_frames(&site->walk, site->frames, WALK_FRAMES_MAX, frame, true, &is_sure);
    uint32_t rules = plan_site_of_frames(plan, site, site->frames, count);
    const struct walk_words *words = walk_list_words(&site->walk, frame);
    if (words != NULL) {
        chain_learn(&site->chains, frame, generation, words, rules);
    }
    return rules;
}

uint32_t plan_site_of_stack(const struct plan_map *plan, struct plan_site *site, const void *frame)
{
    if (site->is_busy) {
        site->busy_count++;
        return 0;
    }
    site->is_busy = true;
    atomic_signal_fence(memory_order_seq_cst);
    uint32_t generation = atomic_load_explicit(&stack_generation, memory_order_relaxed);
    const struct chain *chain =
        chain_find(&site->chains, frame, generation, site->walk.stack_low, site->walk.stack_high);
    uint32_t rules =
        __builtin_expect(chain != NULL, 1) ? chain->stack_id : judge(plan, site, frame, generation);
    atomic_signal_fence(memory_order_seq_cst);
    site->is_busy = false;
    return rules;
}

void plan_site_forget_range(struct plan_site *site, const void *start, size_t bytes)
{
    if ((uintptr_t)start < site->walk.stack_high &&
        (uintptr_t)start + bytes > site->walk.stack_low) {
        walk_forget_stack(&site->walk);
    }
}

/* ---- threads -----------------------------------------------------------------------------------
 */

void plan_site_read_name(const struct plan_map *plan, struct plan_site *site)
{
    char name[THREAD_NAME_BYTES + 1] = "";
    uint32_t generation = atomic_load(&plan_name_generation);
    uint32_t rules = ~plan->thread_rules;
    if (sys_thread_name(name) < 0) {
        name[0] = '\0';
    }
    for (uint32_t left = plan->thread_rules; left != 0; left &= left - 1) {
        unsigned rule = (unsigned)__builtin_ctz(left);
        if (glob_matches(plan->rules[rule].thread, name)) {
            rules |= UINT32_C(1) << rule;
        }
    }
    site->thread_rules = rules;
    site->name_generation = generation;
}
