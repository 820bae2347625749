#include "route.h"

#include <stdatomic.h>
#include <string.h>

#include "environment.h"
#include "hooks.h"
#include "policy/pool.h"
#include "policy/power_of_two.h"
#include "route_thread.h"

enum {
    NO_RULE = -1,
};

static struct real next; /* the functions of the next allocator */

/* ---- which policy ------------------------------------------------------------------------------
 */

/* The rule of the plan for a call of that size, or NO_RULE. */
static __attribute__((noinline)) int route_choose(size_t size_bytes, const void *frame)
{
    const struct plan_map *plan = &route_shared.plan;
    uint32_t rules = plan_map_of_size(plan, size_bytes);
    struct route_thread *thread = rules != 0 ? route_thread_get() : NULL;
    if (thread == NULL) {
        return NO_RULE;
    }
    if (thread->site == NULL) {
        rules &= ~(plan->path_rules | plan->module_rules | plan->thread_rules);
    } else if ((rules & plan->thread_rules) != 0) {
        rules &= plan_site_of_thread(plan, thread->site);
    }
    uint32_t asking = rules & (plan->path_rules | plan->module_rules);
    if ((asking & (rules & (0 - rules))) != 0) { /* else the first asks for no stack */
        rules &= plan_site_of_stack(plan, thread->site, frame);
    }
    return rules != 0 ? __builtin_ctz(rules) : NO_RULE;
}

static inline void *route_take_by_rule(int rule, size_t size_bytes, size_t alignment)
{
    if (rule == NO_RULE) {
        return NULL;
    }
    struct policy_heap *heap = route_thread_heap(route_thread_of_self, (uint32_t)rule);
    return heap != NULL ? policy_take(heap, size_bytes, alignment) : NULL;
}

/* With is_planned, a constant, by the plan's rule for the caller of the function at `frame`. */
static inline void *route_take(bool is_planned, size_t size_bytes, size_t alignment,
                               const void *frame)
{
    if (is_planned) {
        return route_take_by_rule(route_choose(size_bytes, frame), size_bytes, alignment);
    }
    struct route_thread *thread = route_thread_get();
    return thread != NULL ? policy_take(thread->heaps[0], size_bytes, alignment) : NULL;
}

/* The calling thread's heap in the policy that the chunk is of; NULL: it has none. */
static inline struct policy_heap *route_heap_of(bool is_planned, const struct route_thread *thread,
                                                const struct policy_chunk *chunk)
{
    return thread != NULL ? thread->heaps[is_planned ? chunk->policy->number : 0] : NULL;
}

/* ---- the functions -----------------------------------------------------------------------------
 */

static inline struct policy_chunk *route_chunk(const void *block)
{
    return backing_chunk(&route_shared.backing, block);
}

/* False: the block is not a policy's. What is freed twice is the next allocator's to complain of.
 */
static inline bool route_give(bool is_planned, void *block)
{
    struct policy_chunk *chunk = route_chunk(block);
    return chunk != NULL &&
           policy_give(route_heap_of(is_planned, route_thread_of_self, chunk), chunk, block);
}

static inline void *route_malloc(bool is_planned, size_t size_bytes, const void *frame)
{
    void *block = route_take(is_planned, size_bytes, 0, frame);
    return block != NULL ? block : next.malloc(size_bytes);
}

static inline void *route_calloc(bool is_planned, size_t count, size_t size_bytes,
                                 const void *frame)
{
    size_t total_bytes;
    void *block = NULL;
    if (!__builtin_mul_overflow(count, size_bytes, &total_bytes)) {
        block = route_take(is_planned, total_bytes, 0, frame);
    }
    return block != NULL ? memset(block, 0, total_bytes) : next.calloc(count, size_bytes);
}

static void *route_copy(void *block, const void *old, size_t old_bytes, size_t size_bytes)
{
    return block != NULL ? memcpy(block, old, old_bytes < size_bytes ? old_bytes : size_bytes)
                         : NULL;
}

