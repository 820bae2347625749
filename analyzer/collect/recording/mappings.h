/*
 * mappings.h - birth and death of memory that a program maps itself: of ranges, which are unmapped
 * in parts, too.
 */
#ifndef ALLOCAUDIT_MAPPINGS_H
#define ALLOCAUDIT_MAPPINGS_H

#include <stdint.h>

#include "../../base/err.h"
#include "subject.h"

/* A mapping was made, or [address, address + bytes) unmapped: perhaps parts of some mappings. */
int mappings_add(struct subject *subject, const struct block *block, struct err *err);
int mappings_remove(struct subject *subject, uint64_t address, uint64_t bytes, enum free_kind kind,
                    uint32_t by, uint64_t died_ns, struct err *err);

#endif
