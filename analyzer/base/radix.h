/*
 * radix.h - sorts pairs by an unsigned key, in time linear in their number.
 */
#ifndef ALLOCAUDIT_RADIX_H
#define ALLOCAUDIT_RADIX_H

#include <stddef.h>
#include <stdint.h>

struct radix_pair {
    uint64_t key;
    uint64_t value;
};

/*
 * Sorts `pairs` by key, equal keys in the order in which they stand. Pairs in order already cost
 * one look at each. Returns 0 or -ENOMEM (room for as many pairs again), and then nothing has
 * changed.
 */
int radix_sort(struct radix_pair *pairs, size_t count);

#endif
