#include "rowpage.h"

#include <assert.h>
#include <endian.h>
#include <errno.h>
#include <string.h>

#include "rowrecord.h"
#include "varint.h"

/* Offsets in a page's header; all numbers are big-endian. */
enum {
    PAGE_TYPE = 0,
    PAGE_FREEBLOCK = 1,
    PAGE_CELL_COUNT = 3,
    PAGE_CELLS_START = 5,
    PAGE_FRAGMENTS = 7,
    PAGE_LEAF_HEADER_BYTES = 8,
    PAGE_LAST_CHILD = 8,
    PAGE_INTERIOR_HEADER_BYTES = 12,

    TYPE_TABLE_INTERIOR = 5,
    TYPE_TABLE_LEAF = 13,

    POINTER_BYTES = 2,
    CHILD_MAX_BYTES = 4 + VARINT_MAX_BYTES,
    ROOM_BYTES = ROWRECORD_MAX_BYTES + POINTER_BYTES,
};

/* One bound for both kinds of page keeps the check simple; it wastes a thousandth of a leaf. */
static_assert((int)CHILD_MAX_BYTES <= (int)ROWRECORD_MAX_BYTES, "a child needs less than a row");

static void store_be16(unsigned char *to, uint32_t value)
{
    to[0] = (unsigned char)(value >> 8);
    to[1] = (unsigned char)value;
}

static uint32_t load_be16(const unsigned char *from)
{
    return (uint32_t)from[0] << 8 | from[1];
}

static void store_be32(unsigned char *to, uint32_t value)
{
    uint32_t bytes = htobe32(value);
    memcpy(to, &bytes, sizeof(bytes));
}

static uint32_t load_be32(const unsigned char *from)
{
    uint32_t bytes;
    memcpy(&bytes, from, sizeof(bytes));
    return be32toh(bytes);
}

static void init(struct rowpage *page, unsigned char *bytes, uint8_t type, uint32_t header_bytes)
{
    memset(bytes, 0, header_bytes);
    bytes[PAGE_TYPE] = type;
    page->pointers_end = header_bytes;
    page->cells_start = DATABASE_PAGE_BYTES;
    page->bytes = bytes;
}

void rowpage_init_leaf(struct rowpage *page, unsigned char *bytes)
{
    init(page, bytes, TYPE_TABLE_LEAF, PAGE_LEAF_HEADER_BYTES);
}

bool rowpage_resume_leaf(struct rowpage *page, unsigned char *bytes, uint64_t cell_count)
{
    if (cell_count == 0 || cell_count > DATABASE_PAGE_BYTES / ROWRECORD_MIN_BYTES) {
        return false;
    }
    memset(bytes, 0, PAGE_LEAF_HEADER_BYTES);
    bytes[PAGE_TYPE] = TYPE_TABLE_LEAF;
    page->bytes = bytes;
    page->pointers_end = PAGE_LEAF_HEADER_BYTES + POINTER_BYTES * (uint32_t)cell_count;
    page->cells_start = load_be16(bytes + page->pointers_end - POINTER_BYTES);
    return page->cells_start >= page->pointers_end;
}

void rowpage_init_interior(struct rowpage *page, unsigned char *bytes)
{
    init(page, bytes, TYPE_TABLE_INTERIOR, PAGE_INTERIOR_HEADER_BYTES);
}

bool rowpage_has_room(const struct rowpage *page)
{
    return page->cells_start - page->pointers_end >= ROOM_BYTES;
}

static void add_cell(struct rowpage *page, const unsigned char *cell)
{
    page->cells_start = (uint32_t)(cell - page->bytes);
    store_be16(page->bytes + page->pointers_end, page->cells_start);
    page->pointers_end += POINTER_BYTES;
}

void rowpage_add_row(struct rowpage *page, uint64_t rowid, const struct block_row *row)
{
    assert(rowpage_has_room(page));
    add_cell(page, rowrecord_write(page->bytes + page->cells_start, rowid, row));
}

void rowpage_add_child(struct rowpage *page, uint32_t child_page, uint64_t last_rowid)
{
    assert(rowpage_has_room(page));
    unsigned char *cell = varint_write(page->bytes + page->cells_start, last_rowid) - 4;
    store_be32(cell, child_page);
    add_cell(page, cell);
}

