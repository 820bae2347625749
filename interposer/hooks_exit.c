/*
 * hooks_exit.c - ways out of the process that run no destructors (see lifecycle.c for the others).
 */
#include <stdlib.h>

#include "hooks.h"
#include "leak_wait.h"
#include "real.h"

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