/* The next allocator's block: stays with it, unless the call is one for a rule of the plan. */
static void *route_realloc_of_next(bool is_planned, void *old, size_t size_bytes, const void *frame)
{
    void *block = is_planned && size_bytes != 0 ? route_take(true, size_bytes, 0, frame) : NULL;
    if (block == NULL) {
        return next.realloc(old, size_bytes);
    }
    route_copy(block, old, next.malloc_usable_size(old), size_bytes);
    next.free(old);
    return block;
}

/* Whether the policy's own rule still allows that size. */
static inline bool route_is_within(bool is_planned, uint32_t policy, size_t size_bytes)
{
    return !is_planned || (plan_map_of_size(&route_shared.plan, size_bytes) >> policy & 1) != 0;
}

static inline void *route_realloc(bool is_planned, void *old, size_t size_bytes, const void *frame)
{
    if (old == NULL) {
        return route_malloc(is_planned, size_bytes, frame);
    }
    struct policy_chunk *chunk = route_chunk(old);
    size_t old_bytes = chunk != NULL ? policy_usable(chunk, old) : 0;
    if (old_bytes == 0) {
        return chunk != NULL ? next.realloc(old, size_bytes)
                             : route_realloc_of_next(is_planned, old, size_bytes, frame);
    }
    if (size_bytes == 0) { /* as glibc does it */
        route_give(is_planned, old);
        return NULL;
    }
    uint32_t policy = chunk->policy->number;
    void *block;
    if (route_is_within(is_planned, policy, size_bytes)) {
        struct route_thread *thread = route_thread_get();
        struct policy_heap *heap = thread != NULL ? route_thread_heap(thread, policy) : NULL;
        block = policy_move(heap, chunk, old, size_bytes);
    } else {
        block = route_take(is_planned, size_bytes, 0, frame);
    }
    if (block == old) {
        return old;
    }
    block = route_copy(block != NULL ? block : next.malloc(size_bytes), old, old_bytes, size_bytes);
    if (block != NULL) {
        route_give(is_planned, old);
    }
    return block;
}

static inline void *route_memalign(bool is_planned, size_t alignment, size_t size_bytes,
                                   const void *frame)
{
    return is_power_of_two(alignment) ? route_take(is_planned, size_bytes, alignment, frame) : NULL;
}

/* Those that take the places in `real`: all calls by one policy, or by the rules of a plan. */
#define ROUTE_FUNCTIONS(prefix, is_planned)                                                        \
    static void *prefix##_malloc(size_t size_bytes)                                                \
    {                                                                                              \
        return route_malloc(is_planned, size_bytes, ROUTE_FRAME(is_planned));                      \
    }                                                                                              \
    static void *prefix##_calloc(size_t count, size_t size_bytes)                                  \
    {                                                                                              \
        return route_calloc(is_planned, count, size_bytes, ROUTE_FRAME(is_planned));               \
    }                                                                                              \
    static void *prefix##_realloc(void *old, size_t size_bytes)                                    \
    {                                                                                              \
        return route_realloc(is_planned, old, size_bytes, ROUTE_FRAME(is_planned));                \
    }                                                                                              \
    static void prefix##_free(void *block)                                                         \
    {                                                                                              \
        if (!route_give(is_planned, block)) {                                                      \
            next.free(block);                                                                      \
        }                                                                                          \
    }                                                                                              \
    static void *prefix##_memalign(size_t alignment, size_t size_bytes)                            \
    {                                                                                              \
        void *block = route_memalign(is_planned, alignment, size_bytes, ROUTE_FRAME(is_planned));  \
        return block != NULL ? block : next.memalign(alignment, size_bytes);                       \
    }                                                                                              \
    static void *prefix##_aligned_alloc(size_t alignment, size_t size_bytes)                       \
    {                                                                                              \
        void *block = route_memalign(is_planned, alignment, size_bytes, ROUTE_FRAME(is_planned));  \
        return block != NULL ? block : next.aligned_alloc(alignment, size_bytes);                  \
    }                                                                                              \
    static int prefix##_posix_memalign(void **out_block, size_t alignment, size_t size_bytes)      \
    {                                                                                              \
        void *block =                                                                              \
            alignment % sizeof(void *) == 0                                                        \
                ? route_memalign(is_planned, alignment, size_bytes, ROUTE_FRAME(is_planned))       \
                : NULL;                                                                            \
        if (block == NULL) {                                                                       \
            return next.posix_memalign(out_block, alignment, size_bytes);                          \
        }                                                                                          \
        *out_block = block;                                                                        \
        return 0;                                                                                  \
    }                                                                                              \
    static void prefix##_take_places(struct real *found)                                           \
    {                                                                                              \
        found->malloc = prefix##_malloc;                                                           \
        found->calloc = prefix##_calloc;                                                           \
        found->realloc = prefix##_realloc;                                                         \
        found->free = prefix##_free;                                                               \
        found->memalign = prefix##_memalign;                                                       \
        found->aligned_alloc = prefix##_aligned_alloc;                                             \
        found->posix_memalign = prefix##_posix_memalign;                                           \
    }

