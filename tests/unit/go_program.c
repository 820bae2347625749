#include "go_program.h"

#include <elf.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

enum {
    SECTION_TEXT = 1,
    SECTION_TABLE,
    SECTION_INLINED,
    SECTION_INFO,
    SECTION_SYMBOLS,
    SECTION_STRINGS,
    SECTION_NAMES,
    SECTION_COUNT,
    FILE_BYTES_MAX = 8192,
    INLINED_ADDRESS = 0x500000,
};

struct image {
    unsigned char bytes[FILE_BYTES_MAX];
    size_t size_bytes;
    Elf64_Shdr sections[SECTION_COUNT];
    const struct go_program_options *options;
};

static size_t append(struct image *image, const void *bytes, size_t size_bytes)
{
    size_t at = image->size_bytes;
    assert_true(at + size_bytes < sizeof(image->bytes));
    memcpy(image->bytes + at, bytes, size_bytes);
    image->size_bytes += size_bytes;
    return at;
}

static void put32(unsigned char *at, uint32_t value)
{
    memcpy(at, &value, sizeof(value));
}

static void put64(unsigned char *at, uint64_t value)
{
    memcpy(at, &value, sizeof(value));
}

static void begin_section(struct image *image, int section, uint32_t type, uint64_t address)
{
    image->size_bytes = (image->size_bytes + 15) & ~(size_t)15;
    image->sections[section].sh_type = type;
    image->sections[section].sh_addr = address;
    image->sections[section].sh_offset = image->size_bytes;
}

static void end_section(struct image *image, int section)
{
    image->sections[section].sh_size = image->size_bytes - image->sections[section].sh_offset;
}

/* One function of the table, with its values and its tree. Returns its size. */
static size_t put_function(const struct image *image, unsigned char *at, uint32_t code_offset,
                           uint32_t name, uint32_t files, uint32_t lines, uint32_t tree_values)
{
    size_t fixed = image->options->is_before_20 ? 40 : 44;
    memset(at, 0, fixed);
    put32(at, code_offset);
    put32(at + 4, name);
    put32(at + 20, files);
    put32(at + 24, lines);
    put32(at + 28, 3);
    at[fixed - 1] = 4;
    put32(at + fixed, 0);
    put32(at + fixed + 4, 0);
    put32(at + fixed + 8, tree_values);
    for (size_t i = 0; i < 4; i++) {
        put32(at + fixed + 12 + i * 4, i == 3 && tree_values != 0 ? 16 : UINT32_MAX);
    }
    return fixed + 12 + 16;
}

/* Names, files and values at fixed places; see the constants below. */
static void put_table(struct image *image)
{
    unsigned char table[1024] = {0};
    static const char names[] = "\0main.outer\0main.inner\0main.plain";
    static const char files[] = "\0/src/outer.go\0/src/inner.go";
    /* Pairs of (change, length), changes zigzag from -1. */
    static const unsigned char values[] = {
        0,                                     /* no values begin at 0 */
        2,  0x40, 2,  0x40, 1,  0x80, 0x01, 0, /* 1: files 0, 1, 0 */
        22, 0x40, 40, 0x40, 39, 0x80, 0x01, 0, /* 9: lines 10, 30, 10 */
        0,  0x40, 2,  0x40, 1,  0x80, 0x01, 0, /* 17: in the tree -1, 0, -1 */
        2,  0x40, 0,                           /* 25: file 0 */
        14, 0x40, 0,                           /* 28: line 6 */
    };
    enum {
        NAMES = 72,
        UNITS = 128,
        FILES = 144,
        VALUES = 192,
        FUNCTIONS = 256,
    };
    put32(table, image->options->is_before_20 ? 0xfffffff0u : 0xfffffff1u);
    table[6] = 1;
    table[7] = 8;
    put64(table + 8, 2);
    put64(table + 16, 2);
    put64(table + 24, GO_PROGRAM_TEXT);
    put64(table + 32, NAMES);
    put64(table + 40, UNITS);
    put64(table + 48, FILES);
    put64(table + 56, VALUES);
    put64(table + 64, FUNCTIONS);
    memcpy(table + NAMES, names, sizeof(names));
    put32(table + UNITS, 1);
    put32(table + UNITS + 4, 15);
    memcpy(table + FILES, files, sizeof(files));
    memcpy(table + VALUES, values, sizeof(values));
    size_t at = 32;
    put32(table + FUNCTIONS, 0);
    put32(table + FUNCTIONS + 4, (uint32_t)at);
    at += put_function(image, table + FUNCTIONS + at, 0, 1, 1, 9, 17);
    put32(table + FUNCTIONS + 8, 0x100);
    put32(table + FUNCTIONS + 12, (uint32_t)at);
    at += put_function(image, table + FUNCTIONS + at, 0x100, 23, 25, 28, 0);
    put32(table + FUNCTIONS + 16, 0x140);
    begin_section(image, SECTION_TABLE, SHT_PROGBITS, 0x480000);
    append(image, table, FUNCTIONS + at);
    end_section(image, SECTION_TABLE);
}

static void put_inlined(struct image *image)
{
    unsigned char tree[64] = {0};
    put32(tree + 16 + (image->options->is_before_20 ? 12 : 4), 12);   /* main.inner */
    put32(tree + 16 + (image->options->is_before_20 ? 16 : 8), 0x10); /* where it is called */
    begin_section(image, SECTION_INLINED, SHT_PROGBITS, INLINED_ADDRESS);
    append(image, tree, sizeof(tree));
    end_section(image, SECTION_INLINED);
}

