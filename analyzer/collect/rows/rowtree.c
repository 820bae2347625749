#include "rowtree.h"

#include <errno.h>
#include <stdlib.h>

#include "rowpage.h"

enum {
    DEPTH_MAX = 20, /* SQLite's own limit */
};

/* Where the next interior page goes, and what it is made in. */
struct page_writer {
    const struct rowfile *file;
    uint32_t next_page;
    uint32_t last_page;
    unsigned char bytes[DATABASE_PAGE_BYTES];
};

static int write_interior(struct page_writer *writer, uint32_t page,
                          const struct rowtree_node *children, size_t child_count, struct err *err)
{
    struct rowpage interior;
    rowpage_init_interior(&interior, writer->bytes);
    for (size_t i = 0; i + 1 < child_count; i++) {
        rowpage_add_child(&interior, children[i].page, children[i].last_rowid);
    }
    rowpage_finish_interior(&interior, children[child_count - 1].page);
    return rowfile_write_page(writer->file, page, writer->bytes, err);
}

/* Spreads the children evenly, so that no page is left with one. */
static int write_level(struct page_writer *writer, const struct rowtree_node *children,
                       size_t child_count, struct rowtree_node *parents, size_t parent_count,
                       struct err *err)
{
    for (size_t i = 0; i < parent_count; i++) {
        size_t share = child_count / parent_count + (i < child_count % parent_count);
        int r = write_interior(writer, writer->next_page, children, share, err);
        if (r < 0) {
            return r;
        }

        parents[i].page = writer->next_page;
        parents[i].last_rowid = children[share - 1].last_rowid;
        children += share;
        writer->last_page = writer->next_page;
        writer->next_page = rowfile_next_page(writer->next_page);
    }
    return 0;
}

static int write_levels(struct page_writer *writer, const struct rowtree *tree, struct err *err)
{
    size_t children_max = tree->children_max;
    if (children_max == 0) {
        children_max = rowpage_children_max(tree->leaves[tree->leaf_count - 1].last_rowid);
    }
    const struct rowtree_node *children = tree->leaves;
    size_t child_count = tree->leaf_count;
    struct rowtree_node *level = NULL;
    int r = 0;
    while (child_count > children_max) {
        size_t parent_count = (child_count + children_max - 1) / children_max;
        struct rowtree_node *parents = calloc(parent_count, sizeof(*parents));
        if (parents == NULL) {
            r = err_set(err, ENOMEM, "no memory for %zu b-tree nodes", parent_count);
            goto out;
        }
        r = write_level(writer, children, child_count, parents, parent_count, err);
        free(level);
        level = parents;
        children = parents;
        child_count = parent_count;
        if (r < 0) {
            goto out;
        }
    }
    r = write_interior(writer, tree->root_page, children, child_count, err);

out:
    free(level);
    return r;
}

/* The leaf stays where it is, too, until the caller cuts it off: the copy may be torn by a kill. */
static int copy_leaf(struct page_writer *writer, const struct rowtree *tree, struct err *err)
{
    int r = rowfile_read_page(writer->file, tree->leaves[0].page, writer->bytes, err);
    if (r < 0) {
        return r;
    }
    writer->last_page = writer->file->page_count;
    return rowfile_write_page(writer->file, tree->root_page, writer->bytes, err);
}

int rowtree_write(const struct rowtree *tree, const struct rowfile *file, uint32_t first_page,
                  uint32_t *out_page_count, struct err *err)
{
    struct page_writer *writer = malloc(sizeof(*writer));
    if (writer == NULL) {
        return err_set(err, ENOMEM, "no memory for a database page");
    }
    writer->file = file;
    writer->next_page = first_page;
    writer->last_page = tree->leaves[tree->leaf_count - 1].page;

    int r = tree->leaf_count == 1 ? copy_leaf(writer, tree, err) : write_levels(writer, tree, err);
    if (r == 0) {
        *out_page_count = writer->last_page;
    }
    free(writer);
    return r;
}

int rowtree_last_rowid(const struct rowfile *file, uint32_t root_page, uint64_t *out_rowid,
                       struct err *err)
{
    unsigned char *bytes = malloc(DATABASE_PAGE_BYTES);
    if (bytes == NULL) {
        return err_set(err, ENOMEM, "no memory for a database page");
    }

    uint32_t page = root_page;
    int r = 1;
    for (int depth = 0; r > 0 && depth < DEPTH_MAX && page > 1 && page <= file->page_count;
         depth++) {
        r = rowfile_read_page(file, page, bytes, err);
        if (r == 0) {
            r = rowpage_find_last(bytes, &page, out_rowid);
        }
    }
    free(bytes);
    if (r > 0 || r == -EINVAL) {
        return err_set(err, EINVAL, "page %u is in no table's b-tree", page);
    }
    return r;
}
