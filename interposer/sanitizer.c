#include "sanitizer.h"

#include <dlfcn.h>

#include "emit.h"
#include "real.h"

static bool sanitizer_is_installed;

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

void sanitizer_begin(void)
{
    int (*install)(void (*)(const volatile void *, size_t), void (*)(const volatile void *));
    if (!real_malloc_is_replaced()) { /* a look-up that fails allocates, which would be recorded */
        return;
    }
    *(void **)&install = dlsym(RTLD_DEFAULT, "__sanitizer_install_malloc_and_free_hooks");
    void *size = dlsym(RTLD_DEFAULT, "__sanitizer_get_allocated_size");
    if (install == NULL || size == NULL) {
        return;
    }
    *(void **)&real.malloc_usable_size = size;
    sanitizer_is_installed = install(sanitizer_tell_alloc, sanitizer_tell_free) != 0;
}

bool sanitizer_is_heard(void)
{
    return sanitizer_is_installed;
}
