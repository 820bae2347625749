#include "protobuf.h"

enum {
    WIRE_VARINT = 0,
    WIRE_BYTES = 2,
};

int protobuf_varint(struct str *message, uint64_t value)
{
    char bytes[10];
    size_t count = 0;
    while (value >= 0x80) {
        bytes[count++] = (char)(value | 0x80);
        value >>= 7;
    }
    bytes[count++] = (char)value;
    return str_append_bytes(message, bytes, count);
}

int protobuf_number(struct str *message, unsigned field, uint64_t value)
{
    if (value == 0) {
        return 0;
    }
    int result = protobuf_varint(message, (uint64_t)field << 3 | WIRE_VARINT);
    return result < 0 ? result : protobuf_varint(message, value);
}

int protobuf_bytes(struct str *message, unsigned field, const char *bytes, size_t size_bytes)
{
    int result = protobuf_varint(message, (uint64_t)field << 3 | WIRE_BYTES);
    if (result == 0) {
        result = protobuf_varint(message, size_bytes);
    }
    return result < 0 ? result : str_append_bytes(message, bytes, size_bytes);
}
