#include "sanitizer.h"

#include <dlfcn.h>

#include "emit.h"
#include "real.h"

typedef void sanitizer_alloc_hook(const volatile void *block, size_t size_bytes);
typedef void sanitizer_free_hook(const volatile void *block);

static struct {
    int (*install)(sanitizer_alloc_hook *, sanitizer_free_hook *);
    size_t (*size_of)(void *);
    bool is_heard;
} sanitizer;

#include "banned.h"

static void sanitizer_tell_alloc(const volatile void *block, size_t size_bytes)
{
    emit_alloc(ALLOC_KIND_MALLOC, (void *)(uintptr_t)block, size_bytes, 0, 0,
               __builtin_frame_address(0));
}

static void sanitizer_tell_free(const volatile void *block)
{
    void *freed = (void *)(uintptr_t)block;
    struct self *timed = emit_free(FREE_KIND_FREE, freed, 0, __builtin_frame_address(0));
    if (timed != NULL) { /* how long the real call takes cannot be seen */
        emit_free_done(timed, FREE_KIND_FREE, freed, 0);
    }
}

void sanitizer_look(void)
{
    *(void **)&sanitizer.install = dlsym(RTLD_DEFAULT, "__sanitizer_install_malloc_and_free_hooks");
    *(void **)&sanitizer.size_of = dlsym(RTLD_DEFAULT, "__sanitizer_get_allocated_size");
}

void sanitizer_begin(void)
{
    if (sanitizer.install != NULL && sanitizer.size_of != NULL && real_malloc_is_replaced()) {
        real.malloc_usable_size = sanitizer.size_of;
        sanitizer.is_heard = sanitizer.install(sanitizer_tell_alloc, sanitizer_tell_free) != 0;
    }
}

bool sanitizer_is_heard(void)
{
    return sanitizer.is_heard;
}