static void put_info(struct image *image)
{
    unsigned char info[96] = "\xff Go buildinf:";
    const char *version = image->options->version;
    begin_section(image, SECTION_INFO, version != NULL ? SHT_PROGBITS : SHT_NULL, 0x600000);
    if (version != NULL) {
        info[14] = 8;
        info[15] = 2;
        info[32] = (unsigned char)strlen(version);
        memcpy(info + 33, version, strlen(version));
        append(image, info, sizeof(info));
    }
    end_section(image, SECTION_INFO);
}

static void put_symbols(struct image *image)
{
    static const struct {
        const char *name;
        uint64_t address;
    } symbols[] = {
        {"runtime.text", GO_PROGRAM_TEXT},
        {"go:func.*", INLINED_ADDRESS},
        {"runtime.mbuckets", GO_PROGRAM_BUCKETS},
        {"runtime.MemProfileRate", GO_PROGRAM_BUCKETS + 8},
        {"runtime.disableMemoryProfiling", GO_PROGRAM_BUCKETS + 16},
        {"runtime.gcenable", GO_PROGRAM_TEXT + 0x100},
    };
    char strings[256] = {0};
    size_t string_bytes = 1;
    begin_section(image, SECTION_SYMBOLS, image->options->is_stripped ? SHT_NULL : SHT_SYMTAB, 0);
    for (size_t i = 0; i < sizeof(symbols) / sizeof(symbols[0]); i++) {
        Elf64_Sym symbol = {.st_name = (Elf64_Word)string_bytes, .st_value = symbols[i].address};
        strcpy(strings + string_bytes, symbols[i].name);
        string_bytes += strlen(symbols[i].name) + 1;
        append(image, &symbol, sizeof(symbol));
    }
    end_section(image, SECTION_SYMBOLS);
    image->sections[SECTION_SYMBOLS].sh_entsize = sizeof(Elf64_Sym);
    image->sections[SECTION_SYMBOLS].sh_link = SECTION_STRINGS;
    begin_section(image, SECTION_STRINGS, SHT_STRTAB, 0);
    append(image, strings, string_bytes);
    end_section(image, SECTION_STRINGS);
}

static void put_section_names(struct image *image)
{
    static const char *const names[SECTION_COUNT] = {
        "", ".text", ".gopclntab", ".inlined", ".go.buildinfo", ".symtab", ".strtab", ".shstrtab",
    };
    begin_section(image, SECTION_NAMES, SHT_STRTAB, 0);
    for (int i = 0; i < SECTION_COUNT; i++) {
        image->sections[i].sh_name =
            (Elf64_Word)(image->size_bytes - image->sections[SECTION_NAMES].sh_offset);
        append(image, names[i], strlen(names[i]) + 1);
    }
    end_section(image, SECTION_NAMES);
}

void go_program_write(const char *path, const struct go_program_options *options,
                      size_t truncated_bytes)
{
    struct image image = {.options = options};
    Elf64_Phdr segments[2] = {
        {.p_type = PT_LOAD, .p_flags = PF_R | PF_X, .p_vaddr = GO_PROGRAM_TEXT, .p_memsz = 0x1000},
        {.p_type = options->has_loader ? PT_INTERP : PT_NOTE},
    };
    Elf64_Ehdr header = {
        .e_ident = {0x7f, 'E', 'L', 'F', ELFCLASS64, ELFDATA2LSB, EV_CURRENT},
        .e_type = ET_EXEC,
#if defined(__x86_64__)
        .e_machine = EM_X86_64,
#else
        .e_machine = EM_AARCH64,
#endif
        .e_version = EV_CURRENT,
        .e_entry = GO_PROGRAM_TEXT,
        .e_phoff = sizeof(header),
        .e_ehsize = sizeof(header),
        .e_phentsize = sizeof(segments[0]),
        .e_phnum = 2,
        .e_shentsize = sizeof(Elf64_Shdr),
        .e_shnum = SECTION_COUNT,
        .e_shstrndx = SECTION_NAMES,
    };
    append(&image, &header, sizeof(header));
    append(&image, segments, sizeof(segments));
    image.sections[SECTION_TEXT] =
        (Elf64_Shdr){.sh_type = SHT_NOBITS, .sh_addr = GO_PROGRAM_TEXT, .sh_size = 0x140};
    put_table(&image);
    put_inlined(&image);
    put_info(&image);
    put_symbols(&image);
    put_section_names(&image);
    image.size_bytes = (image.size_bytes + 15) & ~(size_t)15;
    header.e_shoff = append(&image, image.sections, sizeof(image.sections));
    memcpy(image.bytes, &header, sizeof(header));
    size_t size_bytes = truncated_bytes != 0 && truncated_bytes < image.size_bytes
                            ? truncated_bytes
                            : image.size_bytes;
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0700);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, image.bytes, size_bytes), size_bytes);
    close(fd);
}

char go_program_path[] = "/tmp/allocaudit_go_program_XXXXXX";

int go_program_make_path(void **state)
{
    (void)state;
    int fd = mkstemp(go_program_path);
    close(fd);
    return fd < 0 ? -1 : 0;
}

int go_program_remove_path(void **state)
{
    (void)state;
    return unlink(go_program_path);
}
