#include "rowrecord.h"

#include <assert.h>
#include <endian.h>
#include <stdbool.h>
#include <string.h>

#include "../../../schema/leak_kind.h"
#include "varint.h"

enum {
    FIXED_COLUMNS = 5, /* born_ns to context_id: always stored */
    MAX_COLUMNS = 10,  /* to weight */
    LEAK_KIND = 3,     /* its place among the optional ones: the only text */
    TYPE_NULL = 0,
    TYPE_32_BITS = 4,
    TYPE_ZERO = 8,  /* TYPE_ZERO + 1 is the constant 1 */
    TYPE_TEXT = 13, /* + 2 * its length */
};

/*
 * By the position of a value's highest bit: serial type, and width of the value in the upper half.
 * A type is signed, so that a byte holds seven bits; a value of 2^63 or more is the negative number
 * that has the same bits.
 */
#define FORM(type, width) ((width) << 8 | (type))
#define FORM_8            FORM(1, 1)
#define FORM_16           FORM(2, 2)
#define FORM_24           FORM(3, 3)
#define FORM_32           FORM(TYPE_32_BITS, 4)
#define FORM_48           FORM(5, 6)
#define FORM_64           FORM(6, 8)
static const uint16_t form_by_bit[64] = {
    FORM_8,  FORM_8,  FORM_8,  FORM_8,  FORM_8,  FORM_8,  FORM_8,  FORM_16, FORM_16, FORM_16,
    FORM_16, FORM_16, FORM_16, FORM_16, FORM_16, FORM_24, FORM_24, FORM_24, FORM_24, FORM_24,
    FORM_24, FORM_24, FORM_24, FORM_32, FORM_32, FORM_32, FORM_32, FORM_32, FORM_32, FORM_32,
    FORM_32, FORM_48, FORM_48, FORM_48, FORM_48, FORM_48, FORM_48, FORM_48, FORM_48, FORM_48,
    FORM_48, FORM_48, FORM_48, FORM_48, FORM_48, FORM_48, FORM_48, FORM_64, FORM_64, FORM_64,
    FORM_64, FORM_64, FORM_64, FORM_64, FORM_64, FORM_64, FORM_64, FORM_64, FORM_64, FORM_64,
    FORM_64, FORM_64, FORM_64, FORM_64,
};
static const uint8_t width_by_type[TYPE_ZERO + 2] = {0, 1, 2, 3, 4, 6, 8, 8, 0, 0};

static_assert(ROWRECORD_MAX_BYTES - VARINT_MAX_BYTES - 1 < 0x80, "length is one byte");

static inline void store_be32(unsigned char *to, uint32_t value)
{
    uint32_t bytes = htobe32(value);
    memcpy(to, &bytes, sizeof(bytes));
}

static inline void store_be64(unsigned char *to, uint64_t value)
{
    uint64_t bytes = htobe64(value);
    memcpy(to, &bytes, sizeof(bytes));
}

/*
 * Puts a value before *end and returns its serial type. All eight bytes are stored whatever the
 * width: those in front are overwritten by what is stored next, which is never less than a header.
 */
static inline uint64_t put_value(unsigned char **end, uint64_t value)
{
    unsigned form = form_by_bit[63u - (unsigned)__builtin_clzll(value | 1)];
    store_be64(*end - 8, value);
    *end -= form >> 8;
    return form & 0xff;
}

/* varint_write(), short for the millions between 2^14 and 2^28. */
static inline unsigned char *put_rowid(unsigned char *end, uint64_t rowid)
{
    if (__builtin_expect(rowid - (1 << 14) >= (1 << 28) - (1 << 14), 0)) {
        return varint_write(end, rowid);
    }
    store_be32(end - 4,
               (uint32_t)((rowid & 0x7f) | (rowid & 0x3f80) << 1 | (rowid & 0x1fc000) << 2 |
                          (rowid & 0xfe00000) << 3 | 0x80808000));
    return end - (rowid < 1 << 21 ? 3 : 4);
}