static void finish(struct rowpage *page, uint32_t header_bytes)
{
    unsigned char *bytes = page->bytes;
    assert(page->pointers_end > header_bytes);
    store_be16(bytes + PAGE_CELL_COUNT, (page->pointers_end - header_bytes) / POINTER_BYTES);
    store_be16(bytes + PAGE_CELLS_START, page->cells_start);
    memset(bytes + page->pointers_end, 0, page->cells_start - page->pointers_end);
}

void rowpage_finish_leaf(struct rowpage *page)
{
    finish(page, PAGE_LEAF_HEADER_BYTES);
}

void rowpage_finish_interior(struct rowpage *page, uint32_t last_child_page)
{
    store_be32(page->bytes + PAGE_LAST_CHILD, last_child_page);
    finish(page, PAGE_INTERIOR_HEADER_BYTES);
}

uint32_t rowpage_children_max(uint64_t last_rowid)
{
    uint32_t room_bytes = DATABASE_PAGE_BYTES - PAGE_INTERIOR_HEADER_BYTES - ROOM_BYTES;
    uint32_t cell_bytes = 4 + (uint32_t)varint_bytes(last_rowid) + POINTER_BYTES;
    return room_bytes / cell_bytes + 1; /* the last child needs no cell */
}

uint32_t rowpage_check_leaf(const unsigned char *bytes, uint64_t first_rowid)
{
    uint32_t cell_count = load_be16(bytes + PAGE_CELL_COUNT);
    uint32_t pointers_end = PAGE_LEAF_HEADER_BYTES + POINTER_BYTES * cell_count;
    if (bytes[PAGE_TYPE] != TYPE_TABLE_LEAF || load_be16(bytes + PAGE_FREEBLOCK) != 0 ||
        bytes[PAGE_FRAGMENTS] != 0 || cell_count == 0 || pointers_end > DATABASE_PAGE_BYTES) {
        return 0;
    }

    uint32_t end = DATABASE_PAGE_BYTES;
    for (uint32_t i = 0; i < cell_count; i++) {
        uint32_t start = load_be16(bytes + PAGE_LEAF_HEADER_BYTES + POINTER_BYTES * i);
        if (start < pointers_end || start >= end ||
            rowrecord_check(bytes + start, end - start, first_rowid + i) != end - start) {
            return 0;
        }
        end = start;
    }
    return load_be16(bytes + PAGE_CELLS_START) == end ? cell_count : 0;
}

bool rowpage_is_empty_leaf(const unsigned char *bytes)
{
    return bytes[PAGE_TYPE] == TYPE_TABLE_LEAF && load_be16(bytes + PAGE_CELL_COUNT) == 0;
}

static int find_last_rowid(const unsigned char *bytes, uint64_t *out_rowid)
{
    uint32_t cell_count = load_be16(bytes + PAGE_CELL_COUNT);
    if (cell_count == 0) {
        *out_rowid = 0;
        return 0;
    }
    uint32_t pointers_end = PAGE_LEAF_HEADER_BYTES + POINTER_BYTES * cell_count;
    if (pointers_end > DATABASE_PAGE_BYTES) {
        return -EINVAL;
    }

    uint32_t at = load_be16(bytes + pointers_end - POINTER_BYTES);
    uint64_t payload_bytes;
    size_t n = varint_read(bytes + at, DATABASE_PAGE_BYTES - at, &payload_bytes);
    if (n == 0 || varint_read(bytes + at + n, DATABASE_PAGE_BYTES - at - n, out_rowid) == 0) {
        return -EINVAL;
    }
    return 0;
}

int rowpage_find_last(const unsigned char *bytes, uint32_t *out_child_page, uint64_t *out_rowid)
{
    if (bytes[PAGE_TYPE] == TYPE_TABLE_LEAF) {
        return find_last_rowid(bytes, out_rowid);
    }
    if (bytes[PAGE_TYPE] == TYPE_TABLE_INTERIOR) {
        *out_child_page = load_be32(bytes + PAGE_LAST_CHILD);
        return 1;
    }
    return -EINVAL;
}
