/*
 * varint.h - SQLite's big-endian variable-length integer, seven bits a byte, for rowids below 2^56.
 */
#ifndef ALLOCAUDIT_VARINT_H
#define ALLOCAUDIT_VARINT_H

#include <stddef.h>
#include <stdint.h>

/* The ninth byte of the format, which holds eight bits, is for larger values: never ours. */
enum {
    VARINT_MAX_BYTES = 8
};

#define VARINT_LIMIT (UINT64_C(1) << 56)

/* Writes a value below VARINT_LIMIT so that it ends just before `end`. Returns its first byte. */
unsigned char *varint_write(unsigned char *end, uint64_t value);

/* Returns the size of the varint, or 0 if it does not end within room_bytes or is too large. */
size_t varint_read(const unsigned char *bytes, size_t room_bytes, uint64_t *out_value);

size_t varint_bytes(uint64_t value);

#endif
