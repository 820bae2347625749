#include "introspect.h"

#include <dlfcn.h>
#include <errno.h>
#include <link.h>
#include <malloc.h>
#include <stdatomic.h>
#include <string.h>

#include "emit_notes.h"
#include "real.h"
#include "self.h"
#include "stack.h"
#include "sys.h"
#include "ticks.h"

#include "banned.h"

enum {
    PAUSE_COSTS = 100, /* a pause is at least so many times as long as asking took */
    COST_NS_MOST = 20000000,
    FACTS_MOST = 16,
};

bool introspect_is_on;

struct fact {
    const char *name;
    uint64_t value;
};

/* The functions that were found; all of one allocator. */
static struct {
    struct mallinfo2 (*mallinfo2)(void);
    int (*mallctl)(const char *name, void *old, size_t *old_bytes, void *new, size_t new_bytes);
    int (*numeric_property)(const char *name, size_t *value);
    void (*process_info)(size_t *elapsed_ms, size_t *user_ms, size_t *system_ms, size_t *rss_bytes,
                         size_t *rss_peak_bytes, size_t *commit_bytes, size_t *commit_peak_bytes,
                         size_t *fault_count);
} found;

static uint64_t introspect_period_ns;
static _Atomic uint64_t introspect_next_ns;

/* A function of the library that serves malloc; NULL: it has none of that name. */
static void *introspect_find(const char *name)
{
    struct dl_find_object allocator;
    struct dl_find_object owner;
    void *function = dlsym(RTLD_DEFAULT, name);
    (void)dlerror(); /* the program must not see our failed look-ups */
    if (function == NULL ||
        _dl_find_object((void *)(uintptr_t)real_allocator_address(), &allocator) != 0 ||
        _dl_find_object(function, &owner) != 0 || allocator.dlfo_link_map != owner.dlfo_link_map) {
        return NULL;
    }
    return function;
}

void introspect_begin(uint64_t period_ns)
{
    if (period_ns == 0) {
        return;
    }
    *(void **)&found.mallctl = introspect_find("mallctl");
    *(void **)&found.numeric_property = introspect_find("MallocExtension_GetNumericProperty");
    *(void **)&found.process_info = introspect_find("mi_process_info");
    *(void **)&found.mallinfo2 = introspect_find("mallinfo2");
    introspect_period_ns = period_ns;
    introspect_is_on = found.mallctl != NULL || found.numeric_property != NULL ||
                       found.process_info != NULL || found.mallinfo2 != NULL;
}

static size_t ask_glibc(struct fact *facts)
{
    struct mallinfo2 info = found.mallinfo2();
    const struct fact told[] = {
        {"glibc.heap_bytes", info.arena},        {"glibc.mapped_bytes", info.hblkhd},
        {"glibc.mapped_count", info.hblks},      {"glibc.in_use_bytes", info.uordblks},
        {"glibc.free_bytes", info.fordblks},     {"glibc.free_count", info.ordblks},
        {"glibc.fast_free_bytes", info.fsmblks}, {"glibc.top_bytes", info.keepcost},
    };
    memcpy(facts, told, sizeof(told));
    return sizeof(told) / sizeof(told[0]);
}

static size_t ask_jemalloc(struct fact *facts)
{
    static const char *const names[] = {
        "stats.allocated", "stats.active", "stats.metadata",
        "stats.resident",  "stats.mapped", "stats.retained",
    };
    static const char *const told[] = {
        "jemalloc.allocated_bytes", "jemalloc.active_bytes", "jemalloc.metadata_bytes",
        "jemalloc.resident_bytes",  "jemalloc.mapped_bytes", "jemalloc.retained_bytes",
    };
    size_t count = 0;
    uint64_t epoch = 1;
    if (found.mallctl("epoch", NULL, NULL, &epoch, sizeof(epoch)) != 0) {
        return 0; /* the figures would be old */
    }
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        size_t value = 0;
        size_t value_bytes = sizeof(value);
        if (found.mallctl(names[i], &value, &value_bytes, NULL, 0) == 0) {
            facts[count++] = (struct fact){told[i], value};
        }
    }
    return count;
}

