#include "wire.h"

enum {
    TYPE_VARINT = 0,
    TYPE_FIXED_64 = 1,
    TYPE_BYTES = 2,
    TYPE_FIXED_32 = 5,
};

bool wire_varint(struct wire *wire, uint64_t *out_value)
{
    uint64_t value = 0;
    if (wire->at == wire->end) {
        return false;
    }
    for (unsigned shift = 0; shift < 70; shift += 7) {
        if (wire->at == wire->end) {
            break;
        }
        unsigned char byte = *wire->at++;
        value |= shift < 64 ? (uint64_t)(byte & 0x7f) << shift : 0;
        if ((byte & 0x80) == 0) {
            *out_value = value;
            return true;
        }
    }
    wire->is_damaged = true;
    return false;
}

static bool take_bytes(struct wire *wire, uint64_t size_bytes, struct wire *out_bytes)
{
    if (size_bytes > (uint64_t)(wire->end - wire->at)) {
        wire->is_damaged = true;
        return false;
    }
    *out_bytes = (struct wire){.at = wire->at, .end = wire->at + size_bytes};
    wire->at += size_bytes;
    return true;
}

bool wire_next(struct wire *wire, struct wire_field *out_field)
{
    uint64_t key;
    struct wire skipped;
    if (!wire_varint(wire, &key)) {
        return false;
    }
    *out_field = (struct wire_field){.number = (uint32_t)(key >> 3)};
    bool is_read = false;
    switch (key & 7) {
    case TYPE_VARINT:
        is_read = wire_varint(wire, &out_field->value);
        break;
    case TYPE_BYTES: {
        uint64_t size_bytes;
        out_field->has_bytes = true;
        is_read = wire_varint(wire, &size_bytes) && take_bytes(wire, size_bytes, &out_field->bytes);
        break;
    }
    case TYPE_FIXED_64:
        is_read = take_bytes(wire, 8, &skipped);
        break;
    case TYPE_FIXED_32:
        is_read = take_bytes(wire, 4, &skipped);
        break;
    default:
        break;
    }
    wire->is_damaged |= !is_read;
    return is_read;
}

bool wire_each_number(const struct wire_field *field, bool (*take)(void *context, uint64_t value),
                      void *context)
{
    uint64_t value;
    struct wire packed = field->bytes;
    if (!field->has_bytes) {
        return take(context, field->value);
    }
    while (wire_varint(&packed, &value)) {
        if (!take(context, value)) {
            return false;
        }
    }
    return !packed.is_damaged;
}
