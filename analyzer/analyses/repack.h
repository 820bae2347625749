/*
 * repack.h - lays out the blocks of a few sites anew, each site in an arena of its own, to see how
 * many pages it would then hold.
 *
 * An arena has slabs of one page per size class (16 bytes apart up to 1 KiB, then four to each
 * doubling), takes the lowest free slot, and gives pages back as soon as nothing is on them. Blocks
 * of more than half a page get pages of their own. Memory grows with the addresses that the sites'
 * blocks ever had. Single thread.
 */
#ifndef ALLOCAUDIT_REPACK_H
#define ALLOCAUDIT_REPACK_H

#include <stddef.h>
#include <stdint.h>

#include "../model/operations.h"

struct repack; /* opaque */

/* stack_ids: the sites. NULL: out of memory. */
struct repack *repack_create(const uint32_t *stack_ids, size_t count);

/* Lays out what is made and takes away what ended. Returns 0 or -ENOMEM. */
int repack_observe(struct repack *repack, const struct operation *operation);

/* Bytes of pages that site number i, as given to repack_create(), holds now. */
uint64_t repack_held_bytes(const struct repack *repack, size_t i);

/* NULL is fine. */
void repack_destroy(struct repack *repack);

#endif
