/*
 * rowpack_limits.h - lets a test build deep b-trees out of few rows.
 */
#ifndef ALLOCAUDIT_ROWPACK_LIMITS_H
#define ALLOCAUDIT_ROWPACK_LIMITS_H

#include <stdint.h>

#include "rowpack.h"

/* Gives an interior page at most children_max (3 or more) children; 0: what fits, the default. */
void rowpack_limit_children(struct rowpack *pack, uint32_t children_max);

#endif
