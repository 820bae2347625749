/*
 * real.h - the functions next in line: glibc's, or those of an allocator preloaded behind us.
 *
 * Found with dlsym(RTLD_NEXT), never by glibc's internal names: blocks of one allocator must not
 * meet the functions of another. A bootstrap buffer serves what dlsym itself asks for meanwhile.
 */
#ifndef ALLOCAUDIT_REAL_H
#define ALLOCAUDIT_REAL_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "hook_list.h"

/* A member is NULL where nothing behind us has the function. */
struct real {
#define X(result, identifier, symbol, parameters) result(*identifier) parameters;
    HOOKS(X)
#undef X
};

/* Hidden, or the compiler takes a detour by the global offset table on every call. */
extern __attribute__((visibility("hidden"))) struct real real;

/* Fills `real`, once. Called by the first hook that finds real.malloc NULL, and by the constructor.
 */
void real_init(void);

/* The same for hooks that may come at any time: nothing to do once it was done. */
static inline void real_be_ready(void)
{
    if (__builtin_expect(real.malloc == NULL, 0)) {
        real_init();
    }
}

/* Of HOOKS_MAP and HOOKS_NAME alone, which must not wait for the others: see real.c. */
void real_find_kernel_calls(void);

extern __attribute__((visibility("hidden"))) bool has_kernel_calls;

static inline void real_kernel_be_ready(void)
{
    if (__builtin_expect(!__atomic_load_n(&has_kernel_calls, __ATOMIC_ACQUIRE), 0)) {
        real_find_kernel_calls();
    }
}

enum {
    BOOTSTRAP_BYTES = 65536,
};

extern char bootstrap_buffer[BOOTSTRAP_BYTES];

/* From a static buffer, for calls that come while real_init() is at work. NULL: buffer used up. */
void *bootstrap_alloc(size_t size_bytes, size_t alignment);

/* True if the block is from the bootstrap buffer: it must never reach the real allocator. */
static inline bool bootstrap_owns(const void *block)
{
    return (uintptr_t)block - (uintptr_t)bootstrap_buffer < BOOTSTRAP_BYTES;
}

/* The requested size of a bootstrap block. */
size_t bootstrap_size(const void *block);

/* Where the allocator beneath us has its code. */
const void *real_allocator_address(void);

/* True if the program's calls to malloc go to a function of its own instead of to our hook. */
bool real_malloc_is_replaced(void);

#endif
