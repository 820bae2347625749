#include "tally.h"

unsigned tally_size_class(uint64_t size_bytes)
{
    if (size_bytes < TALLY_EXACT_SIZES) {
        return (unsigned)size_bytes;
    }
    /* 1024 is exact, so the classes start above it: (1024, 1152], (1152, 1280] ... */
    uint64_t below = size_bytes - 1;
    unsigned log2 = 63u - (unsigned)__builtin_clzll(below);
    return TALLY_EXACT_SIZES + (log2 - 10) * 8 + (unsigned)((below >> (log2 - 3)) & 7);
}

void tally_size_range(unsigned size_class, uint64_t *out_min_bytes, uint64_t *out_max_bytes)
{
    if (size_class < TALLY_EXACT_SIZES) {
        *out_min_bytes = size_class;
        *out_max_bytes = size_class;
        return;
    }
    unsigned log2 = (size_class - TALLY_EXACT_SIZES) / 8 + 10;
    uint64_t step = UINT64_C(1) << (log2 - 3);
    uint64_t below = (UINT64_C(1) << log2) + step * ((size_class - TALLY_EXACT_SIZES) % 8);
    *out_min_bytes = below + 1;
    *out_max_bytes = size_class + 1 == TALLY_SIZE_CLASSES ? UINT64_MAX : below + step;
}
