#include "frame_symbol.h"

#include <dlfcn.h>
#include <errno.h>
#include <link.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <string.h>

#include "../schema/frame_symbols.h"
#include "allocaudit.h"
#include "hooks.h"
#include "real.h"
#include "self.h"

#include "banned.h"

/* In the object that was written for this run; without one it is not there. */
extern struct frame_symbols allocaudit_frame_symbols __attribute__((weak, visibility("default")));

enum {
    MODULES_MAX = 256,
};

/* What a thread remembers of one symbol. */
struct frame_destination {
    void *function;  /* NULL: nothing yet */
    uintptr_t start; /* for callers in this range */
    uintptr_t end;
    uint32_t generation; /* of the loaded modules */
};

static __thread struct frame_destination frame_targets[FRAME_SYMBOLS_MAX]
    __attribute__((tls_model("initial-exec")));
static __thread bool frame_is_inside __attribute__((tls_model("initial-exec")));

typedef void *frame_dlsym_function(void *handle, const char *name);

/* Past the object's own dlsym, which would lead back to us. */
static frame_dlsym_function *frame_next_dlsym(void)
{
    static _Atomic(frame_dlsym_function *) next;
    frame_dlsym_function *function = atomic_load_explicit(&next, memory_order_relaxed);
    if (function == NULL) {
        *(void **)&function = dlvsym(RTLD_NEXT, "dlsym", "GLIBC_2.34");
        if (function == NULL) {
            *(void **)&function = dlvsym(RTLD_NEXT, "dlsym", "GLIBC_2.2.5");
        }
        atomic_store_explicit(&next, function, memory_order_relaxed);
    }
    return function;
}

static const struct link_map *frame_module_of(const void *address)
{
    struct dl_find_object object;
    bool is_known = _dl_find_object((void *)(uintptr_t)address, &object) == 0;
    return is_known ? object.dlfo_link_map : NULL;
}

/*
 * Looks in a module and those that it needs; what is found in our own object does not count. The
 * module is asked for by name, since only those that were opened so know what they need.
 */
static void *frame_find_beneath(const struct link_map *module, const char *name)
{
    if (module == NULL || module->l_name == NULL || module->l_name[0] == '\0') {
        return NULL; /* what the program itself needs has been searched */
    }
    void *handle = real.dlopen(module->l_name, RTLD_LAZY | RTLD_NOLOAD);
    if (handle == NULL) {
        return NULL;
    }
    void *found = frame_next_dlsym()(handle, name);
    bool is_ours =
        found != NULL && frame_module_of(found) == frame_module_of(&allocaudit_frame_symbols);
    real.dlclose(handle);
    return is_ours ? NULL : found;
}

struct frame_modules {
    const struct link_map *items[MODULES_MAX];
    unsigned count;
};

static int frame_add_module(struct dl_phdr_info *info, size_t bytes, void *context)
{
    struct frame_modules *modules = context;
    (void)bytes;
    modules->items[modules->count++] = frame_module_of(info->dlpi_phdr);
    return modules->count == MODULES_MAX;
}

/* In any module. None is looked into while the loader's list is held. */
static void *frame_find_anywhere(const char *name)
{
    struct frame_modules modules = {.count = 0};
    void *found = NULL;
    dl_iterate_phdr(frame_add_module, &modules);
    for (unsigned i = 0; i < modules.count && found == NULL; i++) {
        found = frame_find_beneath(modules.items[i], name);
    }
    return found;
}

/* As the loader would bind the caller's reference; and where even that has none, in any module. */
static void frame_find(const char *name, const void *caller, struct frame_destination *target)
{
    struct dl_find_object object;
    *target = (struct frame_destination){
        .end = UINTPTR_MAX,
        .generation = atomic_load_explicit(&stack_generation, memory_order_relaxed),
        .function = frame_next_dlsym()(RTLD_NEXT, name),
    };
    real_be_ready();
    if (target->function != NULL || _dl_find_object((void *)(uintptr_t)caller, &object) != 0) {
        return;
    }
    target->start = (uintptr_t)object.dlfo_map_start;
    target->end = (uintptr_t)object.dlfo_map_end;
    target->function = frame_find_beneath(object.dlfo_link_map, name);
    if (target->function == NULL) {
        target->function = frame_find_anywhere(name);
    }
    (void)dlerror(); /* the program must not see our failed look-ups */
}

