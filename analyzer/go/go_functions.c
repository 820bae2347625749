#include "go_functions.h"

#include <errno.h>

#define MAGIC_18 UINT32_C(0xfffffff0)
#define MAGIC_20 UINT32_C(0xfffffff1)

enum {
    HEADER_BYTES = 72,
    POINTER_BYTES = 8,
    MINIMAL_QUANTUM_AT = 6,
    POINTER_SIZE_AT = 7,
    FUNCTION_ENTRY_BYTES = 8, /* of the sorted table: offset of code, offset of what follows */
};

/* Where things stand in what the table says of a function. */
enum {
    FUNCTION_NAME = 4,
    FUNCTION_FILE_VALUES = 20,
    FUNCTION_LINE_VALUES = 24,
    FUNCTION_VALUE_COUNT = 28,
    FUNCTION_UNIT = 32,
};

static bool read_varint(const struct extent *from, uint64_t *at, uint32_t *out_value)
{
    uint32_t value = 0;
    uint8_t byte = 0x80;
    for (unsigned shift = 0; shift < 35 && (byte & 0x80) != 0; shift += 7) {
        if (!extent_u8(from, (*at)++, &byte)) {
            return false;
        }
        value |= shift < 32 ? (uint32_t)(byte & 0x7f) << shift : 0;
    }
    *out_value = value;
    return true;
}

int go_functions_read(const struct extent *table, struct go_functions *out_functions)
{
    struct go_functions functions = {.table = *table};
    uint32_t magic;
    uint8_t quantum;
    uint8_t pointer_bytes;
    uint64_t words[8];
    if (table->size_bytes < HEADER_BYTES || !extent_u32(table, 0, &magic) ||
        !extent_u8(table, MINIMAL_QUANTUM_AT, &quantum) ||
        !extent_u8(table, POINTER_SIZE_AT, &pointer_bytes)) {
        return -EBADMSG;
    }
    if ((magic != MAGIC_18 && magic != MAGIC_20) || pointer_bytes != POINTER_BYTES) {
        return -ENOENT;
    }
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        (void)extent_u64(table, 8 + i * 8, &words[i]);
    }
    functions.is_before_20 = magic == MAGIC_18;
    functions.count = words[0];
    functions.text_start = words[2];
    functions.names = extent_from(table, words[3]);
    functions.units = extent_from(table, words[4]);
    functions.files = extent_from(table, words[5]);
    functions.values = extent_from(table, words[6]);
    functions.functions = extent_from(table, words[7]);
    bool is_whole = functions.count <= functions.functions.size_bytes / FUNCTION_ENTRY_BYTES;
    if (!is_whole) {
        return -EBADMSG;
    }
    *out_functions = functions;
    return 0;
}

static bool read_function(const struct go_functions *functions, uint64_t index,
                          struct go_function *function)
{
    uint32_t code_offset;
    uint32_t at;
    if (!extent_u32(&functions->functions, index * FUNCTION_ENTRY_BYTES, &code_offset) ||
        !extent_u32(&functions->functions, index * FUNCTION_ENTRY_BYTES + 4, &at)) {
        return false;
    }
    function->code_offset = code_offset;
    function->entry = extent_from(&functions->functions, at);
    return extent_u32(&function->entry, FUNCTION_NAME, &function->name) &&
           extent_u32(&function->entry, FUNCTION_VALUE_COUNT, &function->value_count) &&
           extent_u32(&function->entry, FUNCTION_UNIT, &function->unit);
}

bool go_functions_find(const struct go_functions *functions, uint64_t code_offset,
                       struct go_function *out_function)
{
    uint64_t low = 0;
    uint64_t high = functions->count;
    while (low < high) {
        uint64_t middle = low + (high - low) / 2;
        uint32_t start;
        if (!extent_u32(&functions->functions, middle * FUNCTION_ENTRY_BYTES, &start)) {
            return false;
        }
        if (start <= code_offset) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    uint32_t end; /* of all code, behind the last function */
    if (low == functions->count &&
        (!extent_u32(&functions->functions, low * FUNCTION_ENTRY_BYTES, &end) ||
         code_offset >= end)) {
        return false;
    }
    return low > 0 && read_function(functions, low - 1, out_function);
}

bool go_functions_value(const struct go_functions *functions, uint32_t values, uint64_t offset,
                        int32_t *out_value)
{
    uint64_t at = values;
    uint64_t end = 0;
    int32_t value = -1;
    uint8_t quantum = functions->table.bytes[MINIMAL_QUANTUM_AT];
    bool is_first = true;
    while (values != 0) {
        uint32_t delta;
        uint32_t length;
        if (!read_varint(&functions->values, &at, &delta) || (delta == 0 && !is_first) ||
            !read_varint(&functions->values, &at, &length)) {
            return false;
        }
        is_first = false;
        uint32_t change = (delta & 1) != 0 ? ~(delta >> 1) : delta >> 1;
        value = (int32_t)((uint32_t)value + change);
        end += (uint64_t)length * quantum;
        if (offset < end) {
            *out_value = value;
            return true;
        }
    }
    return false;
}

void go_functions_place(const struct go_functions *functions, const struct go_function *function,
                        uint64_t offset, const char **out_file, uint32_t *out_line)
{
    *out_file = NULL;
    *out_line = 0;
    uint32_t files;
    uint32_t numbers;
    int32_t value;
    uint32_t file;
    if (extent_u32(&function->entry, FUNCTION_FILE_VALUES, &files) &&
        go_functions_value(functions, files, offset, &value) && value >= 0 &&
        extent_u32(&functions->units, ((uint64_t)function->unit + (uint32_t)value) * 4, &file)) {
        *out_file = extent_text(&functions->files, file);
    }
    if (extent_u32(&function->entry, FUNCTION_LINE_VALUES, &numbers) &&
        go_functions_value(functions, numbers, offset, &value) && value > 0) {
        *out_line = (uint32_t)value;
    }
}
