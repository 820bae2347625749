#include "go_lines.h"

#include <errno.h>
#include <fcntl.h>
#include <gelf.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* A part of the file, of which nothing is read beyond its end. */
struct extent {
    const unsigned char *bytes;
    size_t size_bytes;
};

struct go_lines {
    int fd;
    Elf *elf;
    bool is_before_20;   /* how inlined calls are laid out */
    uint64_t text_start; /* what the table's code offsets are counted from */
    uint64_t function_count;
    struct extent table;
    struct extent names;
    struct extent units; /* the files of each compilation unit, as offsets in `files` */
    struct extent files;
    struct extent values; /* of quantities that change along a function's code */
    struct extent functions;
    struct extent inlined; /* all trees of inlined calls; empty: not known where */
};

#define MAGIC_18 UINT32_C(0xfffffff0)
#define MAGIC_20 UINT32_C(0xfffffff1)
#define NO_DATA  UINT32_MAX

enum {
    HEADER_BYTES = 72,
    POINTER_BYTES = 8,
    MINIMAL_QUANTUM_AT = 6,
    POINTER_SIZE_AT = 7,
    FUNCTION_ENTRY_BYTES = 8, /* of the sorted table: offset of code, offset of what follows */
    TREE_VALUE = 2,           /* which of a function's values is the place in its tree */
    TREE_DATA = 3,            /* which of a function's data is the tree */
};

/* Where things stand in what the table says of a function. */
enum {
    FUNCTION_NAME = 4,
    FUNCTION_FILE_VALUES = 20,
    FUNCTION_LINE_VALUES = 24,
    FUNCTION_VALUE_COUNT = 28,
    FUNCTION_UNIT = 32,
    FUNCTION_DATA_COUNT_18 = 39,
    FUNCTION_BYTES_18 = 40,
    FUNCTION_DATA_COUNT_20 = 43,
    FUNCTION_BYTES_20 = 44,
};

/* An inlined call, in the two layouts. */
enum {
    CALL_BYTES_18 = 20,
    CALL_NAME_18 = 12,
    CALL_PARENT_PC_18 = 16,
    CALL_BYTES_20 = 16,
    CALL_NAME_20 = 4,
    CALL_PARENT_PC_20 = 8,
};

static bool read_u32(const struct extent *from, uint64_t at, uint32_t *out_value)
{
    if (at > from->size_bytes || from->size_bytes - at < sizeof(*out_value)) {
        return false;
    }
    memcpy(out_value, from->bytes + at, sizeof(*out_value));
    return true;
}

static bool read_u64(const struct extent *from, uint64_t at, uint64_t *out_value)
{
    if (at > from->size_bytes || from->size_bytes - at < sizeof(*out_value)) {
        return false;
    }
    memcpy(out_value, from->bytes + at, sizeof(*out_value));
    return true;
}

static bool read_u8(const struct extent *from, uint64_t at, uint8_t *out_value)
{
    if (at >= from->size_bytes) {
        return false;
    }
    *out_value = from->bytes[at];
    return true;
}

/* NULL unless it ends within the extent. */
static const char *read_text(const struct extent *from, uint64_t at)
{
    bool is_whole = at < from->size_bytes &&
                    memchr(from->bytes + at, '\0', from->size_bytes - (size_t)at) != NULL;
    return is_whole ? (const char *)from->bytes + at : NULL;
}

static bool read_varint(const struct extent *from, uint64_t *at, uint32_t *out_value)
{
    uint32_t value = 0;
    uint8_t byte = 0x80;
    for (unsigned shift = 0; shift < 35 && (byte & 0x80) != 0; shift += 7) {
        if (!read_u8(from, (*at)++, &byte)) {
            return false;
        }
        value |= shift < 32 ? (uint32_t)(byte & 0x7f) << shift : 0;
    }
    *out_value = value;
    return true;
}

/* ---- opening -----------------------------------------------------------------------------------
 */

static struct extent part_from(const struct extent *table, uint64_t start)
{
    if (start >= table->size_bytes) {
        return (struct extent){NULL, 0};
    }
    return (struct extent){table->bytes + start, table->size_bytes - (size_t)start};
}

