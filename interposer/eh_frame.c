#include "eh_frame.h"

#include <dlfcn.h>
#include <stddef.h>
#include <string.h>
#include <sys/auxv.h>

#include "banned.h"

enum {
    ENCODING_ABSOLUTE = 0x00,
    ENCODING_UDATA4 = 0x03,
    ENCODING_UDATA8 = 0x04,
    ENCODING_SDATA4 = 0x0b,
    ENCODING_SDATA8 = 0x0c,
    ENCODING_FORMAT = 0x0f,
    ENCODING_PC_RELATIVE = 0x10,
    ENCODING_BASE = 0x70,
    ENCODING_OMIT = 0xff,
    HEADER_TABLE_ENCODING = 0x3b, /* pairs of 4-byte offsets from the header: what linkers write */
    HEADER_BYTES = 12,
};

static uint32_t read_u32(const uint8_t *at)
{
    uint32_t value;
    memcpy(&value, at, sizeof(value));
    return value;
}

static int32_t read_s32(const uint8_t *at)
{
    return (int32_t)read_u32(at);
}

uint64_t eh_frame_uleb(const uint8_t **at, const uint8_t *end)
{
    uint64_t value = 0;
    unsigned shift = 0;
    while (*at < end) {
        uint8_t byte = *(*at)++;
        if (shift < 64) {
            value |= (uint64_t)(byte & 0x7f) << shift;
        }
        shift += 7;
        if ((byte & 0x80) == 0) {
            break;
        }
    }
    return value;
}

int64_t eh_frame_sleb(const uint8_t **at, const uint8_t *end)
{
    uint64_t value = 0;
    unsigned shift = 0;
    uint8_t byte = 0;
    while (*at < end) {
        byte = *(*at)++;
        if (shift < 64) {
            value |= (uint64_t)(byte & 0x7f) << shift;
        }
        shift += 7;
        if ((byte & 0x80) == 0) {
            break;
        }
    }
    if (shift < 64 && (byte & 0x40) != 0) {
        value |= ~UINT64_C(0) << shift;
    }
    return (int64_t)value;
}

/* An encoded pointer; *is_ok turns false at an encoding that no common linker writes. */
static uintptr_t read_pointer(const uint8_t **at, uint8_t encoding, bool *is_ok)
{
    const uint8_t *start = *at;
    uint64_t value = 0;
    switch (encoding & ENCODING_FORMAT) {
    case ENCODING_UDATA4:
        value = read_u32(start);
        *at += 4;
        break;
    case ENCODING_SDATA4:
        value = (uint64_t)(int64_t)read_s32(start);
        *at += 4;
        break;
    case ENCODING_ABSOLUTE:
    case ENCODING_UDATA8:
    case ENCODING_SDATA8:
        memcpy(&value, start, sizeof(value));
        *at += 8;
        break;
    default:
        *is_ok = false;
        break;
    }
    if ((encoding & ENCODING_BASE) == ENCODING_PC_RELATIVE) {
        value += (uintptr_t)start;
    } else if ((encoding & ENCODING_BASE) != ENCODING_ABSOLUTE) {
        *is_ok = false;
    }
    return (uintptr_t)value;
}

/* The description whose start is the last one not behind `address`, from the sorted table. */
static const uint8_t *find_description(const uint8_t *header, uintptr_t address)
{
    if (header[0] != 1 || header[2] != ENCODING_UDATA4 || header[3] != HEADER_TABLE_ENCODING) {
        return NULL;
    }
    uint32_t count = read_u32(header + 8);
    const uint8_t *table = header + HEADER_BYTES;
    int64_t wanted = (int64_t)(address - (uintptr_t)header);
    uint32_t low = 0;
    uint32_t high = count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (read_s32(table + middle * 8) <= wanted) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low == 0 ? NULL : header + read_s32(table + (low - 1) * 8 + 4);
}

static bool read_common(const uint8_t *at, struct eh_frame *frame)
{
    uint32_t length = read_u32(at);
    if (length == 0 || length == UINT32_MAX) {
        return false;
    }
    const uint8_t *end = at + 4 + length;
    uint8_t version = at[8];
    const char *augmentation = (const char *)at + 9;
    bool is_ok = version == 1 || version == 3;
    at += 9 + strlen(augmentation) + 1;
    frame->code_factor = eh_frame_uleb(&at, end);
    frame->data_factor = eh_frame_sleb(&at, end);
    frame->return_register = version == 1 ? *at++ : eh_frame_uleb(&at, end);
    frame->pointer_encoding = ENCODING_ABSOLUTE;
    frame->is_signal_frame = false;
    frame->common = at;
    frame->common_end = end;
    if (augmentation[0] == 'z') {
        uint64_t bytes = eh_frame_uleb(&at, end);
        frame->common = at + bytes;
        augmentation++;
    }
    for (const char *letter = augmentation; *letter != '\0'; letter++) {
        switch (*letter) {
        case 'R':
            frame->pointer_encoding = *at++;
            break;
        case 'P': {
            uint8_t encoding = *at++;
            (void)read_pointer(&at, encoding & (ENCODING_FORMAT | ENCODING_PC_RELATIVE), &is_ok);
            break;
        }
        case 'L':
            at++;
            break;
        case 'S':
            frame->is_signal_frame = true;
            break;
        case 'B':
            break;
        default:
            return false;
        }
    }
    return is_ok && frame->common <= end;
}

bool eh_frame_find(uintptr_t address, struct eh_frame *out_frame)
{
    struct dl_find_object object;
    if (_dl_find_object((void *)address, &object) != 0 || object.dlfo_eh_frame == NULL) {
        return false;
    }
    const uint8_t *at = find_description(object.dlfo_eh_frame, address);
    if (at == NULL) {
        return false;
    }
    uint32_t length = read_u32(at);
    uint32_t common_distance = read_u32(at + 4);
    if (length == 0 || length == UINT32_MAX || common_distance == 0 ||
        !read_common(at + 4 - common_distance, out_frame)) {
        return false;
    }
    bool is_ok = true;
    out_frame->own_end = at + 4 + length;
    at += 8;
    out_frame->start = read_pointer(&at, out_frame->pointer_encoding, &is_ok);
    out_frame->end =
        out_frame->start + read_pointer(&at, out_frame->pointer_encoding & ENCODING_FORMAT, &is_ok);
    uint64_t augmentation_bytes = eh_frame_uleb(&at, out_frame->own_end);
    out_frame->own = at + augmentation_bytes;
    return is_ok && out_frame->own <= out_frame->own_end && address >= out_frame->start &&
           address < out_frame->end;
}

bool eh_frame_is_loader(uintptr_t address)
{
    struct dl_find_object object;
    return _dl_find_object((void *)address, &object) == 0 &&
           (uintptr_t)object.dlfo_map_start == getauxval(AT_BASE);
}
