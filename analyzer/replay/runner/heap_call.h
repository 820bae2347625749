/*
 * heap_call.h - a record of the script as a call of malloc and its kin, as this process has them.
 */
#ifndef ALLOCAUDIT_HEAP_CALL_H
#define ALLOCAUDIT_HEAP_CALL_H

#include <stdlib.h>

#include "../script.h"

static inline void *heap_call_aligned(size_t size_bytes, unsigned alignment_log2)
{
    void *block = NULL;
    size_t alignment = (size_t)1 << alignment_log2;
    if (alignment < sizeof(void *)) {
        return malloc(size_bytes);
    }
    return posix_memalign(&block, alignment, size_bytes) == 0 ? block : NULL;
}

/* What the call gives; NULL of a free. `old` is the block that goes. */
static inline __attribute__((always_inline)) void *heap_call(const struct script_record *record,
                                                             void *old)
{
    switch ((enum script_code)record->code) {
    case SCRIPT_MALLOC:
        return malloc(record->value);
    case SCRIPT_CALLOC:
        return calloc(1, record->value);
    case SCRIPT_ALIGNED:
        return heap_call_aligned(record->value, record->alignment_log2);
    case SCRIPT_REALLOC:
        return realloc(old, record->value);
    default:
        free(old);
        return NULL;
    }
}

#endif
