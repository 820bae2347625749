#include "usable.h"

#include "real.h"

size_t usable_size(void *block, size_t size_bytes)
{
    if (real.malloc_usable_size == NULL) {
        return size_bytes;
    }
    size_t usable_bytes = real.malloc_usable_size(block);
    return usable_bytes < size_bytes ? size_bytes : usable_bytes;
}
