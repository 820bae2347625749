#include "go_lines.h"

#include <errno.h>
#include <fcntl.h>
#include <gelf.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "go_functions.h"

struct go_lines {
    int fd;
    Elf *elf;
    struct go_functions functions;
    struct extent inlined; /* all trees of inlined calls; empty: not known where */
};

#define NO_DATA UINT32_MAX

enum {
    TREE_VALUE = 2, /* which of a function's values is the place in its tree */
    TREE_DATA = 3,  /* which of a function's data is the tree */
};

/* Where that stands in what the table says of a function, in the two layouts. */
enum {
    FUNCTION_DATA_COUNT_18 = 39,
    FUNCTION_BYTES_18 = 40,
    FUNCTION_DATA_COUNT_20 = 43,
    FUNCTION_BYTES_20 = 44,
};

/* An inlined call. */
enum {
    CALL_BYTES_18 = 20,
    CALL_NAME_18 = 12,
    CALL_PARENT_PC_18 = 16,
    CALL_BYTES_20 = 16,
    CALL_NAME_20 = 4,
    CALL_PARENT_PC_20 = 8,
};

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
            return extent_from(&whole, address - header.sh_addr);
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
            lines->functions.text_start =
                symbol.st_value; /* the header's may yet have to be relocated */
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
    struct extent table = {0};
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
            table = section_extent(section);
        } else if (strcmp(name, ".text") == 0) {
            code_start = header.sh_addr;
        } else if (header.sh_type == SHT_SYMTAB) {
            symbols = section;
            symbols_header = header;
        }
    }
    if (table.bytes == NULL) {
        return -ENOENT;
    }
    int r = go_functions_read(&table, &lines->functions);
    if (r == 0 && lines->functions.text_start == 0) {
        lines->functions.text_start = code_start;
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

/* The function's tree of inlined calls; false: it has none. */
static bool find_tree(const struct go_lines *lines, const struct go_function *function,
                      struct extent *out_tree)
{
    uint8_t data_count;
    uint32_t at;
    unsigned fixed = lines->functions.is_before_20 ? FUNCTION_BYTES_18 : FUNCTION_BYTES_20;
    unsigned count_at =
        lines->functions.is_before_20 ? FUNCTION_DATA_COUNT_18 : FUNCTION_DATA_COUNT_20;
    if (lines->inlined.bytes == NULL || !extent_u8(&function->entry, count_at, &data_count) ||
        data_count <= TREE_DATA || function->value_count <= TREE_VALUE ||
        !extent_u32(&function->entry, fixed + ((uint64_t)function->value_count + TREE_DATA) * 4,
                    &at) ||
        at == NO_DATA) {
        return false;
    }
    *out_tree = extent_from(&lines->inlined, at);
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
    unsigned fixed = lines->functions.is_before_20 ? FUNCTION_BYTES_18 : FUNCTION_BYTES_20;
    uint64_t call_bytes = lines->functions.is_before_20 ? CALL_BYTES_18 : CALL_BYTES_20;
    if (!extent_u32(&function->entry, fixed + TREE_VALUE * 4, &values) ||
        !go_functions_value(&lines->functions, values, *offset, &index) || index < 0) {
        return NULL;
    }
    uint64_t at = (uint64_t)index * call_bytes;
    if (!extent_u32(tree, at + (lines->functions.is_before_20 ? CALL_NAME_18 : CALL_NAME_20),
                    &name) ||
        !extent_u32(tree,
                    at + (lines->functions.is_before_20 ? CALL_PARENT_PC_18 : CALL_PARENT_PC_20),
                    &parent_offset)) {
        return NULL;
    }
    *offset = parent_offset;
    return extent_text(&lines->functions.names, name);
}

static void find_place(const struct go_lines *lines, const struct go_function *function,
                       uint64_t offset, struct go_line *line)
{
    go_functions_place(&lines->functions, function, offset, &line->file, &line->line);
}

size_t go_lines_find(const struct go_lines *lines, uint64_t address,
                     struct go_line out_lines[GO_LINES_DEPTH])
{
    struct go_function function;
    struct extent tree;
    size_t count = 0;
    if (address < lines->functions.text_start ||
        !go_functions_find(&lines->functions, address - lines->functions.text_start, &function)) {
        return 0;
    }
    uint64_t offset = address - lines->functions.text_start - function.code_offset;
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
    out_lines[count] =
        (struct go_line){.function = extent_text(&lines->functions.names, function.name)};
    find_place(lines, &function, offset, &out_lines[count]);
    return out_lines[count].function == NULL ? 0 : count + 1;
}
