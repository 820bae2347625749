#include "unwind.h"

#include <dlfcn.h>
#include <errno.h>

#include "self.h"

#include "banned.h"

enum {
    CACHE_PER_THREAD = 2,
};

static int (*backtrace_of_libunwind)(void **, int);
static int (*backtrace_of_libc)(void **, int);
static void (*flush_of_libunwind)(void *, uintptr_t, uintptr_t);
static void *space_of_libunwind;

/* The C library's own: libunwind and others export one of that name, too. */
static void unwind_find_backtrace(void)
{
    void *library = dlopen("libc.so.6", RTLD_NOW | RTLD_NOLOAD);
    if (library != NULL) {
        *(void **)&backtrace_of_libc = dlsym(library, "backtrace");
    }
}

void unwind_init(void)
{
    void *library = dlopen("libunwind.so.8", RTLD_NOW | RTLD_LOCAL | RTLD_DEEPBIND);
    if (library == NULL) {
        (void)dlerror();
        return;
    }
    void *function = dlsym(library, "unw_backtrace");
    int (*set_policy)(void *, int) = NULL;
    *(void **)&set_policy = dlsym(library, "_ULx86_64_set_caching_policy");
    *(void **)&flush_of_libunwind = dlsym(library, "_Ux86_64_flush_cache");
    void **space = dlsym(library, "_ULx86_64_local_addr_space");
    if (set_policy != NULL && space != NULL) {
        space_of_libunwind = *space;
        set_policy(space_of_libunwind, CACHE_PER_THREAD);
    }
    if (process->unwind == RING_UNWIND_CHECK) {
        unwind_find_backtrace();
    }
    *(void **)&backtrace_of_libunwind = function;
}

bool unwind_has_libunwind(void)
{
    return backtrace_of_libunwind != NULL;
}

void unwind_forget(void)
{
    if (flush_of_libunwind != NULL && space_of_libunwind != NULL) {
        flush_of_libunwind(space_of_libunwind, 0, 0);
    }
}

/* Moves what is outward of `caller`, with it, to the front; at most `capacity` frames. */
static size_t unwind_from(uintptr_t *frames, int count, size_t capacity, uintptr_t caller)
{
    int skipped = 0;
    while (skipped < count && frames[skipped] != caller) {
        skipped++;
    }
    size_t kept = (size_t)(count - skipped);
    kept = kept > capacity ? capacity : kept;
    for (size_t i = 0; i < kept; i++) {
        frames[i] = frames[i + (size_t)skipped];
    }
    return kept;
}

size_t unwind_by_libunwind(struct self *self, uintptr_t *frames, size_t capacity, uintptr_t caller)
{
    if (backtrace_of_libunwind == NULL) {
        return 0;
    }
    int saved = errno;
    struct self_own own = self_own_begin(self);
    int count = backtrace_of_libunwind((void **)frames, (int)(capacity + UNWIND_OWN_FRAMES));
    self_own_end(self, own);
    errno = saved;
    return unwind_from(frames, count, capacity, caller);
}

size_t unwind_by_libgcc(struct self *self, uintptr_t *frames, size_t capacity, uintptr_t caller)
{
    if (backtrace_of_libc == NULL) {
        return 0;
    }
    int saved = errno;
    struct self_own own = self_own_begin(self);
    int count = backtrace_of_libc((void **)frames, (int)(capacity + UNWIND_OWN_FRAMES));
    self_own_end(self, own);
    errno = saved;
    return unwind_from(frames, count, capacity, caller);
}

size_t unwind_frames(struct self *self, uintptr_t *frames, size_t capacity, const void *frame,
                     enum stack_ending *out_ending)
{
    uintptr_t caller = ((const uintptr_t *)frame)[1];
    size_t count = 0;
    bool is_sure = true;
    if (process->unwind == RING_UNWIND_LIBUNWIND) {
        count = unwind_by_libunwind(self, frames, capacity, caller);
    } else if (process->unwind == RING_UNWIND_FP) {
        count = walk_frame_pointers(&self->walk, frames, capacity, frame);
    } else {
        count = walk_frames(&self->walk, frames, capacity, frame, self->level == 1, &is_sure);
    }
    if (__builtin_expect(count == 0, 0)) {
        frames[0] = caller;
        count = 1;
        is_sure = false;
    }
    if (__builtin_expect(!is_sure, 0)) {
        *out_ending = STACK_IS_LOST;
    }
    return count;
}