static size_t ask_tcmalloc(struct fact *facts)
{
    static const char *const names[] = {
        "generic.current_allocated_bytes",   "generic.heap_size",
        "tcmalloc.pageheap_free_bytes",      "tcmalloc.pageheap_unmapped_bytes",
        "tcmalloc.central_cache_free_bytes", "tcmalloc.transfer_cache_free_bytes",
        "tcmalloc.thread_cache_free_bytes",
    };
    static const char *const told[] = {
        "tcmalloc.allocated_bytes",    "tcmalloc.heap_bytes",
        "tcmalloc.page_free_bytes",    "tcmalloc.page_unmapped_bytes",
        "tcmalloc.central_free_bytes", "tcmalloc.transfer_free_bytes",
        "tcmalloc.thread_free_bytes",
    };
    size_t count = 0;
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        size_t value = 0;
        if (found.numeric_property(names[i], &value) != 0) {
            facts[count++] = (struct fact){told[i], value};
        }
    }
    return count;
}

static size_t ask_mimalloc(struct fact *facts)
{
    size_t ignored = 0;
    size_t commit_bytes = 0;
    size_t commit_peak_bytes = 0;
    size_t fault_count = 0;
    found.process_info(&ignored, &ignored, &ignored, &ignored, &ignored, &commit_bytes,
                       &commit_peak_bytes, &fault_count);
    facts[0] = (struct fact){"mimalloc.commit_bytes", commit_bytes};
    facts[1] = (struct fact){"mimalloc.commit_peak_bytes", commit_peak_bytes};
    return 2;
}

static size_t introspect_ask(struct fact *facts)
{
    if (found.mallctl != NULL) {
        return ask_jemalloc(facts);
    }
    if (found.numeric_property != NULL) {
        return ask_tcmalloc(facts);
    }
    return found.process_info != NULL ? ask_mimalloc(facts) : ask_glibc(facts);
}

/* True for one thread at a time, when it is time. */
static bool introspect_claim(uint64_t now_ns)
{
    uint64_t next_ns = atomic_load_explicit(&introspect_next_ns, memory_order_relaxed);
    return now_ns >= next_ns &&
           atomic_compare_exchange_strong(&introspect_next_ns, &next_ns, UINT64_MAX);
}

static void introspect_wait_from(uint64_t begun_ns, uint64_t ended_ns)
{
    uint64_t cost_ns = ended_ns - begun_ns;
    uint64_t pause_ns = cost_ns * PAUSE_COSTS;
    pause_ns = pause_ns > introspect_period_ns ? pause_ns : introspect_period_ns;
    if (cost_ns <= COST_NS_MOST) { /* else never again */
        atomic_store(&introspect_next_ns, ended_ns + pause_ns);
    }
}

/* In no hook, not called by our own calls, and not inside operator new or delete. */
static bool introspect_is_at_rest(struct self *self, const void *frame)
{
    return self != NULL && self->is_ready && self->level == 0 && self->own_calls == 0 &&
           !self->expects_alloc && !self->expects_free && stack_is_remembered(self, frame);
}

void introspect_look(const void *frame)
{
    struct fact facts[FACTS_MOST];
    size_t count = 0;
    uint64_t begun_ns = ticks_monotonic();
    int saved = errno;
    if (!introspect_is_at_rest(self_of_thread, frame) || !introspect_claim(begun_ns)) {
        return;
    }
    uint64_t mask = 0;
    struct self *self = sys_hold_signals(&mask) == 0 ? self_enter(frame) : NULL;
    if (self != NULL) {
        self->own_calls++;
        count = introspect_ask(facts);
        self->own_calls--;
        self_leave(self);
    }
    uint64_t ended_ns = ticks_monotonic();
    for (size_t i = 0; i < count; i++) {
        emit_allocator_fact((uint32_t)i, facts[i].name, facts[i].value, frame);
    }
    if (count > 0) {
        emit_allocator_fact((uint32_t)count, "introspect.cost_ns", ended_ns - begun_ns, frame);
    }
    introspect_wait_from(begun_ns, ended_ns);
    sys_restore_signals(mask);
    errno = saved;
}