/* Only a plan looks at stacks, from this frame outward. */
#define ROUTE_FRAME(is_planned) ((is_planned) ? HOOK_FRAME : NULL)

ROUTE_FUNCTIONS(route_all, false)
ROUTE_FUNCTIONS(route_planned, true)

#define ROUTE_LONG_WAY __attribute__((noinline))

/*
 * For a pool, the two that are called most have its quick way in line, and call nothing on it: so
 * there are no registers to be saved.
 */
static ROUTE_LONG_WAY void *route_pool_malloc_slowly(size_t size_bytes)
{
    struct route_thread *thread = route_thread_get();
    void *block = thread != NULL ? pool_take_slowly(thread->heaps[0], size_bytes, 0) : NULL;
    return block != NULL ? block : next.malloc(size_bytes);
}

static void *route_pool_malloc(size_t size_bytes)
{
    void *block = pool_take_quickly(&route_gate_of_self, size_bytes);
    return __builtin_expect(block != NULL, 1) ? block : route_pool_malloc_slowly(size_bytes);
}

static ROUTE_LONG_WAY void route_pool_free_slowly(void *block, struct policy_chunk *chunk)
{
    const struct route_thread *thread = route_thread_of_self;
    struct policy_heap *heap = thread != NULL ? thread->heaps[0] : NULL;
    if (!pool_give_slowly((uintptr_t)block, chunk, heap)) {
        next.free(block);
    }
}

static void route_pool_free(void *block)
{
    struct policy_chunk *chunk = route_chunk(block);
    if (chunk == NULL) {
        next.free(block);
    } else if (!pool_give_quickly((uintptr_t)block, chunk, &route_gate_of_self)) {
        route_pool_free_slowly(block, chunk);
    }
}

static size_t route_usable_size(void *block)
{
    struct policy_chunk *chunk = route_chunk(block);
    return chunk != NULL ? policy_usable(chunk, block) : next.malloc_usable_size(block);
}

/* ---- the start ---------------------------------------------------------------------------------
 */

/* Where a function is missing behind us, ours could not pass on what the policy declines. */
static bool route_has_all(const struct real *found)
{
    return found->malloc != NULL && found->calloc != NULL && found->realloc != NULL &&
           found->free != NULL && found->memalign != NULL && found->aligned_alloc != NULL &&
           found->posix_memalign != NULL && found->malloc_usable_size != NULL;
}

static bool route_add_policy(const char *text)
{
    struct policy_settings settings;
    struct policy_mistake mistake;
    struct policy *policy = policy_settings_parse(text, &settings, &mistake)
                                ? policy_create(&settings, &route_shared.backing)
                                : NULL;
    if (policy != NULL) {
        policy->number = route_shared.policy_count;
        route_shared.policies[route_shared.policy_count++] = policy;
    }
    return policy != NULL;
}

