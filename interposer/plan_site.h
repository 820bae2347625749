/*
 * plan_site.h - which rules of a plan hold for the stack and the thread of a call.
 *
 * Each thread remembers the stacks that it has met with the rules that hold for them (chain.h), so
 * that a stack is judged once: its return addresses are looked up among the plan's code ranges,
 * from the allocation outward. Names never matter here.
 *
 * A site is for one thread, and may be asked in its signal handlers: what interrupted a look gets
 * no rule, and is counted.
 */
#ifndef ALLOCAUDIT_PLAN_SITE_H
#define ALLOCAUDIT_PLAN_SITE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "chain.h"
#include "plan_map.h"
#include "walk.h"

enum {
    PLAN_SITE_ADDRESSES = 2048, /* a power of two */
    PLAN_SITE_MODULES = 64,
};

/* What the plan has at a return address. */
struct plan_address {
    uintptr_t address; /* 0: empty */
    const struct plan_table_segment *segment;
    uint32_t module_rules;
    uint32_t padding;
};

struct plan_loaded {
    uintptr_t start;
    uintptr_t end;
    uintptr_t load_bias;
    const struct plan_table_module *module; /* NULL: none of the plan's */
    uint32_t rules;                         /* whose module it is like */
};

/* All zero is an empty one. 400 KiB, of which few are touched. */
struct plan_site {
    bool is_busy;
    uint32_t generation;      /* of the loaded modules */
    uint32_t name_generation; /* 0: the thread's name has not been read */
    uint32_t thread_rules;    /* whose thread's name it has */
    uint64_t busy_count;      /* calls in signal handlers that interrupted a look */
    struct chain_table chains;
    uint32_t loaded_count;
    uint32_t oldest_loaded;
    struct plan_loaded loaded[PLAN_SITE_MODULES];
    struct plan_address addresses[PLAN_SITE_ADDRESSES];
    uintptr_t frames[WALK_FRAMES_MAX];
    struct walk walk;
};

/* Goes up when a thread was named. */
extern _Atomic uint32_t plan_name_generation;

/* NULL: there is no memory. */
struct plan_site *plan_site_make(void);

/* Another thread takes it over: forgets what it knew of the old one. */
void plan_site_restart(struct plan_site *site);

/*
 * Of the plan's rules, those whose functions and module are met on the stack of the function whose
 * frame address is `frame`, from its caller outward, and those that ask for neither.
 */
uint32_t plan_site_of_stack(const struct plan_map *plan, struct plan_site *site, const void *frame);

/* The same by return addresses, from the allocation outward. */
uint32_t plan_site_of_frames(const struct plan_map *plan, struct plan_site *site,
                             const uintptr_t *frames, size_t count);

/* The rest of plan_site_of_thread(). */
void plan_site_read_name(const struct plan_map *plan, struct plan_site *site);

/* Those whose thread the calling one is, and those that ask for none. */
static inline uint32_t plan_site_of_thread(const struct plan_map *plan, struct plan_site *site)
{
    uint32_t generation = atomic_load_explicit(&plan_name_generation, memory_order_relaxed);
    if (__builtin_expect(site->name_generation != generation, 0)) {
        plan_site_read_name(plan, site);
    }
    return site->thread_rules;
}

/* Memory is being unmapped: if it was this thread's stack, nothing of it is known. */
void plan_site_forget_range(struct plan_site *site, const void *start, size_t bytes);

#endif
