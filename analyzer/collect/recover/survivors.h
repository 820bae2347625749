/*
 * survivors.h - the live blocks of a killed collector.
 *
 * A kill comes between two stores. Blocks are in the live set or have a row; the last one may be in
 * both.
 */
#ifndef ALLOCAUDIT_SURVIVORS_H
#define ALLOCAUDIT_SURVIVORS_H

#include <sqlite3.h>
#include <stdint.h>

#include "../../base/err.h"
#include "remains.h"
#include "replay.h"

struct survivors {
    const struct remains *remains;
    const struct replay *replay;
    struct drain *drain;
    sqlite3 *database;
    uint64_t row_count;
    /* The last row. */
    uint64_t last_address;
    uint64_t last_born_ns;
    uint64_t last_died_ns; /* BLOCK_ROW_LIVE: it never did */
    uint64_t last_thread_id;
    uint64_t last_by_id;
    uint64_t missing_count; /* live tables that could not be read */
};

/* Fills the live sets. Before figures are counted. Returns 0, -ENOMEM or -EIO. */
int survivors_load(struct survivors *survivors, struct err *err);

/*
 * The row of the block at `address` that was freed at died_ns, one of the last: its id, and what is
 * known of it. 0: there is none, and *out_block is untouched.
 */
uint64_t survivors_find_freed(const struct survivors *survivors, uint64_t address, uint64_t died_ns,
                              struct block *out_block);

#endif
