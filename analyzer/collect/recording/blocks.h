/*
 * blocks.h - birth and death of one subject's blocks, whatever the order in which they are told.
 */
#ifndef ALLOCAUDIT_BLOCKS_H
#define ALLOCAUDIT_BLOCKS_H

#include <stdbool.h>
#include <stdint.h>

#include "../../base/err.h"
#include "subject.h"

/*
 * A block was born at `address`: `slot`, which live_reserve() gave, holds all else. If the address
 * is still taken, the free that must have come before is probably on its way in another lane
 * (stamps of two processors differ by a little): the block is parked until it arrives, or until it
 * is plain that it never will. Returns 0, -ENOMEM or the errno of a write.
 */
int blocks_add(struct subject *subject, struct block *slot, uint64_t address, bool is_timed,
               uint64_t duration_ns, struct err *err);

/*
 * The block at `address` was freed by thread `by` (an index). *out_block, if not NULL, is what it
 * was, with address 0 if there was none; *out_id its row. Returns as blocks_add().
 */
int blocks_free(struct subject *subject, uint64_t address, enum free_kind kind, uint32_t by,
                struct death *death, struct block *out_block, uint64_t *out_id, struct err *err);

/* Settles what is parked for longer than a free can be late. Cheap when nothing is parked. */
int blocks_settle(struct subject *subject, uint64_t now_ns, struct err *err);

/* Writes the rows of all live blocks, in the order of their birth, and counts them as leaked. */
int blocks_write_live(struct subject *subject, struct err *err);

#endif
