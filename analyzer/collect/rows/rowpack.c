#include "rowpack.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

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
    unsigned char *leaf_bytes; /* DATABASE_PAGE_BYTES of them, in `kept` or allocated */
    struct rowpack_kept *kept; /* mapped; NULL: the leaf is nowhere else */
};

/* What the file of rowpack_keep_leaf() holds. */
struct rowpack_kept {
    _Atomic uint64_t row_count; /* appended in all, of which the last ones are in the leaf */
    unsigned char padding[4096 - 8];
    unsigned char leaf[DATABASE_PAGE_BYTES];
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

static __attribute__((noinline)) int write_leaf(struct rowpack *pack, struct err *err)
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
    pack->leaf_bytes = malloc(DATABASE_PAGE_BYTES);
    int r = pack->leaf_bytes == NULL ? err_set(err, ENOMEM, "no memory for a database page")
                                     : rowfile_open(fd, &pack->file, err);
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
    if (pack->kept != NULL) {
        atomic_store_explicit(&pack->kept->row_count, id, memory_order_release);
    }
    *out_id = id;
    return 0;
}

static struct rowpack_kept *map_kept(int fd, int protection)
{
    void *kept = mmap(NULL, sizeof(struct rowpack_kept), protection, MAP_SHARED, fd, 0);
    return kept == MAP_FAILED ? NULL : kept;
}

int rowpack_keep_leaf(struct rowpack *pack, int fd, struct err *err)
{
    assert(pack->row_count == 0);
    int r = posix_fallocate(fd, 0, sizeof(struct rowpack_kept));
    if (r != 0) {
        return err_set_errno(err, r, "no room to keep the last rows");
    }
    struct rowpack_kept *kept = map_kept(fd, PROT_READ | PROT_WRITE);
    if (kept == NULL) {
        return err_set_errno(err, errno, "cannot map the last rows");
    }
    free(pack->leaf_bytes);
    pack->kept = kept;
    pack->leaf_bytes = kept->leaf;
    rowpage_init_leaf(&pack->leaf, pack->leaf_bytes);
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

/* Whether the table's root was never written: a sealed table has all rows. */
static int check_is_unsealed(struct rowpack *pack, bool *out_is_unsealed, struct err *err)
{
    int r = rowfile_read_page(&pack->file, pack->root_page, pack->leaf_bytes, err);
    *out_is_unsealed = r == 0 && rowpage_is_empty_leaf(pack->leaf_bytes);
    return r;
}

/* Takes the rows of the kept leaf that come after those in the file. Not whole: takes none. */
static int take_kept(struct rowpack *pack, int kept_fd, struct err *err)
{
    struct stat status;
    bool is_unsealed = true;
    int r = pack->leaf_count == 0 ? check_is_unsealed(pack, &is_unsealed, err) : 0;
    if (r < 0 || !is_unsealed || fstat(kept_fd, &status) != 0 ||
        status.st_size < (off_t)sizeof(struct rowpack_kept)) {
        return r;
    }
    struct rowpack_kept *kept = map_kept(kept_fd, PROT_READ);
    if (kept == NULL) {
        return err_set_errno(err, errno, "cannot map the last rows");
    }
    uint64_t row_count = atomic_load(&kept->row_count);
    memcpy(pack->leaf_bytes, kept->leaf, DATABASE_PAGE_BYTES);
    munmap(kept, sizeof(*kept));
    uint64_t cell_count = row_count - pack->row_count;
    if (row_count <= pack->row_count ||
        !rowpage_resume_leaf(&pack->leaf, pack->leaf_bytes, cell_count)) {
        return 0;
    }
    rowpage_finish_leaf(&pack->leaf);
    if (rowpage_check_leaf(pack->leaf_bytes, pack->row_count + 1) == cell_count) {
        pack->row_count = row_count;
    }
    return 0;
}

int rowpack_recover(int fd, uint32_t root_page, uint64_t *out_row_count, struct err *err)
{
    return rowpack_recover_kept(fd, root_page, -1, out_row_count, err);
}

int rowpack_recover_kept(int fd, uint32_t root_page, int kept_fd, uint64_t *out_row_count,
                         struct err *err)
{
    struct rowpack *pack;
    int r = open_pack(fd, root_page, &pack, err);
    if (r < 0) {
        return r;
    }
    r = find_leaves(pack, err);
    if (r == 0 && kept_fd >= 0) {
        r = take_kept(pack, kept_fd, err);
    }
    if (r < 0) {
        goto out;
    }
    if (pack->row_count == 0) {
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
    if (pack->kept != NULL) {
        munmap(pack->kept, sizeof(*pack->kept));
    } else {
        free(pack->leaf_bytes);
    }
    free(pack);
}
