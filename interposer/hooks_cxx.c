/*
 * hooks_cxx.c - operator new and delete in all their forms.
 *
 * The real operator calls malloc through our hook. What that inner call stands for is announced
 * first, so one `new` is one allocation of kind new, wherever the program's operator gets its
 * memory.
 */
#include <dlfcn.h>
#include <link.h>
#include <string.h>

#include "emit.h"
#include "hooks.h"
#include "real.h"
#include "sample.h"

/*
 * A C++ library that was loaded with RTLD_LOCAL is not behind us in the search order. Blocks then
 * come from malloc, as its operator new would take them too; only its way of failing has to be its
 * own.
 */
static void *find_in_caller(const void *caller, const char *symbol)
{
    struct dl_find_object object;
    if (_dl_find_object((void *)(uintptr_t)caller, &object) != 0) {
        return NULL;
    }
    return dlsym(object.dlfo_link_map, symbol);
}

static void *new_without_library(size_t size_bytes, size_t alignment)
{
    size_bytes = size_bytes == 0 ? 1 : size_bytes;
    real_be_ready();
    if (alignment == 0) {
        return real.malloc(size_bytes);
    }
    return real.aligned_alloc(alignment, (size_bytes + alignment - 1) & ~(alignment - 1));
}

#define NEW(kind, identifier, symbol, alignment, parameters, arguments)                            \
    static RECORDED void *identifier##_recorded parameters                                         \
    {                                                                                              \
        real_be_ready();                                                                           \
        enum sample_outer outer = sample_outer_begin(ALLOC_KIND_##kind, size_bytes, HOOK_FRAME);   \
        void *(*function)parameters = real.identifier;                                             \
        void *block = NULL;                                                                        \
        if (function == NULL) {                                                                    \
            block = new_without_library(size_bytes, alignment);                                    \
        }                                                                                          \
        if (function == NULL && block == NULL) {                                                   \
            *(void **)&function = find_in_caller(__builtin_return_address(0), #symbol);            \
        }                                                                                          \
        if (function != NULL) {                                                                    \
            block = function arguments;                                                            \
        }                                                                                          \
        sample_outer_done(outer, ALLOC_KIND_##kind, block, size_bytes, alignment, HOOK_FRAME);     \
        made_note(block, ALLOC_KIND_##kind, size_bytes);                                           \
        return block;                                                                              \
    }                                                                                              \
    HOOK void *symbol parameters;                                                                  \
    HOOK void *symbol parameters                                                                   \
    {                                                                                              \
        if (!sample_passes_inside(size_bytes, (alignment) + 1) || real.identifier == NULL) {       \
            return identifier##_recorded arguments;                                                \
        }                                                                                          \
        size_t left = sample_bytes_left;                                                           \
        void *block = real.identifier arguments;                                                   \
        sample_count_inside(left, size_bytes);                                                     \
        return block;                                                                              \
    }

#define DELETE(kind, identifier, symbol, given_word, parameters, arguments)                        \
    static RECORDED void identifier##_recorded parameters                                          \
    {                                                                                              \
        if (block == NULL || bootstrap_owns(block)) {                                              \
            return;                                                                                \
        }                                                                                          \
        real_be_ready();                                                                           \
        bool is_timed = false;                                                                     \
        bool is_outer =                                                                            \
            !sample_skips_free(block) &&                                                           \
            emit_outer_free(FREE_KIND_##kind, block, given_word, HOOK_FRAME, &is_timed);           \
        if (is_outer) {                                                                            \
            emit_look_at(FREE_KIND_##kind, block, given_word, HOOK_FRAME);                         \
        }                                                                                          \
        uint64_t started = emit_free_clock(is_timed);                                              \
        if (real.identifier != NULL) {                                                             \
            real.identifier arguments;                                                             \
        } else {                                                                                   \
            real.free(block);                                                                      \
        }                                                                                          \
        if (is_outer) {                                                                            \
            emit_outer_free_done();                                                                \
        }                                                                                          \
        if (__builtin_expect(started != 0, 0)) {                                                   \
            emit_free_time(block, started, HOOK_FRAME);                                            \
        }                                                                                          \
    }                                                                                              \
    HOOK void symbol parameters;                                                                   \
    HOOK void symbol parameters                                                                    \
    {                                                                                              \
        if (sample_passes_free(block) && real.identifier != NULL) {                                \
            real.identifier arguments;                                                             \
        } else {                                                                                   \
            identifier##_recorded arguments;                                                       \
        }                                                                                          \
    }

/* clang-format off */
NEW(NEW, new_, _Znwm, 0, (size_t size_bytes), (size_bytes))
NEW(NEW, new_n, _ZnwmRKSt9nothrow_t, 0,
    (size_t size_bytes, const void *nothrow), (size_bytes, nothrow))
NEW(NEW, new_a, _ZnwmSt11align_val_t, alignment,
    (size_t size_bytes, size_t alignment), (size_bytes, alignment))
NEW(NEW, new_an, _ZnwmSt11align_val_tRKSt9nothrow_t, alignment,
    (size_t size_bytes, size_t alignment, const void *nothrow), (size_bytes, alignment, nothrow))
NEW(NEW_ARRAY, new_array, _Znam, 0, (size_t size_bytes), (size_bytes))
NEW(NEW_ARRAY, new_array_n, _ZnamRKSt9nothrow_t, 0,
    (size_t size_bytes, const void *nothrow), (size_bytes, nothrow))
NEW(NEW_ARRAY, new_array_a, _ZnamSt11align_val_t, alignment,
    (size_t size_bytes, size_t alignment), (size_bytes, alignment))
NEW(NEW_ARRAY, new_array_an, _ZnamSt11align_val_tRKSt9nothrow_t, alignment,
    (size_t size_bytes, size_t alignment, const void *nothrow), (size_bytes, alignment, nothrow))

DELETE(DELETE, delete_, _ZdlPv, 0, (void *block), (block))
DELETE(DELETE, delete_n, _ZdlPvRKSt9nothrow_t, 0,
       (void *block, const void *nothrow), (block, nothrow))
DELETE(DELETE, delete_s, _ZdlPvm, event_given_word(size_bytes), (void *block, size_t size_bytes), (block, size_bytes))
DELETE(DELETE, delete_a, _ZdlPvSt11align_val_t, 0,
       (void *block, size_t alignment), (block, alignment))
DELETE(DELETE, delete_an, _ZdlPvSt11align_val_tRKSt9nothrow_t, 0,
       (void *block, size_t alignment, const void *nothrow), (block, alignment, nothrow))
DELETE(DELETE, delete_sa, _ZdlPvmSt11align_val_t, event_given_word(size_bytes),
       (void *block, size_t size_bytes, size_t alignment), (block, size_bytes, alignment))
DELETE(DELETE_ARRAY, delete_array, _ZdaPv, 0, (void *block), (block))
DELETE(DELETE_ARRAY, delete_array_n, _ZdaPvRKSt9nothrow_t, 0,
       (void *block, const void *nothrow), (block, nothrow))
DELETE(DELETE_ARRAY, delete_array_s, _ZdaPvm, event_given_word(size_bytes),
       (void *block, size_t size_bytes), (block, size_bytes))
DELETE(DELETE_ARRAY, delete_array_a, _ZdaPvSt11align_val_t, 0,
       (void *block, size_t alignment), (block, alignment))
DELETE(DELETE_ARRAY, delete_array_an, _ZdaPvSt11align_val_tRKSt9nothrow_t, 0,
       (void *block, size_t alignment, const void *nothrow), (block, alignment, nothrow))
DELETE(DELETE_ARRAY, delete_array_sa, _ZdaPvmSt11align_val_t, event_given_word(size_bytes),
       (void *block, size_t size_bytes, size_t alignment), (block, size_bytes, alignment))
/* clang-format on */

HOOKS_CXX(HOOK_ALIAS)