static int read_header(struct go_lines *lines)
{
    uint32_t magic;
    uint8_t quantum;
    uint8_t pointer_bytes;
    uint64_t words[8];
    const struct extent *table = &lines->table;
    if (table->size_bytes < HEADER_BYTES || !read_u32(table, 0, &magic) ||
        !read_u8(table, MINIMAL_QUANTUM_AT, &quantum) ||
        !read_u8(table, POINTER_SIZE_AT, &pointer_bytes)) {
        return -EBADMSG;
    }
    if ((magic != MAGIC_18 && magic != MAGIC_20) || pointer_bytes != POINTER_BYTES) {
        return -ENOENT;
    }
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        (void)read_u64(table, 8 + i * 8, &words[i]);
    }
    lines->is_before_20 = magic == MAGIC_18;
    lines->function_count = words[0];
    lines->text_start = words[2];
    lines->names = part_from(table, words[3]);
    lines->units = part_from(table, words[4]);
    lines->files = part_from(table, words[5]);
    lines->values = part_from(table, words[6]);
    lines->functions = part_from(table, words[7]);
    bool is_whole = lines->function_count <= lines->functions.size_bytes / FUNCTION_ENTRY_BYTES;
    return is_whole ? 0 : -EBADMSG;
}

static struct extent section_extent(Elf_Scn *section)
{
    Elf_Data *data = section != NULL ? elf_rawdata(section, NULL) : NULL;
    if (data == NULL || data->d_buf == NULL) {
        return (struct extent){NULL, 0};
    }
    return (struct extent){data->d_buf, data->d_size};
}

/* From an ELF address to the end of its section. */
static struct extent extent_at(Elf *elf, uint64_t address)
{
    for (Elf_Scn *section = elf_nextscn(elf, NULL); section != NULL;
         section = elf_nextscn(elf, section)) {
        GElf_Shdr header;
        if (gelf_getshdr(section, &header) != NULL && header.sh_type == SHT_PROGBITS &&
            address >= header.sh_addr && address - header.sh_addr < header.sh_size) {
            struct extent whole = section_extent(section);
            return part_from(&whole, address - header.sh_addr);
        }
    }
    return (struct extent){NULL, 0};
}

static void take_symbols(struct go_lines *lines, Elf_Scn *section, const GElf_Shdr *header)
{
    Elf_Data *data = elf_getdata(section, NULL);
    for (size_t i = 0;
         data != NULL && header->sh_entsize != 0 && i < header->sh_size / header->sh_entsize; i++) {
        GElf_Sym symbol;
        const char *name = gelf_getsym(data, (int)i, &symbol) != NULL
                               ? elf_strptr(lines->elf, header->sh_link, symbol.st_name)
                               : NULL;
        if (name == NULL) {
            continue;
        }
        if (strcmp(name, "go.func.*") == 0 || strcmp(name, "go:func.*") == 0) {
            lines->inlined = extent_at(lines->elf, symbol.st_value);
        } else if (strcmp(name, "runtime.text") == 0) {
            lines->text_start = symbol.st_value; /* the header's may yet have to be relocated */
        }
    }
}

static int read_file(struct go_lines *lines)
{
    size_t names = 0;
    if (lines->elf == NULL || elf_kind(lines->elf) != ELF_K_ELF ||
        elf_getshdrstrndx(lines->elf, &names) != 0) {
        return -ENOENT;
    }
    uint64_t code_start = 0;
    Elf_Scn *symbols = NULL;
    GElf_Shdr symbols_header = {0};
    for (Elf_Scn *section = elf_nextscn(lines->elf, NULL); section != NULL;
         section = elf_nextscn(lines->elf, section)) {
        GElf_Shdr header;
        const char *name = gelf_getshdr(section, &header) != NULL
                               ? elf_strptr(lines->elf, names, header.sh_name)
                               : NULL;
        if (name == NULL) {
            continue;
        }
        if (strcmp(name, ".gopclntab") == 0 || strcmp(name, ".data.rel.ro.gopclntab") == 0) {
            lines->table = section_extent(section);
        } else if (strcmp(name, ".text") == 0) {
            code_start = header.sh_addr;
        } else if (header.sh_type == SHT_SYMTAB) {
            symbols = section;
            symbols_header = header;
        }
    }
    if (lines->table.bytes == NULL) {
        return -ENOENT;
    }
    int r = read_header(lines);
    if (r == 0 && lines->text_start == 0) {
        lines->text_start = code_start;
    }
    if (r == 0 && symbols != NULL) {
        take_symbols(lines, symbols, &symbols_header);
    }
    return r;
}

