/*
 * hooks_dl.c - modules may come and go: what is remembered about addresses has to be learnt anew.
 *
 * The loader looks at its caller (search paths, namespaces), so these must end in a plain jump, as
 * a sibling call compiles to: the real function then sees the program's return address, not ours.
 */
#include <dlfcn.h>

#include "deep_bind.h"
#include "hooks.h"
#include "real.h"
#include "stack.h"

static inline void forget_modules(void)
{
    real_be_ready();
    atomic_fetch_add_explicit(&stack_generation, 1, memory_order_relaxed);
}

/* Where our frame would be in the way, the module does without RTLD_DEEPBIND. */
HOOK void *dlopen(const char *path, int mode)
{
    forget_modules();
    if (path != NULL && (mode & RTLD_DEEPBIND) != 0) {
        if (deep_bind_can_open(path, __builtin_return_address(0))) {
            return deep_bind_open(path, mode);
        }
        mode &= ~RTLD_DEEPBIND;
    }
    return real.dlopen(path, mode);
}

/* A library in a space of its own has a C library of its own, too. */
HOOK void *dlmopen(long space, const char *path, int mode)
{
    forget_modules();
    return real.dlmopen(space, path, mode);
}

HOOK int dlclose(void *handle)
{
    forget_modules();
    return real.dlclose(handle);
}

HOOKS_DL(HOOK_ALIAS)
