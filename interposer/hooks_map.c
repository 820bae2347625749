/*
 * hooks_map.c - memory that the program takes from the kernel itself (`run --mmap`).
 *
 * glibc's own malloc calls these under internal names, so its heaps are not seen here, rightly.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdint.h>
#include <sys/mman.h>

#include "emit.h"
#include "hooks.h"
#include "real.h"
#include "route.h"

static bool is_recorded(void)
{
    return (process->flags & RING_RECORD_MMAP) != 0;
}

static size_t round_to_pages(size_t size_bytes)
{
    size_t page = page_bytes();
    return (size_bytes + page - 1) & ~(page - 1);
}

/* Fixed mappings replace what lies there, so they free and allocate at one moment. */
static void *map_held(const void *frame, void *hint, size_t size_bytes, int protection, int flags,
                      int fd, off_t offset)
{
    struct self *self = emit_hold(frame, true);
    void *block = real.mmap(hint, size_bytes, protection, flags, fd, offset);
    if (self != NULL) {
        if (block == MAP_FAILED) {
            emit_hold_failed(self, ALLOC_KIND_MMAP, size_bytes);
        } else {
            if ((flags & MAP_FIXED) != 0) {
                emit_hold_free_range(self, FREE_KIND_MUNMAP, block, round_to_pages(size_bytes));
            }
            emit_hold_alloc(self, ALLOC_KIND_MMAP, block, size_bytes, round_to_pages(size_bytes));
        }
        emit_release(self);
    }
    return block;
}

HOOK void *mmap(void *hint, size_t size_bytes, int protection, int flags, int fd, off_t offset)
{
    real_kernel_be_ready();
    if (!is_recorded()) {
        return real.mmap(hint, size_bytes, protection, flags, fd, offset);
    }
    return map_held(HOOK_FRAME, hint, size_bytes, protection, flags, fd, offset);
}

HOOK void *mmap64(void *hint, size_t size_bytes, int protection, int flags, int fd, off_t offset)
{
    real_kernel_be_ready();
    if (!is_recorded()) {
        return real.mmap(hint, size_bytes, protection, flags, fd, offset);
    }
    return map_held(HOOK_FRAME, hint, size_bytes, protection, flags, fd, offset);
}

HOOK int munmap(void *block, size_t size_bytes)
{
    real_kernel_be_ready();
    stack_forget_range(block, size_bytes);
    route_forget_range(block, size_bytes);
    if (!is_recorded()) {
        return real.munmap(block, size_bytes);
    }
    struct self *self = emit_hold(HOOK_FRAME, false);
    int result = real.munmap(block, size_bytes);
    if (self != NULL) {
        if (result == 0) {
            emit_hold_free_range(self, FREE_KIND_MUNMAP, block, round_to_pages(size_bytes));
        }
        emit_release(self);
    }
    return result;
}

HOOK void *mremap(void *old, size_t old_bytes, size_t new_bytes, int flags, ...)
{
    void *target = NULL;
    if ((flags & MREMAP_FIXED) != 0) {
        va_list arguments;
        va_start(arguments, flags);
        target = va_arg(arguments, void *);
        va_end(arguments);
    }
    real_kernel_be_ready();
    if (!is_recorded()) {
        return real.mremap(old, old_bytes, new_bytes, flags, target);
    }
    struct self *self = emit_hold(HOOK_FRAME, true);
    void *block = real.mremap(old, old_bytes, new_bytes, flags, target);
    if (self != NULL) {
        if (block == MAP_FAILED) {
            emit_hold_failed(self, ALLOC_KIND_MREMAP, new_bytes);
        } else {
            emit_hold_free_range(self, FREE_KIND_MREMAP, old, round_to_pages(old_bytes));
            emit_hold_alloc(self, ALLOC_KIND_MREMAP, block, new_bytes, round_to_pages(new_bytes));
        }
        emit_release(self);
    }
    return block;
}

static void note_break(struct self *self, char *before, char *after)
{
    if (after > before) {
        emit_hold_alloc(self, ALLOC_KIND_BRK, before, (size_t)(after - before),
                        (size_t)(after - before));
    } else if (after < before) {
        emit_hold_free_range(self, FREE_KIND_BRK, after, (size_t)(before - after));
    }
}

HOOK int brk(void *address)
{
    real_kernel_be_ready();
    if (!is_recorded()) {
        return real.brk(address);
    }
    struct self *self = emit_hold(HOOK_FRAME, true);
    char *before = real.sbrk(0);
    int result = real.brk(address);
    if (self != NULL) {
        if (result == 0) {
            note_break(self, before, address);
        }
        emit_release(self);
    }
    return result;
}

HOOK void *sbrk(intptr_t increment)
{
    real_kernel_be_ready();
    if (!is_recorded() || increment == 0) {
        return real.sbrk(increment);
    }
    struct self *self = emit_hold(HOOK_FRAME, true);
    char *before = real.sbrk(increment);
    if (self != NULL) {
        if (before != (void *)-1) {
            note_break(self, before, before + increment);
        }
        emit_release(self);
    }
    return before;
}

HOOKS_MAP(HOOK_ALIAS)
