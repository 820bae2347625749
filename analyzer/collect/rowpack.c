#include "rowpack.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include "rowfile.h"
#include "rowpack_limits.h"
#include "rowpage.h"
#include "rowtree.h"

/*
 * One leaf is filled in memory and stays there until it is written, so that a failed write loses
 * nothing. Writing several at once was measured: the time goes into the kernel's page cache, not
 * into the calls, and a killed process would lose more.
 */
struct rowpack {
    struct rowpage leaf;
    uint64_t row_count;
    struct rowfile file;
    struct rowtree_node *leaves; /* the written ones */
    size_t leaf_count;
    size_t leaf_capacity;
    uint32_t root_page;
    uint32_t leaf_page; /* where the leaf that is being filled goes */
    uint32_t children_max;
    bool is_closed; /* nothing may be appended */
    bool is_sealed;
    unsigned char leaf_bytes[DATABASE_PAGE_BYTES];
};

static uint64_t written_row_count(const struct rowpack *pack)
{
    return pack->leaf_count == 0 ? 0 : pack->leaves[pack->leaf_count - 1].last_rowid;
}

static int reserve_leaf(struct rowpack *pack, struct err *err)
{
    if (pack->leaf_count < pack->leaf_capacity) {
        return 0;
    }
    size_t capacity = pack->leaf_capacity == 0 ? 64 : pack->leaf_capacity * 2;
    struct rowtree_node *leaves = realloc(pack->leaves, capacity * sizeof(*leaves));
    if (leaves == NULL) {
        return err_set(err, ENOMEM, "no memory for %zu b-tree nodes", capacity);
    }
    pack->leaves = leaves;
    pack->leaf_capacity = capacity;
    return 0;
}

/* Notes that the leaf at leaf_page is in the file, and turns to the next one. Needs a reserved
 * leaf. */
static void accept_leaf(struct rowpack *pack, uint64_t last_rowid)
{
    pack->leaves[pack->leaf_count].last_rowid = last_rowid;
    pack->leaves[pack->leaf_count].page = pack->leaf_page;
    pack->leaf_count++;
    pack->leaf_page = rowfile_next_page(pack->leaf_page);
}

static int write_leaf(struct rowpack *pack, struct err *err)
{
    int r = reserve_leaf(pack, err);
    if (r < 0) {
        return r;
    }
    rowpage_finish_leaf(&pack->leaf);
    r = rowfile_write_page(&pack->file, pack->leaf_page, pack->leaf_bytes, err);
    if (r < 0) {
        return r;
    }
    accept_leaf(pack, pack->row_count);
    rowpage_init_leaf(&pack->leaf, pack->leaf_bytes);
    return 0;
}

/* Makes an object without looking at what the table or the rest of the file hold. */
static int open_pack(int fd, uint32_t root_page, struct rowpack **out_pack, struct err *err)
{
    struct rowpack *pack = malloc(sizeof(*pack));
    if (pack == NULL) {
        return err_set(err, ENOMEM, "no memory for a database page");
    }
    *pack = (struct rowpack){.root_page = root_page};
    int r = rowfile_open(fd, &pack->file, err);
    if (r < 0) {
        rowpack_destroy(pack);
        return r;
    }
    if (root_page < 2 || root_page > pack->file.page_count) {
        rowpack_destroy(pack);
        return err_set(err, EINVAL, "database has no table at page %u", root_page);
    }

    pack->leaf_page = rowfile_next_page(pack->file.page_count);
    rowpage_init_leaf(&pack->leaf, pack->leaf_bytes);
    *out_pack = pack;
    return 0;
}

/*
 * Takes over the leaves that are in the file already, up to the first that is not whole. Leaves the
 * bytes of leaf_bytes in disorder.
 */
static int find_leaves(struct rowpack *pack, struct err *err)
{
    for (;;) {
        int r = rowfile_read_page(&pack->file, pack->leaf_page, pack->leaf_bytes, err);
        if (r == -ENODATA) {
            return 0;
        }
        if (r < 0) {
            return r;
        }
        uint32_t row_count = rowpage_check_leaf(pack->leaf_bytes, pack->row_count + 1);
        if (row_count == 0) {
            return 0;
        }
        r = reserve_leaf(pack, err);
        if (r < 0) {
            return r;
        }
        pack->row_count += row_count;
        accept_leaf(pack, pack->row_count);
    }
}

