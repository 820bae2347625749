#include "real.h"

#include <dlfcn.h>
#include <stdatomic.h>
#include <string.h>

struct real real;

enum {
    BOOTSTRAP_ALIGNMENT = 64,
};

_Alignas(BOOTSTRAP_ALIGNMENT) char bootstrap_buffer[BOOTSTRAP_BYTES];
static _Atomic size_t bootstrap_used;

void *bootstrap_alloc(size_t size_bytes, size_t alignment)
{
    if (size_bytes > BOOTSTRAP_BYTES / 2 || alignment > BOOTSTRAP_ALIGNMENT) {
        return NULL;
    }
    size_t bytes = (2 * BOOTSTRAP_ALIGNMENT - 1 + size_bytes) & ~(size_t)(BOOTSTRAP_ALIGNMENT - 1);
    size_t start = atomic_fetch_add(&bootstrap_used, bytes);
    if (start + bytes > BOOTSTRAP_BYTES) {
        return NULL;
    }
    char *block = bootstrap_buffer + start + BOOTSTRAP_ALIGNMENT;
    memcpy(block - sizeof(size_t), &size_bytes, sizeof(size_t));
    return block;
}

size_t bootstrap_size(const void *block)
{
    size_t size_bytes;
    memcpy(&size_bytes, (const char *)block - sizeof(size_t), sizeof(size_bytes));
    return size_bytes;
}

static void real_find(void **function, const char *symbol)
{
    if (*function == NULL) {
        void *found = dlsym(RTLD_NEXT, symbol);
        atomic_thread_fence(memory_order_release);
        *function = found;
    }
}

void real_retry(void)
{
#define X(result, identifier, symbol, parameters) real_find((void **)&real.identifier, symbol);
    HOOKS(X)
#undef X
    (void)dlerror(); /* the program must not see our failed look-ups */
}

void real_init(void)
{
    static _Atomic int is_begun;
    if (atomic_exchange(&is_begun, 1) == 0) {
        real_retry();
    }
}

const void *real_allocator_address(void)
{
    void *address;
    memcpy(&address, &real.malloc, sizeof(address));
    return address;
}

bool real_malloc_is_replaced(void)
{
    struct dl_find_object ours;
    struct dl_find_object theirs;
    void *function = dlsym(RTLD_DEFAULT, "malloc");
    return _dl_find_object(bootstrap_buffer, &ours) == 0 &&
           _dl_find_object(function, &theirs) == 0 && ours.dlfo_link_map != theirs.dlfo_link_map;
}
