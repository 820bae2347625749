/*
 * rowrecord.h - one row of `block` as a cell of a table b-tree leaf: payload length, rowid, record.
 *
 * A record is a header of serial types and the values behind it. Integers take the fewest of
 * 1, 2, 3, 4, 6 or 8 bytes, the offset of the address always 4; NULLs at the end take none, and
 * neither does the rowid alias, which is the last column.
 */
#ifndef ALLOCAUDIT_ROWRECORD_H
#define ALLOCAUDIT_ROWRECORD_H

#include <stddef.h>
#include <stdint.h>

#include "rowpack.h"
#include "varint.h"

enum {
    ROWRECORD_WORD_BYTES = 9, /* the longest of leak_kind */
    /* Payload length, rowid, 11 header bytes, an offset, 8 values of 8 bytes and a word. */
    ROWRECORD_MAX_BYTES = 1 + VARINT_MAX_BYTES + 11 + 4 + 8 * 8 + ROWRECORD_WORD_BYTES,
    /* Payload length, rowid, 6 header bytes, an offset, values that are all 0 or 1. */
    ROWRECORD_MIN_BYTES = 1 + 1 + 6 + 4,
};

/*
 * Writes the cell so that it ends just before `end`, with ROWRECORD_MAX_BYTES of room there.
 * Returns where it begins. Backwards, because cells fill a page from its end.
 */
unsigned char *rowrecord_write(unsigned char *end, uint64_t rowid, const struct block_row *row);

/*
 * Returns the size of the cell at `cell` if it lies within room_bytes and is a whole record that
 * rowrecord_write() may have written for this rowid; otherwise 0.
 */
size_t rowrecord_check(const unsigned char *cell, size_t room_bytes, uint64_t rowid);

#endif
