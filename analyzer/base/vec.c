#include "vec.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>

int vec_reserve(void **items, size_t *capacity, size_t count, size_t item_bytes)
{
    if (count <= *capacity) {
        return 0;
    }

    size_t wanted = *capacity + *capacity / 2;
    if (wanted < count) {
        wanted = count < 8 ? 8 : count;
    }
    if (wanted > SIZE_MAX / 2 / item_bytes) {
        return -ENOMEM;
    }

    void *moved = realloc(*items, wanted * item_bytes);
    if (moved == NULL) {
        return -ENOMEM;
    }

    *items = moved;
    *capacity = wanted;
    return 0;
}
