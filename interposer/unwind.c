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

size_t unwind_frames(struct self *self, uintptr_t *frames, size_t capacity, const void *frame)
{
    uintptr_t caller = ((const uintptr_t *)frame)[1];
    int count = 0;
    if (backtrace_of_libunwind != NULL) {
        int saved = errno;
        self->own_calls++;
        count = backtrace_of_libunwind((void **)frames, (int)(capacity + OWN_FRAMES_MAX));
        self->own_calls--;
        errno = saved;
    }
    int skipped = 0;
    while (skipped < count && frames[skipped] != caller) {
        skipped++;
    }
    if (skipped >= count) {
        frames[0] = caller;
        return 1;
    }
    size_t kept = (size_t)(count - skipped);
    kept = kept > capacity ? capacity : kept;
    for (size_t i = 0; i < kept; i++) {
        frames[i] = frames[i + (size_t)skipped];
    }
    return kept;
}
