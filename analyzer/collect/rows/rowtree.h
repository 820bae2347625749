/*
 * rowtree.h - the interior pages above the leaves of a table b-tree.
 */
#ifndef ALLOCAUDIT_ROWTREE_H
#define ALLOCAUDIT_ROWTREE_H

#include <stddef.h>
#include <stdint.h>

#include "../../base/err.h"
#include "rowfile.h"

/* A page and the last rowid in it or below it. */
struct rowtree_node {
    uint64_t last_rowid;
    uint32_t page;
};

struct rowtree {
    const struct rowtree_node *leaves;
    size_t leaf_count; /* 1 or more */
    uint32_t root_page;
    uint32_t children_max; /* of a page; 0: what fits. At least 3. */
};

/*
 * Writes the interior pages to the page numbers from `first_page` on, and the root, last of all,
 * to root_page; a single leaf is copied there. *out_page_count is the number of the last page used.
 * After a failure the root is untouched, or torn by its own write, and the call may be repeated.
 */
int rowtree_write(const struct rowtree *tree, const struct rowfile *file, uint32_t first_page,
                  uint32_t *out_page_count, struct err *err);

/*
 * The last rowid of the table at root_page as SQLite left it, 0 if it has no rows.
 * Returns -EINVAL if the pages are no b-tree.
 */
int rowtree_last_rowid(const struct rowfile *file, uint32_t root_page, uint64_t *out_rowid,
                       struct err *err);

#endif
