#include "sanitizer.h"

#include "emit.h"
#include "real.h"

typedef void sanitizer_alloc_hook(const volatile void *block, size_t size_bytes);
typedef void sanitizer_free_hook(const volatile void *block);

/* Of a sanitizer's runtime, where there is one: bound by the loader, since a look-up that fails
 * allocates and takes locks of the C library. */
__attribute__((weak, visibility("default"))) extern int
__sanitizer_install_malloc_and_free_hooks(sanitizer_alloc_hook *alloc, sanitizer_free_hook *freed);
__attribute__((weak, visibility("default"))) extern size_t
__sanitizer_get_allocated_size(void *block);

static bool sanitizer_hears;

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
    if (__sanitizer_install_malloc_and_free_hooks != NULL &&
        __sanitizer_get_allocated_size != NULL && real_malloc_is_replaced()) {
        real.malloc_usable_size = __sanitizer_get_allocated_size;
        sanitizer_hears = __sanitizer_install_malloc_and_free_hooks(sanitizer_tell_alloc,
                                                                    sanitizer_tell_free) != 0;
    }
}

bool sanitizer_is_heard(void)
{
    return sanitizer_hears;
}