/* Refuses a table that has rows, be they sealed or not. */
static int check_is_empty(struct rowpack *pack, struct err *err)
{
    int r = rowfile_read_page(&pack->file, pack->root_page, pack->leaf_bytes, err);
    if (r < 0) {
        return r;
    }
    if (!rowpage_is_empty_leaf(pack->leaf_bytes)) {
        return err_set(err, EINVAL, "table at page %u is not empty", pack->root_page);
    }

    r = rowfile_read_page(&pack->file, pack->leaf_page, pack->leaf_bytes, err);
    if (r < 0 && r != -ENODATA) {
        return r;
    }
    if (r == 0 && rowpage_check_leaf(pack->leaf_bytes, 1) > 0) {
        return err_set(err, EINVAL, "table at page %u has rows to recover", pack->root_page);
    }
    return 0;
}

int rowpack_create(int fd, uint32_t root_page, struct rowpack **out_pack, struct err *err)
{
    struct rowpack *pack;
    int r = open_pack(fd, root_page, &pack, err);
    if (r < 0) {
        return r;
    }
    r = check_is_empty(pack, err);
    if (r == 0) {
        /* What lies there now must never pass for the continuation of our leaves. */
        r = rowfile_truncate(&pack->file, err);
    }
    if (r < 0) {
        rowpack_destroy(pack);
        return r;
    }
    rowpage_init_leaf(&pack->leaf, pack->leaf_bytes);
    *out_pack = pack;
    return 0;
}

int rowpack_append(struct rowpack *pack, const struct block_row *row, uint64_t *out_id,
                   struct err *err)
{
    if (__builtin_expect(!rowpage_has_room(&pack->leaf), 0)) {
        int r = write_leaf(pack, err);
        if (r < 0) {
            return r;
        }
    }
    assert(!pack->is_closed);
    uint64_t id = ++pack->row_count;
    rowpage_add_row(&pack->leaf, id, row);
    *out_id = id;
    return 0;
}

uint64_t rowpack_row_count(const struct rowpack *pack)
{
    return pack->row_count;
}

/*
 * The order matters to a process that is killed here: until the root is written the table is empty
 * and the leaves can be recovered; while the root leads to pages that the header does not count,
 * too.
 */
int rowpack_seal(struct rowpack *pack, struct err *err)
{
    pack->is_closed = true;
    if (pack->row_count > written_row_count(pack)) {
        int r = write_leaf(pack, err);
        if (r < 0) {
            return r;
        }
    }
    if (pack->is_sealed || pack->leaf_count == 0) {
        return 0;
    }

    const struct rowtree tree = {.leaves = pack->leaves,
                                 .leaf_count = pack->leaf_count,
                                 .root_page = pack->root_page,
                                 .children_max = pack->children_max};
    uint32_t page_count;
    int r = rowtree_write(&tree, &pack->file, pack->leaf_page, &page_count, err);
    if (r < 0) {
        return r;
    }
    r = rowfile_set_page_count(&pack->file, page_count, err);
    if (r < 0) {
        return r;
    }
    r = rowfile_truncate(&pack->file, err);
    if (r < 0) {
        return r;
    }
    pack->is_sealed = true;
    return 0;
}

int rowpack_recover(int fd, uint32_t root_page, uint64_t *out_row_count, struct err *err)
{
    struct rowpack *pack;
    int r = open_pack(fd, root_page, &pack, err);
    if (r < 0) {
        return r;
    }
    r = find_leaves(pack, err);
    if (r < 0) {
        goto out;
    }
    if (pack->leaf_count == 0) {
        r = rowtree_last_rowid(&pack->file, root_page, out_row_count, err);
        goto out;
    }
    r = rowpack_seal(pack, err);
    if (r == 0) {
        *out_row_count = pack->row_count;
    }

out:
    rowpack_destroy(pack);
    return r;
}

void rowpack_limit_children(struct rowpack *pack, uint32_t children_max)
{
    assert(children_max == 0 || children_max >= 3);
    pack->children_max = children_max;
}

void rowpack_destroy(struct rowpack *pack)
{
    if (pack == NULL) {
        return;
    }
    free(pack->leaves);
    free(pack);
}
