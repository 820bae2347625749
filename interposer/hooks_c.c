/*
 * hooks_c.c - the C allocation functions as the program sees them.
 *
 * Each calls the next function in line and tells emit.h; nothing else is decided here.
 */
#include <errno.h>
#include <malloc.h>
#include <stdlib.h>
#include <string.h>

#include "emit.h"
#include "emit_notes.h"
#include "hooks.h"
#include "real.h"
#include "sample.h"
#include "usable.h"

/* Not in every libc's headers. */
void cfree(void *block);
void free_sized(void *block, size_t size_bytes);
void free_aligned_sized(void *block, size_t alignment, size_t size_bytes);

/* True if the real function may be called; false only while real_init() itself is at work. */
static inline bool is_resolved(void)
{
    if (__builtin_expect(real.malloc == NULL, 0)) {
        real_init();
        return real.malloc != NULL;
    }
    return true;
}

static void *fail(int code)
{
    errno = code;
    return NULL;
}

static SLOW void *malloc_slowly(size_t size_bytes, const void *frame)
{
    if (!is_resolved()) {
        return bootstrap_alloc(size_bytes, 0);
    }
    if (!sample_takes(size_bytes, frame)) {
        return real.malloc(size_bytes);
    }
    uint64_t started = emit_timer();
    void *block = real.malloc(size_bytes);
    emit_alloc(ALLOC_KIND_MALLOC, block, size_bytes, 0, started, frame);
    return block;
}

static RECORDED void *malloc_recorded(size_t size_bytes)
{
    struct self *self = emit_begin_plain();
    if (__builtin_expect(self == NULL, 0)) {
        return malloc_slowly(size_bytes, HOOK_FRAME);
    }
    void *block = real.malloc(size_bytes);
    if (__builtin_expect(!emit_alloc_plain(self, ALLOC_KIND_MALLOC, block, size_bytes, HOOK_FRAME),
                         0)) {
        emit_alloc(ALLOC_KIND_MALLOC, block, size_bytes, 0, 0, HOOK_FRAME);
    }
    return block;
}

HOOK void *malloc(size_t size_bytes)
{
    return sample_passes(size_bytes) ? real.malloc(size_bytes) : malloc_recorded(size_bytes);
}

/* What C demands of an alignment; the C library rounds it up, or refuses. */
static void check_alignment(enum alloc_kind kind, size_t alignment, const void *frame)
{
    bool is_good = alignment != 0 && (alignment & (alignment - 1)) == 0;
    bool is_posix = kind == ALLOC_KIND_POSIX_MEMALIGN;
    if (__builtin_expect(!is_good || (is_posix && alignment < sizeof(void *)), 0)) {
        emit_fault(FAULT_BAD_ALIGNMENT, kind, alignment, frame);
    }
}

static SLOW void *calloc_slowly(size_t count, size_t size_bytes, const void *frame)
{
    size_t total_bytes;
    bool overflows = __builtin_mul_overflow(count, size_bytes, &total_bytes);
    if (!is_resolved()) {
        return overflows ? NULL : bootstrap_alloc(total_bytes, 0); /* static memory is zero */
    }
    if (!sample_takes(overflows ? SIZE_MAX : total_bytes, frame)) {
        return real.calloc(count, size_bytes);
    }
    uint64_t started = emit_timer();
    void *block = real.calloc(count, size_bytes);
    emit_alloc(ALLOC_KIND_CALLOC, block, overflows ? SIZE_MAX : total_bytes, 0, started, frame);
    return block;
}

static RECORDED void *calloc_recorded(size_t count, size_t size_bytes)
{
    struct self *self = emit_begin_plain();
    if (__builtin_expect(self == NULL, 0)) {
        return calloc_slowly(count, size_bytes, HOOK_FRAME);
    }
    void *block = real.calloc(count, size_bytes);
    size_t total_bytes;
    bool overflows = __builtin_mul_overflow(count, size_bytes, &total_bytes);
    total_bytes = overflows ? SIZE_MAX : total_bytes;
    if (__builtin_expect(!emit_alloc_plain(self, ALLOC_KIND_CALLOC, block, total_bytes, HOOK_FRAME),
                         0)) {
        emit_alloc(ALLOC_KIND_CALLOC, block, total_bytes, 0, 0, HOOK_FRAME);
    }
    return block;
}

