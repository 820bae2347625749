/*
 * size_classes.h - block sizes in rising order, and the class that a request belongs to.
 */
#ifndef ALLOCAUDIT_POLICY_SIZE_CLASSES_H
#define ALLOCAUDIT_POLICY_SIZE_CLASSES_H

#include <stddef.h>
#include <stdint.h>

#include "settings.h"

enum {
    SIZE_CLASSES_MAX = POLICY_SIZES_MAX,
    SIZE_CLASS_NONE = 255,
    SIZE_STEP_BITS = 4,
    SIZE_TABLE = (1 << 13 >> SIZE_STEP_BITS) + 1, /* looked up to 8 KiB, searched beyond */
};

struct size_classes {
    uint32_t count;
    uint32_t max_bytes;
    uint32_t sizes[SIZE_CLASSES_MAX];
    uint8_t by_size[SIZE_TABLE]; /* by (size + 15) / 16 */
};

/* From the settings, or, where they name none, 16 to 128 by 16 and then four a doubling. */
void size_classes_init(struct size_classes *classes, const struct policy_settings *settings,
                       uint64_t max_bytes);

unsigned size_classes_find_slowly(const struct size_classes *classes, size_t size_bytes,
                                  size_t alignment);

/* The smallest class with room for size_bytes, or SIZE_CLASS_NONE. */
static inline unsigned size_classes_find(const struct size_classes *classes, size_t size_bytes,
                                         size_t alignment)
{
    if (__builtin_expect(size_bytes > (SIZE_TABLE - 1) << SIZE_STEP_BITS || alignment > 16, 0)) {
        return size_classes_find_slowly(classes, size_bytes, alignment);
    }
    return classes->by_size[(size_bytes + 15) >> SIZE_STEP_BITS];
}

#endif
