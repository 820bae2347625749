/*
 * ledger.h - what a birth or a death of a block changes: figures, live set and rows, kept in step.
 *
 * Events come here in their true order; blocks.h sees to that.
 */
#ifndef ALLOCAUDIT_LEDGER_H
#define ALLOCAUDIT_LEDGER_H

#include <stdbool.h>
#include <stdint.h>

#include "../../base/err.h"
#include "subject.h"

/*
 * The figures of a birth and of a death alone, without the live set and the row. A death's
 * is_remote and own_allocations are filled in, and died_ns is raised to the birth. Return 0 or
 * -ENOMEM.
 */
int ledger_count_birth(struct subject *subject, const struct block *block, bool is_timed,
                       uint64_t duration_ns);
int ledger_count_death(struct subject *subject, const struct block *block, uint32_t by,
                       struct death *death);

/* The kind that the scan at the end of its process gave a live block. */
enum leak_kind ledger_leak_kind(const struct subject *subject, const struct block *block);

/* Writes the row. `by` (an index) freed the block; of one that lives, lifetime_ns is
 * BLOCK_ROW_LIVE. Returns 0, -ENOMEM or the errno of a write; *out_id is the row. */
int ledger_write(struct subject *subject, const struct block *block, uint64_t lifetime_ns,
                 enum free_kind kind, uint32_t by, uint64_t *out_id, struct err *err);

/* Counts the death and writes the row. Returns as ledger_write(). */
int ledger_bury(struct subject *subject, const struct block *block, enum free_kind kind,
                uint32_t by, struct death *death, uint64_t *out_id, struct err *err);

/* Counts the birth, and takes the block into the live set. Returns 0 or -ENOMEM. */
int ledger_insert(struct subject *subject, const struct block *block, bool is_timed,
                  uint64_t duration_ns);

/* Where the last free of this address, or of another one, is remembered. */
struct recent_free *ledger_recent_free(struct subject *subject, uint64_t address);

/*
 * Takes the block at `entry` out of the live set and buries it, unless it was the recorder's own.
 * *out_block, if not NULL, is what it was. Returns as ledger_write(). The second looks the entry
 * up.
 */
int ledger_end(struct subject *subject, uint64_t *entry, struct block *live_block,
               enum free_kind kind, uint32_t by, struct death *death, struct block *out_block,
               uint64_t *out_id, struct err *err);
int ledger_end_found(struct subject *subject, struct block *live_block, enum free_kind kind,
                     uint32_t by, struct death *death, struct block *out_block, uint64_t *out_id,
                     struct err *err);

#endif
