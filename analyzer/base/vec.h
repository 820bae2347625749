/*
 * vec.h - room in a growable array that its owner keeps as (items, count, capacity).
 */
#ifndef ALLOCAUDIT_VEC_H
#define ALLOCAUDIT_VEC_H

#include <stddef.h>

/*
 * Makes room for at least `count` items of item_bytes each: *items is reallocated, *capacity raised
 * by half or more. Use: r = vec_reserve((void **)&names, &capacity, count + 1, sizeof(*names));
 * Returns 0 or -ENOMEM (also when the size overflows), and then nothing has changed.
 */
int vec_reserve(void **items, size_t *capacity, size_t count, size_t item_bytes);

#endif