int go_lines_open(const char *path, struct go_lines **out_lines, struct err *err)
{
    struct go_lines *lines = calloc(1, sizeof(*lines));
    if (lines == NULL) {
        return err_set(err, ENOMEM, "out of memory");
    }
    elf_version(EV_CURRENT);
    /* A pipe in the place of a module must not keep us waiting. */
    struct stat status;
    lines->fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    int r = lines->fd < 0 ? -errno : 0;
    if (r == 0 && (fstat(lines->fd, &status) != 0 || !S_ISREG(status.st_mode))) {
        r = -ENOENT;
    }
    if (r == 0) {
        lines->elf = elf_begin(lines->fd, ELF_C_READ_MMAP, NULL);
        r = read_file(lines);
    }
    if (r < 0) {
        go_lines_close(lines);
        return err_set_errno(err, -r, "cannot read the functions of '%s'", path);
    }
    *out_lines = lines;
    return 0;
}

void go_lines_close(struct go_lines *lines)
{
    if (lines == NULL) {
        return;
    }
    elf_end(lines->elf);
    if (lines->fd >= 0) {
        close(lines->fd);
    }
    free(lines);
}

/* ---- looking up --------------------------------------------------------------------------------
 */

/* What the table says of one function. */
struct go_function {
    struct extent entry; /* from there on */
    uint64_t code_offset;
    uint32_t value_count;
    uint32_t unit;
};

static bool read_function(const struct go_lines *lines, uint64_t index,
                          struct go_function *function)
{
    uint32_t code_offset;
    uint32_t at;
    if (!read_u32(&lines->functions, index * FUNCTION_ENTRY_BYTES, &code_offset) ||
        !read_u32(&lines->functions, index * FUNCTION_ENTRY_BYTES + 4, &at)) {
        return false;
    }
    function->code_offset = code_offset;
    function->entry = part_from(&lines->functions, at);
    return read_u32(&function->entry, FUNCTION_VALUE_COUNT, &function->value_count) &&
           read_u32(&function->entry, FUNCTION_UNIT, &function->unit);
}

