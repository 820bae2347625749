/*
 * rowpage.h - one table b-tree page, leaf or interior, being filled in memory.
 *
 * header | cell pointers -> ... free ... <- cells |: pointers grow up, cells down, in rowid order.
 */
#ifndef ALLOCAUDIT_ROWPAGE_H
#define ALLOCAUDIT_ROWPAGE_H

#include <stdbool.h>
#include <stdint.h>

#include "../../../schema/database.h"
#include "rowpack.h"

struct rowpage {
    uint32_t pointers_end; /* where the next cell pointer goes */
    uint32_t cells_start;
    unsigned char *bytes; /* DATABASE_PAGE_BYTES of them, the caller's */
};

void rowpage_init_leaf(struct rowpage *page, unsigned char *bytes);
void rowpage_init_interior(struct rowpage *page, unsigned char *bytes);

/* Whether another row or child of any size fits. */
bool rowpage_has_room(const struct rowpage *page);

void rowpage_add_row(struct rowpage *page, uint64_t rowid, const struct block_row *row);

/* Adds a child whose rows have ids up to last_rowid. */
void rowpage_add_child(struct rowpage *page, uint32_t child_page, uint64_t last_rowid);

/* Goes on with a leaf of cell_count rows that was never completed. False: it cannot be one. */
bool rowpage_resume_leaf(struct rowpage *page, unsigned char *bytes, uint64_t cell_count);

/* Completes the header: the page can be written. The last child of an interior page comes here. */
void rowpage_finish_leaf(struct rowpage *page);
void rowpage_finish_interior(struct rowpage *page, uint32_t last_child_page);

/* How many children of rowids up to last_rowid fit into an interior page. */
uint32_t rowpage_children_max(uint64_t last_rowid);

/*
 * Returns the number of rows if `bytes` is a whole leaf of block rows with ids from first_rowid on,
 * else 0. For pages of which the write may have been cut short.
 */
uint32_t rowpage_check_leaf(const unsigned char *bytes, uint64_t first_rowid);

/* Whether `bytes` is a leaf without any row: the root of an empty table. */
bool rowpage_is_empty_leaf(const unsigned char *bytes);

/*
 * One step towards the last row of a table. Returns 1 and the last child's page where `bytes` is an
 * interior page, 0 and the last rowid (0: no rows) where it is a leaf, -EINVAL where it is neither.
 */
int rowpage_find_last(const unsigned char *bytes, uint32_t *out_child_page, uint64_t *out_rowid);

#endif
