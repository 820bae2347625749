/*
 * hooks_exit.c - ways out of the process that run no destructors (see lifecycle.c for the others),
 * and the moment at which a module's destructors are about to run.
 */
#include <stdlib.h>

#include "hooks.h"
#include "leak_wait.h"
#include "real.h"
#include "sanitizer.h"

HOOK __attribute__((noreturn)) void _exit(int status)
{
    real_be_ready();
    leak_wait();
    real.exit_at_once(status);
    __builtin_unreachable();
}

HOOK __attribute__((noreturn)) void _Exit(int status)
{
    real_be_ready();
    leak_wait();
    real.exit_at_once_c99(status);
    __builtin_unreachable();
}

HOOK __attribute__((noreturn)) void quick_exit(int status)
{
    real_be_ready();
    leak_wait();
    real.quick_exit(status);
    __builtin_unreachable();
}

void __cxa_finalize(void *module);

/* A module's own code calls it, with an address within it: at exit, or as it is unloaded. */
HOOK void __cxa_finalize(void *module)
{
    real_be_ready();
    if (sanitizer_is_in(module)) {
        sanitizer_before_leak_check();
    }
    real.finalize(module);
}

HOOKS_EXIT(HOOK_ALIAS)
