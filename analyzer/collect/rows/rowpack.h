/*
 * rowpack.h - appends rows of the table `block` as ready-made SQLite b-tree pages.
 *
 * Inserting through SQLite costs about 330 ns a row, which is more than recording it. Rowids only
 * go up here, so the table's b-tree is a plain sequence of full leaf pages with interior pages
 * above. Pages follow the documented file format (https://www.sqlite.org/fileformat2.html), 64 KiB
 * each. Leaves are written behind the last page that SQLite knows of; rowpack_seal() then builds
 * the interior pages, puts the root where the (empty) table has it and updates the file header.
 * Until then the file is a valid database without the rows; after it, one with them.
 *
 * Single thread. SQLite must have the file closed from rowpack_create() to rowpack_seal().
 */
#ifndef ALLOCAUDIT_ROWPACK_H
#define ALLOCAUDIT_ROWPACK_H

#include <stdbool.h>
#include <stdint.h>

#include "../../base/err.h"

#define ROWPACK_KEPT_FILE "rows" /* in the session directory */

struct rowpack;

/* One row of `block`; see schema.sql. A value that is NULL there is the constant given here. */
struct block_row {
    uint64_t born_ns;
    uint64_t lifetime_ns; /* BLOCK_ROW_LIVE: still live */
    uint64_t size_bytes;
    uint64_t slack_bytes;    /* 0: what the context says */
    uint64_t realloc_of_id;  /* 0: none */
    uint32_t address_offset; /* below 2^31 */
    uint32_t context_id;
    uint32_t alignment; /* 0: none */
    uint32_t weight;    /* 0: none */
    uint8_t leak_kind;  /* enum leak_kind; 0: none */
};

#define BLOCK_ROW_LIVE UINT64_MAX

/*
 * Starts appending to the empty table whose root page is root_page (sqlite_schema.rootpage) of the
 * database open in fd (read and write; the caller's, and must outlive the object).
 * Returns 0 and *out_pack is the caller's; or -EINVAL where the file is no database of
 * DATABASE_PAGE_BYTES pages or the table is not empty; or the negative errno of a failed read.
 */
int rowpack_create(int fd, uint32_t root_page, struct rowpack **out_pack, struct err *err);

/*
 * Appends one row and gives its id (1, 2, 3 ...) in *out_id. A page is written when it is full.
 * Returns 0, or the negative errno of a failed write (-ENOSPC: the disk is full). After a failure
 * the object still holds the rows of the unwritten page, and the call may be tried again.
 */
int rowpack_append(struct rowpack *pack, const struct block_row *row, uint64_t *out_id,
                   struct err *err);

/*
 * From now on the leaf that is being filled lies in the file `fd` (empty; it may be closed after
 * the call), so that it outlives the process: see rowpack_recover(). Call before the first row.
 * Returns 0 or a negative errno, and then nothing has changed.
 */
int rowpack_keep_leaf(struct rowpack *pack, int fd, struct err *err);

uint64_t rowpack_row_count(const struct rowpack *pack);

/* Writes the last leaf and everything above; nothing may be appended afterwards. */
int rowpack_seal(struct rowpack *pack, struct err *err);

/*
 * Recovers a file whose writer died: finds the leaves that were written behind the last page SQLite
 * knows of, ignoring a torn last one, and seals them. *out_row_count rows are then in the table.
 * kept_fd: the file given to rowpack_keep_leaf(), whose rows are then among them; -1: there is
 * none.
 */
int rowpack_recover_kept(int fd, uint32_t root_page, int kept_fd, uint64_t *out_row_count,
                         struct err *err);
int rowpack_recover(int fd, uint32_t root_page, uint64_t *out_row_count, struct err *err);

/* NULL is fine. Does not seal. */
void rowpack_destroy(struct rowpack *pack);

#endif