/* Nothing, in each register that a plain result lies in. */
struct frame_nothing {
    long integer;
    double real;
};

/* What a reference that has no definition behind it leads to: the program asked for one only if it
 * were there. */
static struct frame_nothing frame_do_nothing(void)
{
    return (struct frame_nothing){.integer = 0};
}

static void *frame_resolve(const struct frame_symbol *symbol, const char *name, const void *caller)
{
    struct frame_destination *target = &frame_targets[symbol - allocaudit_frame_symbols.symbols];
    uintptr_t from = (uintptr_t)caller;
    if (__builtin_expect(target->function == NULL || from < target->start || from >= target->end ||
                             target->generation !=
                                 atomic_load_explicit(&stack_generation, memory_order_relaxed),
                         0)) {
        struct frame_destination found;
        struct self *self = self_enter(HOOK_FRAME);
        struct self_own own = self_own_begin(self); /* looking up may allocate */
        frame_find(name, caller, &found);
        self_own_end(self, own);
        if (self != NULL) {
            self_leave(self);
        }
        target->function = NULL; /* a signal handler may come by */
        atomic_signal_fence(memory_order_seq_cst);
        target->start = found.start;
        target->end = found.end;
        target->generation = found.generation;
        atomic_signal_fence(memory_order_seq_cst);
        target->function = found.function;
    }
    void *function = target->function;
    if (function == NULL) {
        *(struct frame_nothing(**)(void)) & function = frame_do_nothing;
    }
    return function;
}

void *frame_symbol_called(uintptr_t tagged, const void *caller)
{
    struct frame_symbol *symbol = (struct frame_symbol *)(tagged & ~(uintptr_t)1);
    const char *name = (const char *)symbol + symbol->name_offset;
    int code = errno;
    void *function = NULL;
    if ((tagged & 1) != 0) {
        function = (void *)(uintptr_t)__atomic_load_n(&symbol->found, __ATOMIC_ACQUIRE);
    } else {
        function = frame_resolve(symbol, name, caller);
    }
    if (!frame_is_inside) {
        frame_is_inside = true;
        allocaudit_note(ALLOCAUDIT_FRAME, name);
        frame_is_inside = false;
    }
    errno = code;
    return function;
}

static struct frame_symbol *frame_symbol_named(const char *name)
{
    struct frame_symbols *table = &allocaudit_frame_symbols;
    for (uint64_t i = 0; table != NULL && i < table->symbol_count; i++) {
        if (strcmp(name, (const char *)&table->symbols[i] + table->symbols[i].name_offset) == 0) {
            return &table->symbols[i];
        }
    }
    return NULL;
}

/* The stub, if it can stand for this function. It stands for one at a time: of two modules that
 * define the symbol, only the first one's is seen. */
static void *frame_stand_in(struct frame_symbol *symbol, void *found)
{
    uint64_t before = __atomic_load_n(&symbol->found, __ATOMIC_ACQUIRE);
    bool is_gone = before == 0 || frame_module_of((void *)(uintptr_t)before) == NULL;
    if (is_gone && __atomic_compare_exchange_n(&symbol->found, &before, (uintptr_t)found, false,
                                               __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE)) {
        before = (uintptr_t)found;
    }
    return before == (uintptr_t)found ? (char *)symbol + symbol->stub_offset : found;
}

/* The loader looks at its caller, so all but our own names end in a plain jump (hooks_dl.c). */
void *allocaudit_frame_dlsym(void *handle, const char *name)
{
    struct frame_symbol *symbol = name != NULL ? frame_symbol_named(name) : NULL;
    if (symbol == NULL || handle == RTLD_NEXT || handle == RTLD_DEFAULT) {
        return frame_next_dlsym()(handle, name);
    }
    void *found = frame_next_dlsym()(handle, name);
    bool is_stub =
        found != NULL && frame_module_of(found) == frame_module_of(&allocaudit_frame_symbols);
    return found == NULL || is_stub ? found : frame_stand_in(symbol, found);
}