HOOK void *calloc(size_t count, size_t size_bytes)
{
    size_t total_bytes;
    if (!__builtin_mul_overflow(count, size_bytes, &total_bytes) && sample_passes(total_bytes)) {
        return real.calloc(count, size_bytes);
    }
    return calloc_recorded(count, size_bytes);
}

static void *realloc_bootstrap(void *old, size_t size_bytes)
{
    void *block = malloc(size_bytes);
    if (block != NULL) {
        size_t old_bytes = bootstrap_size(old);
        memcpy(block, old, old_bytes < size_bytes ? old_bytes : size_bytes);
    }
    return block;
}

/* `frame` is the hook's: the call may not fit how the block was made. */
static void *realloc_held(struct self *self, enum alloc_kind kind, void *old, size_t size_bytes,
                          const void *frame)
{
    bool is_misfit = made_is_misfit(made_take(old), old, FREE_KIND_REALLOC, 0);
    void *block = real.realloc(old, size_bytes);
    if (block != NULL) {
        emit_hold_free(self, FREE_KIND_REALLOC, old);
        emit_hold_alloc(self, kind, block, size_bytes, usable_size(block, size_bytes));
    } else if (size_bytes == 0) {
        emit_hold_free(self, FREE_KIND_REALLOC, old);
    } else {
        emit_hold_failed(self, kind, size_bytes);
    }
    emit_release(self);
    if (__builtin_expect(is_misfit, 0)) {
        emit_fault(FAULT_MISMATCHED_FREE, FREE_KIND_REALLOC, (uintptr_t)old, frame);
    }
    return block;
}

static RECORDED void *realloc_recorded(void *old, size_t size_bytes)
{
    if (bootstrap_owns(old)) {
        return realloc_bootstrap(old, size_bytes);
    }
    if (!is_resolved()) {
        return bootstrap_alloc(size_bytes, 0);
    }
    if (!sample_is_mode(SAMPLE_ALL)) {
        return sample_realloc(ALLOC_KIND_REALLOC, old, size_bytes, HOOK_FRAME);
    }
    if (old == NULL) {
        uint64_t started = emit_timer();
        void *block = real.realloc(NULL, size_bytes);
        emit_alloc(ALLOC_KIND_REALLOC, block, size_bytes, 0, started, HOOK_FRAME);
        return block;
    }
    if (suspect_is_any(old)) {
        emit_fault(FAULT_SUSPECT_FREE, FREE_KIND_REALLOC, (uintptr_t)old, HOOK_FRAME);
    }
    struct self *self = emit_hold(HOOK_FRAME, true);
    if (self == NULL) {
        return real.realloc(old, size_bytes);
    }
    return realloc_held(self, ALLOC_KIND_REALLOC, old, size_bytes, HOOK_FRAME);
}

HOOK void *realloc(void *old, size_t size_bytes)
{
    return sample_passes_realloc(old, size_bytes) ? real.realloc(old, size_bytes)
                                                  : realloc_recorded(old, size_bytes);
}