static bool route_add_plan(void)
{
    const struct plan_map *plan = &route_shared.plan;
    route_shared.asks_sites = (plan->path_rules | plan->module_rules | plan->thread_rules) != 0;
    for (uint32_t i = 0; i < plan->rule_count; i++) {
        if (!route_add_policy(plan->rules[i].settings)) {
            return false;
        }
    }
    return true;
}

static const char *route_variable(const char *name)
{
    const char *text = environment_find(name);
    return text != NULL && text[0] != '\0' ? text : NULL;
}

void route_begin(struct real *found)
{
    const char *policy = route_variable(POLICY_ENV);
    const char *plan = policy == NULL ? route_variable(PLAN_ENV) : NULL;
    bool is_wanted = policy != NULL || (plan != NULL && plan_map_open(&route_shared.plan, plan));
    if (!is_wanted || !route_has_all(found) || real_malloc_is_replaced() ||
        !backing_init(&route_shared.backing, BACKING_BYTES_MOST, false)) {
        return;
    }
    if (policy != NULL ? !route_add_policy(policy) : !route_add_plan()) {
        route_shared.policy_count = 0;
        backing_fini(&route_shared.backing);
        return;
    }
    next = *found;
    if (policy != NULL) {
        route_all_take_places(found);
        if (route_shared.policies[0]->settings.kind == POLICY_POOL) {
            found->malloc = route_pool_malloc;
            found->free = route_pool_free;
        }
    } else {
        route_planned_take_places(found);
    }
    found->malloc_usable_size = route_usable_size;
    route_thread_init();
}

const void *route_next_malloc(void)
{
    const void *address;
    memcpy(&address, route_shared.policy_count != 0 ? &next.malloc : &real.malloc, sizeof(address));
    return address;
}

/* ---- the rest ----------------------------------------------------------------------------------
 */

void route_end_frame(void)
{
    struct route_thread *thread = route_shared.policy_count != 0 ? route_thread_get() : NULL;
    for (uint32_t i = 0; thread != NULL && i < route_shared.policy_count; i++) {
        if (thread->heaps[i] != NULL) {
            policy_end_frame(thread->heaps[i]);
        }
    }
}

void route_note_thread_name(void)
{
    atomic_fetch_add(&plan_name_generation, 1);
}

void route_forget_range(const void *start, size_t bytes)
{
    const struct route_thread *thread = route_thread_of_self;
    if (thread != NULL && thread->site != NULL) {
        plan_site_forget_range(thread->site, start, bytes);
    }
}

static char *append(char *at, const char *text)
{
    size_t length = strlen(text);
    memcpy(at, text, length + 1);
    return at + length;
}

void route_name_counts(uint32_t number, const uint64_t counts[POLICY_COUNTER_COUNT],
                       void (*sink)(const char *name, uint64_t value))
{
    const struct plan_map *plan = &route_shared.plan;
    char name[PLAN_NAME_BYTES + 64];
    char *end = append(name, plan->table != NULL ? "plan." : "policy.");
    if (plan->table != NULL) {
        end = append(append(end, plan->rules[number].name), ".");
    }
    for (unsigned k = 0; k < POLICY_COUNTER_COUNT; k++) {
        append(end, policy_counter_names[k]);
        sink(name, counts[k]);
    }
}

void route_count(void (*sink)(const char *name, uint64_t value))
{
    for (uint32_t i = 0; i < route_shared.policy_count; i++) {
        uint64_t counts[POLICY_COUNTER_COUNT];
        policy_count(route_shared.policies[i], counts);
        route_name_counts(i, counts, sink);
    }
    if (route_shared.policy_count != 0 && route_shared.plan.table != NULL) {
        sink("plan.declined_busy_count", route_thread_busy_count());
    }
}
