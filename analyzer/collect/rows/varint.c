#include "varint.h"

#include <assert.h>

unsigned char *varint_write(unsigned char *end, uint64_t value)
{
    assert(value < VARINT_LIMIT);
    *--end = value & 0x7f;
    for (value >>= 7; value != 0; value >>= 7) {
        *--end = (unsigned char)(value | 0x80);
    }
    return end;
}

size_t varint_read(const unsigned char *bytes, size_t room_bytes, uint64_t *out_value)
{
    uint64_t value = 0;
    for (size_t i = 0; i < room_bytes && i < VARINT_MAX_BYTES; i++) {
        value = value << 7 | (bytes[i] & 0x7fu);
        if ((bytes[i] & 0x80u) == 0) {
            *out_value = value;
            return i + 1;
        }
    }
    return 0;
}

size_t varint_bytes(uint64_t value)
{
    size_t bytes = 1;
    for (value >>= 7; value != 0; value >>= 7) {
        bytes++;
    }
    return bytes;
}
