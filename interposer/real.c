#include "real.h"

#include <dlfcn.h>
#include <link.h>
#include <stdatomic.h>
#include <string.h>

#include "route.h"
#include "sample_set.h"
#include "sanitizer.h"

struct real real;
bool has_kernel_calls;

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
    sample_filter_pin(block); /* its free must come by here */
    return block;
}

size_t bootstrap_size(const void *block)
{
    size_t size_bytes;
    memcpy(&size_bytes, (const char *)block - sizeof(size_t), sizeof(size_bytes));
    return size_bytes;
}

/*
 * Every C library has these, so nothing fails: a malloc of the program's own may come here while it
 * starts itself, holding its locks.
 */
void real_find_kernel_calls(void)
{
#define X(result, identifier, symbol, parameters)                                                  \
    *(void **)&real.identifier = dlsym(RTLD_NEXT, symbol);
    HOOKS_MAP(X)
    HOOKS_NAME(X)
#undef X
    __atomic_store_n(&has_kernel_calls, true, __ATOMIC_RELEASE);
}

/*
 * Failing look-ups allocate their error texts. So nothing is put into `real` before all are done:
 * until then the hooks serve from the bootstrap buffer, and record nothing. Only where the program
 * brings its own malloc that one is called, and may begin by taking memory from the kernel: those
 * functions come first.
 *
 * The program must not see our failed look-ups. A successful one forgets them. dlerror() would,
 * too, but translates the text first, and so takes and releases the C library's lock of locales:
 * where the first malloc comes from newlocale(), which holds it, the release is one too many, and
 * the next setlocale() waits for ever.
 */
static void real_find_all(void)
{
    real_kernel_be_ready();
    struct real found = real;
#define X(result, identifier, symbol, parameters)                                                  \
    *(void **)&found.identifier = dlsym(RTLD_NEXT, symbol);
    HOOKS_C(X)
    HOOKS_CXX(X)
    HOOKS_DL(X)
    HOOKS_EXEC(X)
    HOOKS_EXIT(X)
#undef X
    (void)dlsym(RTLD_NEXT, "malloc");
    route_begin(&found);
    void *(*first)(size_t) = found.malloc;
    found.malloc = NULL;
    real = found;
    __atomic_store_n(&real.malloc, first, __ATOMIC_RELEASE); /* the others are there by then */
}

void real_init(void)
{
    static _Atomic int is_begun;
    if (atomic_exchange(&is_begun, 1) == 0) {
        real_find_all();
    }
}

const void *real_allocator_address(void)
{
    return sanitizer_is_heard() ? *(void **)&real.malloc_usable_size : route_next_malloc();
}

/*
 * A program that takes malloc's address has an entry for it in its own symbol table, without a
 * definition behind it: that one still leads to us.
 */
bool real_malloc_is_replaced(void)
{
    Dl_info info;
    const ElfW(Sym) *symbol = NULL;
    struct dl_find_object ours;
    struct dl_find_object theirs;
    void *function = dlsym(RTLD_DEFAULT, "malloc");
    if (dladdr1(function, &info, (void **)&symbol, RTLD_DL_SYMENT) == 0 || symbol == NULL ||
        symbol->st_shndx == SHN_UNDEF) {
        return false;
    }
    return _dl_find_object(bootstrap_buffer, &ours) == 0 &&
           _dl_find_object(function, &theirs) == 0 && ours.dlfo_link_map != theirs.dlfo_link_map;
}
