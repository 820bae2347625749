/*
 * pairs.h - what a pair of an allocation and a free costs on this machine, on whatever allocator
 * this process has.
 */
#ifndef ALLOCAUDIT_PAIRS_H
#define ALLOCAUDIT_PAIRS_H

#include <stdbool.h>
#include <stddef.h>

/*
 * The median over slices of a pair: a new block in place of the oldest of 256, its first byte
 * written; in ps. is_list: not of malloc, but of a list of free blocks that is part of the loop, as
 * a pool in the program could be at best. Not a number if malloc gave nothing.
 */
double pairs_measure_ps(size_t size_bytes, bool is_list);

#endif
