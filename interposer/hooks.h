/*
 * hooks.h - what the files that define hooks share.
 */
#ifndef ALLOCAUDIT_HOOKS_H
#define ALLOCAUDIT_HOOKS_H

#include <stddef.h>
#include <unistd.h>

/* A function of hook_list.h, visible to the program. */
#define HOOK __attribute__((visibility("default")))

/* A second name of a hook, which no definition elsewhere can take (deep_bind.c). */
#define HOOK_ALIAS(result, identifier, symbol, parameters)                                         \
    extern __attribute__((alias(symbol), visibility("hidden"))) result hook_##identifier parameters;
#if !defined(__clang__)
#    pragma GCC diagnostic ignored "-Wmissing-attributes" /* it is never called by that name */
#endif

/* Where the hook stands: its return address is the program's call site. */
#define HOOK_FRAME __builtin_frame_address(0)

/* The long way of a hook, kept out of the short one. */
#define SLOW __attribute__((noinline, cold))

/*
 * What a hook does where it cannot pass the call on at once (sample.h). The hook ends in a jump to
 * it, so that its frame stands where the hook's stood; the hook itself then needs no frame.
 */
#define RECORDED __attribute__((noinline))

static inline size_t page_bytes(void)
{
    return (size_t)sysconf(_SC_PAGESIZE);
}

#endif