/* glibc's reallocarray calls the exported realloc, so it is done here in one step. */
HOOK void *reallocarray(void *old, size_t count, size_t size_bytes)
{
    size_t total_bytes;
    if (__builtin_mul_overflow(count, size_bytes, &total_bytes)) {
        emit_alloc(ALLOC_KIND_REALLOCARRAY, NULL, SIZE_MAX, 0, 0, HOOK_FRAME);
        return fail(ENOMEM);
    }
    if (bootstrap_owns(old)) {
        return realloc_bootstrap(old, total_bytes);
    }
    if (!is_resolved()) {
        return bootstrap_alloc(total_bytes, 0);
    }
    if (!sample_is_mode(SAMPLE_ALL)) {
        return sample_realloc(ALLOC_KIND_REALLOCARRAY, old, total_bytes, HOOK_FRAME);
    }
    if (old == NULL) {
        void *block = real.realloc(NULL, total_bytes);
        emit_alloc(ALLOC_KIND_REALLOCARRAY, block, total_bytes, 0, 0, HOOK_FRAME);
        return block;
    }
    if (suspect_is_any(old)) {
        emit_fault(FAULT_SUSPECT_FREE, FREE_KIND_REALLOC, (uintptr_t)old, HOOK_FRAME);
    }
    struct self *self = emit_hold(HOOK_FRAME, true);
    if (self == NULL) {
        return real.realloc(old, total_bytes);
    }
    return realloc_held(self, ALLOC_KIND_REALLOCARRAY, old, total_bytes, HOOK_FRAME);
}

static SLOW void free_suspect(enum fault_kind fault, void *block, const void *frame)
{
    emit_fault(fault, FREE_KIND_FREE, (uintptr_t)block, frame);
    real.free(block);
}

/* The real free, of a block whose free is recorded. */
static inline void free_really(void *block)
{
    if (__builtin_expect(suspect_marks.free_secret == SUSPECT_TO_LEARN, 0)) {
        suspect_learn(block);
    } else {
        real.free(block);
    }
}

static SLOW void free_slowly(void *block, const void *frame)
{
    if (block == NULL || bootstrap_owns(block) || !is_resolved()) {
        return;
    }
    if (sample_skips_free(block) || emit_free_is_expected(block)) {
        free_really(block);
        return;
    }
    bool is_timed = emit_free(FREE_KIND_FREE, block, 0, frame);
    emit_look_at(FREE_KIND_FREE, block, 0, frame);
    uint64_t started = emit_free_clock(is_timed);
    free_really(block);
    if (__builtin_expect(started != 0, 0)) {
        emit_free_time(block, started, frame);
    }
}

static RECORDED void free_recorded(void *block)
{
    struct self *self = emit_begin_plain();
    if (__builtin_expect(self == NULL || block == NULL || bootstrap_owns(block), 0) ||
        __builtin_expect(!emit_free_plain(self, FREE_KIND_FREE, block, 0, HOOK_FRAME), 0)) {
        free_slowly(block, HOOK_FRAME);
        return;
    }
    if (suspect_is(block)) {
        free_suspect(FAULT_SUSPECT_FREE, block, HOOK_FRAME);
        return;
    }
    if (__builtin_expect(made_is_on(), 0) &&
        made_is_misfit(made_take(block), block, FREE_KIND_FREE, 0)) {
        free_suspect(FAULT_MISMATCHED_FREE, block, HOOK_FRAME);
        return;
    }
    free_really(block);
}

HOOK void free(void *block)
{
    if (sample_passes_free(block)) {
        real.free(block);
    } else {
        free_recorded(block);
    }
}

static void free_as(enum free_kind kind, void *block, uint64_t given_word, const void *frame)
{
    if (block == NULL || bootstrap_owns(block) || !is_resolved()) {
        return;
    }
    if (sample_skips_free(block)) {
        real.free(block);
        return;
    }
    bool is_timed = emit_free(kind, block, given_word, frame);
    emit_look_at(kind, block, given_word, frame);
    uint64_t started = emit_free_clock(is_timed);
    real.free(block);
    if (started != 0) {
        emit_free_time(block, started, frame);
    }
}

HOOK void cfree(void *block)
{
    free_as(FREE_KIND_CFREE, block, 0, HOOK_FRAME);
}

HOOK void free_sized(void *block, size_t size_bytes)
{
    free_as(FREE_KIND_FREE_SIZED, block, event_given_word(size_bytes), HOOK_FRAME);
}