/* The last function that begins at or before the offset. */
static bool find_function(const struct go_lines *lines, uint64_t code_offset,
                          struct go_function *function)
{
    uint64_t low = 0;
    uint64_t high = lines->function_count;
    while (low < high) {
        uint64_t middle = low + (high - low) / 2;
        uint32_t start;
        if (!read_u32(&lines->functions, middle * FUNCTION_ENTRY_BYTES, &start)) {
            return false;
        }
        if (start <= code_offset) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    uint32_t end; /* of all code, behind the last function */
    if (low == lines->function_count &&
        (!read_u32(&lines->functions, low * FUNCTION_ENTRY_BYTES, &end) || code_offset >= end)) {
        return false;
    }
    return low > 0 && read_function(lines, low - 1, function);
}

/* The value of a quantity at an offset within its function; false if it has none there. */
static bool value_at(const struct go_lines *lines, uint32_t values, uint64_t offset,
                     int32_t *out_value)
{
    uint64_t at = values;
    uint64_t end = 0;
    int32_t value = -1;
    uint8_t quantum = lines->table.bytes[MINIMAL_QUANTUM_AT];
    bool is_first = true;
    while (values != 0) {
        uint32_t delta;
        uint32_t length;
        if (!read_varint(&lines->values, &at, &delta) || (delta == 0 && !is_first) ||
            !read_varint(&lines->values, &at, &length)) {
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

static void find_place(const struct go_lines *lines, const struct go_function *function,
                       uint64_t offset, struct go_line *line)
{
    uint32_t files;
    uint32_t numbers;
    int32_t value;
    uint32_t file;
    if (read_u32(&function->entry, FUNCTION_FILE_VALUES, &files) &&
        value_at(lines, files, offset, &value) && value >= 0 &&
        read_u32(&lines->units, ((uint64_t)function->unit + (uint32_t)value) * 4, &file)) {
        line->file = read_text(&lines->files, file);
    }
    if (read_u32(&function->entry, FUNCTION_LINE_VALUES, &numbers) &&
        value_at(lines, numbers, offset, &value) && value > 0) {
        line->line = (uint32_t)value;
    }
}

/* The function's tree of inlined calls; false: it has none. */
static bool find_tree(const struct go_lines *lines, const struct go_function *function,
                      struct extent *out_tree)
{
    uint8_t data_count;
    uint32_t at;
    unsigned fixed = lines->is_before_20 ? FUNCTION_BYTES_18 : FUNCTION_BYTES_20;
    unsigned count_at = lines->is_before_20 ? FUNCTION_DATA_COUNT_18 : FUNCTION_DATA_COUNT_20;
    if (lines->inlined.bytes == NULL || !read_u8(&function->entry, count_at, &data_count) ||
        data_count <= TREE_DATA || function->value_count <= TREE_VALUE ||
        !read_u32(&function->entry, fixed + ((uint64_t)function->value_count + TREE_DATA) * 4,
                  &at) ||
        at == NO_DATA) {
        return false;
    }
    *out_tree = part_from(&lines->inlined, at);
    return out_tree->bytes != NULL;
}

/* The inlined call that the code at *offset came from: its function, and from where it was called.
 */
static const char *find_inlined(const struct go_lines *lines, const struct go_function *function,
                                const struct extent *tree, uint64_t *offset)
{
    uint32_t values;
    int32_t index;
    uint32_t name;
    uint32_t parent_offset;
    unsigned fixed = lines->is_before_20 ? FUNCTION_BYTES_18 : FUNCTION_BYTES_20;
    uint64_t call_bytes = lines->is_before_20 ? CALL_BYTES_18 : CALL_BYTES_20;
    if (!read_u32(&function->entry, fixed + TREE_VALUE * 4, &values) ||
        !value_at(lines, values, *offset, &index) || index < 0) {
        return NULL;
    }
    uint64_t at = (uint64_t)index * call_bytes;
    if (!read_u32(tree, at + (lines->is_before_20 ? CALL_NAME_18 : CALL_NAME_20), &name) ||
        !read_u32(tree, at + (lines->is_before_20 ? CALL_PARENT_PC_18 : CALL_PARENT_PC_20),
                  &parent_offset)) {
        return NULL;
    }
    *offset = parent_offset;
    return read_text(&lines->names, name);
}

size_t go_lines_find(const struct go_lines *lines, uint64_t address,
                     struct go_line out_lines[GO_LINES_DEPTH])
{
    struct go_function function;
    struct extent tree;
    uint32_t name;
    size_t count = 0;
    if (address < lines->text_start ||
        !find_function(lines, address - lines->text_start, &function) ||
        !read_u32(&function.entry, FUNCTION_NAME, &name)) {
        return 0;
    }
    uint64_t offset = address - lines->text_start - function.code_offset;
    bool has_tree = find_tree(lines, &function, &tree);
    while (has_tree && count + 1 < GO_LINES_DEPTH) {
        uint64_t outer_offset = offset;
        const char *inlined = find_inlined(lines, &function, &tree, &outer_offset);
        if (inlined == NULL) {
            break;
        }
        out_lines[count] = (struct go_line){.function = inlined};
        find_place(lines, &function, offset, &out_lines[count++]);
        offset = outer_offset;
    }
    out_lines[count] = (struct go_line){.function = read_text(&lines->names, name)};
    find_place(lines, &function, offset, &out_lines[count]);
    return out_lines[count].function == NULL ? 0 : count + 1;
}
