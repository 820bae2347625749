#include "unwind.h"

#include <dlfcn.h>
#include <errno.h>
#include <stdbool.h>

#include "self.h"

#include "banned.h"

enum {
    OWN_FRAMES_MAX = 12, /* of ours, between the hook and libunwind */
    CACHE_PER_THREAD = 2,
};

static int (*backtrace_of_libunwind)(void **, int);

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
    void **space = dlsym(library, "_ULx86_64_local_addr_space");
    if (set_policy != NULL && space != NULL) {
        set_policy(*space, CACHE_PER_THREAD);
    }
    *(void **)&backtrace_of_libunwind = function;
}

/* Returns 0 if libunwind is not there or does not find the hook's caller. */
static size_t unwind_by_libunwind(struct self *self, uintptr_t *frames, size_t capacity,
                                  uintptr_t caller)
{
    if (backtrace_of_libunwind == NULL) {
        return 0;
    }
    int saved = errno;
    self->own_calls++;
    int count = backtrace_of_libunwind((void **)frames, (int)(capacity + OWN_FRAMES_MAX));
    self->own_calls--;
    errno = saved;
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