HOOK void free_aligned_sized(void *block, size_t alignment, size_t size_bytes)
{
    (void)alignment;
    free_as(FREE_KIND_FREE_ALIGNED_SIZED, block, event_given_word(size_bytes), HOOK_FRAME);
}

HOOK void *memalign(size_t alignment, size_t size_bytes)
{
    if (!is_resolved() || real.memalign == NULL) {
        return bootstrap_alloc(size_bytes, alignment);
    }
    check_alignment(ALLOC_KIND_MEMALIGN, alignment, HOOK_FRAME);
    if (!sample_takes(size_bytes, HOOK_FRAME)) {
        return real.memalign(alignment, size_bytes);
    }
    uint64_t started = emit_timer();
    void *block = real.memalign(alignment, size_bytes);
    emit_alloc(ALLOC_KIND_MEMALIGN, block, size_bytes, alignment, started, HOOK_FRAME);
    return block;
}

HOOK void *aligned_alloc(size_t alignment, size_t size_bytes)
{
    if (!is_resolved() || real.aligned_alloc == NULL) {
        return bootstrap_alloc(size_bytes, alignment);
    }
    check_alignment(ALLOC_KIND_ALIGNED_ALLOC, alignment, HOOK_FRAME);
    if (!sample_takes(size_bytes, HOOK_FRAME)) {
        return real.aligned_alloc(alignment, size_bytes);
    }
    uint64_t started = emit_timer();
    void *block = real.aligned_alloc(alignment, size_bytes);
    emit_alloc(ALLOC_KIND_ALIGNED_ALLOC, block, size_bytes, alignment, started, HOOK_FRAME);
    return block;
}

HOOK int posix_memalign(void **out_block, size_t alignment, size_t size_bytes)
{
    if (!is_resolved() || real.posix_memalign == NULL) {
        *out_block = bootstrap_alloc(size_bytes, alignment);
        return *out_block != NULL ? 0 : ENOMEM;
    }
    check_alignment(ALLOC_KIND_POSIX_MEMALIGN, alignment, HOOK_FRAME);
    if (!sample_takes(size_bytes, HOOK_FRAME)) {
        return real.posix_memalign(out_block, alignment, size_bytes);
    }
    uint64_t started = emit_timer();
    int result = real.posix_memalign(out_block, alignment, size_bytes);
    if (result == 0 || result == ENOMEM) {
        emit_alloc(ALLOC_KIND_POSIX_MEMALIGN, result == 0 ? *out_block : NULL, size_bytes,
                   alignment, started, HOOK_FRAME);
    }
    return result;
}

HOOK void *valloc(size_t size_bytes)
{
    if (!is_resolved() || real.valloc == NULL) {
        return fail(ENOMEM);
    }
    if (!sample_takes(size_bytes, HOOK_FRAME)) {
        return real.valloc(size_bytes);
    }
    uint64_t started = emit_timer();
    void *block = real.valloc(size_bytes);
    emit_alloc(ALLOC_KIND_VALLOC, block, size_bytes, page_bytes(), started, HOOK_FRAME);
    return block;
}

HOOK void *pvalloc(size_t size_bytes)
{
    if (!is_resolved() || real.pvalloc == NULL) {
        return fail(ENOMEM);
    }
    if (!sample_takes(size_bytes, HOOK_FRAME)) {
        return real.pvalloc(size_bytes);
    }
    uint64_t started = emit_timer();
    void *block = real.pvalloc(size_bytes);
    emit_alloc(ALLOC_KIND_PVALLOC, block, size_bytes, page_bytes(), started, HOOK_FRAME);
    return block;
}

HOOK size_t malloc_usable_size(void *block)
{
    if (block == NULL || !is_resolved()) {
        return 0;
    }
    return bootstrap_owns(block) ? bootstrap_size(block) : real.malloc_usable_size(block);
}

HOOKS_C(HOOK_ALIAS)
