#include "size_classes.h"

#include <stdbool.h>
#include <string.h>

#include "power_of_two.h"

static void add_size(struct size_classes *classes, uint32_t size_bytes)
{
    classes->sizes[classes->count++] = size_bytes;
}

static void add_usual_sizes(struct size_classes *classes, uint64_t max_bytes)
{
    uint32_t step = 16;
    for (uint32_t size = 16; size < max_bytes && classes->count < SIZE_CLASSES_MAX - 1;
         size += step) {
        add_size(classes, size);
        if (size >= 128 && is_power_of_two(size)) {
            step = size / 4;
        }
    }
    add_size(classes, (uint32_t)((max_bytes + 15) & ~UINT64_C(15)));
}

void size_classes_init(struct size_classes *classes, const struct policy_settings *settings,
                       uint64_t max_bytes)
{
    memset(classes, 0, sizeof(*classes));
    for (uint32_t i = 0; i < settings->size_count && settings->sizes[i] <= max_bytes; i++) {
        add_size(classes, settings->sizes[i]);
    }
    if (classes->count == 0) {
        add_usual_sizes(classes, max_bytes);
    }
    classes->max_bytes = classes->sizes[classes->count - 1];
    for (size_t at = 0, found = 0; at < SIZE_TABLE; at++) {
        while (found < classes->count && classes->sizes[found] < at << SIZE_STEP_BITS) {
            found++;
        }
        classes->by_size[at] = found < classes->count ? (uint8_t)found : SIZE_CLASS_NONE;
    }
}

unsigned size_classes_find_slowly(const struct size_classes *classes, size_t size_bytes,
                                  size_t alignment)
{
    for (unsigned i = 0; i < classes->count; i++) {
        bool is_aligned = alignment <= 16 || classes->sizes[i] % alignment == 0;
        if (classes->sizes[i] >= size_bytes && is_aligned) {
            return i;
        }
    }
    return SIZE_CLASS_NONE;
}