static uint64_t put_word(unsigned char **end, uint64_t leak_kind)
{
    const char *word = leak_kind_word((unsigned)leak_kind);
    size_t length = strlen(word);
    *end -= length;
    memcpy(*end, word, length);
    return TYPE_TEXT + 2 * length;
}

/* The columns behind `context_id`. Gives their types, the first in the lowest byte, and their
 * number. */
static __attribute__((noinline)) unsigned
put_optional(unsigned char **end, const struct block_row *row, uint64_t *out_types)
{
    const uint64_t values[] = {row->realloc_of_id, row->slack_bytes, row->alignment, row->leak_kind,
                               row->weight};
    unsigned count = 5;
    while (count > 0 && values[count - 1] == 0) {
        count--;
    }
    uint64_t types = 0;
    for (unsigned i = count; i-- > 0;) {
        types = types << 8 | (values[i] == 0   ? TYPE_NULL
                              : i == LEAK_KIND ? put_word(end, values[i])
                                               : put_value(end, values[i]));
    }
    *out_types = types;
    return count;
}

unsigned char *rowrecord_write(unsigned char *end, uint64_t rowid, const struct block_row *row)
{
    unsigned char *at = end;
    unsigned optional_count = 0;
    uint64_t types = 0;
    if (__builtin_expect((row->realloc_of_id | row->slack_bytes | row->alignment | row->leak_kind |
                          row->weight) != 0,
                         0)) {
        optional_count = put_optional(&at, row, &types);
    }
    uint64_t context_type = put_value(&at, row->context_id);
    uint64_t size_type = put_value(&at, row->size_bytes);
    store_be32(at -= 4, row->address_offset);
    uint64_t lifetime_type = TYPE_NULL;
    if (__builtin_expect(row->lifetime_ns != BLOCK_ROW_LIVE, 1)) {
        lifetime_type = put_value(&at, row->lifetime_ns);
    }
    uint64_t born_type = put_value(&at, row->born_ns);

    /* Eight bytes at once again: what stands before the header is stored later. */
    for (unsigned i = optional_count; i-- > 0;) {
        *--at = (unsigned char)(types >> (8 * i));
    }
    store_be64(at - 8, (uint64_t)(1 + FIXED_COLUMNS + optional_count) << 40 | born_type << 32 |
                           lifetime_type << 24 | TYPE_32_BITS << 16 | size_type << 8 |
                           context_type);
    at -= 1 + FIXED_COLUMNS;
    unsigned char payload_bytes = (unsigned char)(end - at);
    at = put_rowid(at, rowid);
    *--at = payload_bytes;
    return at;
}

size_t rowrecord_check(const unsigned char *cell, size_t room_bytes, uint64_t rowid)
{
    if (room_bytes < ROWRECORD_MIN_BYTES) {
        return 0;
    }
    size_t payload_bytes = cell[0];
    uint64_t found_rowid;
    size_t rowid_bytes = varint_read(cell + 1, room_bytes - 1, &found_rowid);
    size_t start = 1 + rowid_bytes;
    if (rowid_bytes == 0 || found_rowid != rowid || payload_bytes >= 0x80 ||
        payload_bytes > room_bytes - start) {
        return 0;
    }

    const unsigned char *header = cell + start;
    if (payload_bytes < 1 + FIXED_COLUMNS || header[0] < 1 + FIXED_COLUMNS ||
        header[0] > 1 + MAX_COLUMNS || header[0] > payload_bytes || header[3] != TYPE_32_BITS) {
        return 0;
    }
    size_t bytes = header[0];
    for (unsigned i = 1; i < header[0]; i++) {
        bool is_word = i == FIXED_COLUMNS + LEAK_KIND + 1 && header[i] >= TYPE_TEXT;
        if (!is_word && header[i] >= sizeof(width_by_type)) {
            return 0;
        }
        bytes += is_word ? (header[i] - (size_t)TYPE_TEXT) / 2 : width_by_type[header[i]];
    }
    return bytes == payload_bytes ? start + payload_bytes : 0;
}
