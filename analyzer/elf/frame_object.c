#include "frame_object.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "../../schema/frame_symbols.h"

enum {
    PAGE_BYTES = 4096,
    STUB_BYTES = 32,
    SEGMENT_COUNT = 4,
    SLOT_ENTRY = 0, /* the addresses in the library that stubs jump to */
    SLOT_DLSYM,
    SLOT_COUNT,
    SYMBOL_ENTRY = 1, /* of the symbol table; 0 is the empty one */
    SYMBOL_DLSYM_TARGET,
    SYMBOL_TABLE,
    SYMBOL_DLSYM,
    SYMBOL_FIRST, /* of those named */
    SYMBOLS_MAX = SYMBOL_FIRST + FRAME_SYMBOLS_MAX,
    STUBS_MAX = 1 + 2 * FRAME_SYMBOLS_MAX, /* dlsym, then two for each symbol */
    NAMES_BYTES = 2048,
    CODE_BYTES = STUB_BYTES * STUBS_MAX,
};

/* What is mapped to be read and run. */
struct object_text {
    Elf64_Ehdr header;
    Elf64_Phdr segments[SEGMENT_COUNT];
    struct {
        uint32_t bucket_count;
        uint32_t chain_count;
        uint32_t bucket;
        uint32_t chain[SYMBOLS_MAX];
    } hash;
    uint32_t padding;
    Elf64_Sym symbols[SYMBOLS_MAX];
    Elf64_Rela relocations[SLOT_COUNT];
    char names[NAMES_BYTES];
    unsigned char code[CODE_BYTES];
};

/* What is mapped to be written. */
struct object_data {
    Elf64_Dyn dynamic[12];
    uint64_t slots[SLOT_COUNT];
    struct frame_symbols table;
};

/* Addresses are offsets in the file. */
struct object {
    union {
        struct object_text text;
        char text_pages[2 * PAGE_BYTES];
    };
    struct object_data data;
};

_Static_assert(sizeof(struct object_text) <= 2 * (size_t)PAGE_BYTES, "text fits its pages");

#define TEXT_AT(member) ((uint64_t)offsetof(struct object, text.member))
#define DATA_AT(member) ((uint64_t)offsetof(struct object, data.member))

/* ---- code --------------------------------------------------------------------------------------
 */

static const unsigned char begin_code[] = {0xf3, 0x0f, 0x1e, 0xfa}; /* endbr64 */
static const unsigned char load_code[] = {0x4c, 0x8d, 0x1d};        /* lea relative(%rip), %r11 */
static const unsigned char jump_code[] = {0xff, 0x25};              /* jmp *relative(%rip) */

static void put_relative(unsigned char *at, uint64_t target, uint64_t next)
{
    int32_t distance = (int32_t)((int64_t)target - (int64_t)next);
    memcpy(at, &distance, sizeof(distance));
}

static uint64_t stub_address(size_t stub)
{
    return TEXT_AT(code) + stub * STUB_BYTES;
}

/* endbr64; jmp *slot(%rip) */
static void put_jump(struct object *object, size_t stub, size_t used, int slot)
{
    unsigned char *at = object->text.code + stub * STUB_BYTES + used;
    memcpy(at, jump_code, sizeof(jump_code));
    put_relative(at + 2, DATA_AT(slots) + (uint64_t)slot * 8, stub_address(stub) + used + 6);
}

static size_t put_begin(struct object *object, size_t stub)
{
    memset(object->text.code + stub * STUB_BYTES, 0xcc, STUB_BYTES);
    memcpy(object->text.code + stub * STUB_BYTES, begin_code, sizeof(begin_code));
    return sizeof(begin_code);
}

/* endbr64; lea symbol(%rip),%r11; jmp *entry(%rip) */
static void put_frame_stub(struct object *object, size_t stub, uint64_t symbol_address)
{
    size_t used = put_begin(object, stub);
    unsigned char *at = object->text.code + stub * STUB_BYTES + used;
    memcpy(at, load_code, sizeof(load_code));
    put_relative(at + 3, symbol_address, stub_address(stub) + used + 7);
    put_jump(object, stub, used + 7, SLOT_ENTRY);
}

/* ---- tables ------------------------------------------------------------------------------------
 */

/* Returns the offset of the name, or 0 if there is no room. */
static uint32_t put_name(struct object *object, uint32_t *used, const char *name)
{
    size_t bytes = strlen(name) + 1;
    uint32_t offset = *used;
    if (bytes > NAMES_BYTES - offset) {
        return 0;
    }
    memcpy(object->text.names + offset, name, bytes);
    *used += (uint32_t)bytes;
    return offset;
}

static void put_symbol(struct object *object, int number, uint32_t name, unsigned char type,
                       uint64_t address, uint64_t bytes)
{
    object->text.symbols[number] = (Elf64_Sym){
        .st_name = name,
        .st_info = ELF64_ST_INFO(STB_GLOBAL, type),
        .st_shndx = address == 0 ? SHN_UNDEF : 1, /* there are no sections: any but none */
        .st_value = address,
        .st_size = bytes,
    };
}

/* All symbols hang in one chain: there are few. */
static void put_hash(struct object *object, uint32_t symbol_count)
{
    object->text.hash.bucket_count = 1;
    object->text.hash.chain_count = symbol_count;
    object->text.hash.bucket = SYMBOL_TABLE;
    for (uint32_t i = SYMBOL_TABLE; i + 1 < symbol_count; i++) {
        object->text.hash.chain[i] = i + 1;
    }
}

static void put_headers(struct object *object)
{
    Elf64_Ehdr *header = &object->text.header;
    *header = (Elf64_Ehdr){
        .e_type = ET_DYN,
        .e_machine = EM_X86_64,
        .e_version = EV_CURRENT,
        .e_phoff = TEXT_AT(segments),
        .e_ehsize = sizeof(Elf64_Ehdr),
        .e_phentsize = sizeof(Elf64_Phdr),
        .e_phnum = SEGMENT_COUNT,
        .e_shentsize = sizeof(Elf64_Shdr),
    };
    memcpy(header->e_ident, ELFMAG, SELFMAG);
    header->e_ident[EI_CLASS] = ELFCLASS64;
    header->e_ident[EI_DATA] = ELFDATA2LSB;
    header->e_ident[EI_VERSION] = EV_CURRENT;
    const uint64_t data = offsetof(struct object, data);
    const uint64_t dynamic = DATA_AT(dynamic);
    const uint64_t data_bytes = sizeof(object->data);
    const uint64_t dynamic_bytes = sizeof(object->data.dynamic);
    const Elf64_Phdr segments[SEGMENT_COUNT] = {
        {PT_LOAD, PF_R | PF_X, 0, 0, 0, data, data, PAGE_BYTES},
        {PT_LOAD, PF_R | PF_W, data, data, data, data_bytes, data_bytes, PAGE_BYTES},
        {PT_DYNAMIC, PF_R | PF_W, dynamic, dynamic, dynamic, dynamic_bytes, dynamic_bytes, 8},
        {PT_GNU_STACK, PF_R | PF_W, 0, 0, 0, 0, 0, 16}, /* or stacks became executable */
    };
    memcpy(object->text.segments, segments, sizeof(segments));
}

static void put_dynamic(struct object *object, uint32_t names_bytes, uint32_t soname)
{
    const Elf64_Dyn dynamic[] = {
        {DT_SONAME, {soname}},
        {DT_HASH, {TEXT_AT(hash)}},
        {DT_SYMTAB, {TEXT_AT(symbols)}},
        {DT_STRTAB, {TEXT_AT(names)}},
        {DT_STRSZ, {names_bytes}},
        {DT_SYMENT, {sizeof(Elf64_Sym)}},
        {DT_RELA, {TEXT_AT(relocations)}},
        {DT_RELASZ, {sizeof(object->text.relocations)}},
        {DT_RELAENT, {sizeof(Elf64_Rela)}},
        {DT_FLAGS_1, {DF_1_NODELETE}},
        {DT_NULL, {0}},
    };
    _Static_assert(sizeof(dynamic) <= sizeof(object->data.dynamic), "room for all entries");
    memcpy(object->data.dynamic, dynamic, sizeof(dynamic));
    static const int targets[SLOT_COUNT] = {SYMBOL_ENTRY, SYMBOL_DLSYM_TARGET};
    for (int slot = 0; slot < SLOT_COUNT; slot++) {
        object->text.relocations[slot] = (Elf64_Rela){
            .r_offset = DATA_AT(slots) + (uint64_t)slot * 8,
            .r_info = ELF64_R_INFO((uint64_t)targets[slot], R_X86_64_GLOB_DAT),
        };
    }
}

/* ---- the object --------------------------------------------------------------------------------
 */

static int put_frame_symbol(struct object *object, size_t number, const char *name, uint32_t *used)
{
    uint32_t offset = put_name(object, used, name);
    if (offset == 0) {
        return -EINVAL;
    }
    size_t stub = 1 + 2 * number;
    uint64_t entry = DATA_AT(table) + offsetof(struct frame_symbols, symbols) +
                     number * sizeof(struct frame_symbol);
    put_frame_stub(object, stub, entry);
    put_frame_stub(object, stub + 1, entry + 1);
    put_symbol(object, SYMBOL_FIRST + (int)number, offset, STT_FUNC, stub_address(stub),
               STUB_BYTES);
    object->data.table.symbols[number] = (struct frame_symbol){
        .name_offset = (int64_t)(TEXT_AT(names) + offset) - (int64_t)entry,
        .stub_offset = (int64_t)stub_address(stub + 1) - (int64_t)entry,
    };
    return 0;
}

static int fill(struct object *object, const char *const *symbols, size_t count)
{
    uint32_t used = 1;
    const uint32_t soname = put_name(object, &used, FRAME_OBJECT_FILE);
    put_symbol(object, SYMBOL_ENTRY, put_name(object, &used, FRAME_ENTRY_NAME), STT_FUNC, 0, 0);
    put_symbol(object, SYMBOL_DLSYM_TARGET, put_name(object, &used, FRAME_DLSYM_NAME), STT_FUNC, 0,
               0);
    put_symbol(object, SYMBOL_TABLE, put_name(object, &used, FRAME_TABLE_NAME), STT_OBJECT,
               DATA_AT(table), sizeof(struct frame_symbols));
    put_symbol(object, SYMBOL_DLSYM, put_name(object, &used, "dlsym"), STT_FUNC, stub_address(0),
               STUB_BYTES);
    put_jump(object, 0, put_begin(object, 0), SLOT_DLSYM);
    object->data.table.symbol_count = count;
    int result = 0;
    for (size_t i = 0; i < count && result == 0; i++) {
        result = put_frame_symbol(object, i, symbols[i], &used);
    }
    put_hash(object, SYMBOL_FIRST + (uint32_t)count);
    put_headers(object);
    put_dynamic(object, used, soname);
    return result;
}

int frame_object_make(const char *const *symbols, size_t count, struct str *image)
{
    if (count == 0 || count > FRAME_SYMBOLS_MAX) {
        return -EINVAL;
    }
    struct object *object = calloc(1, sizeof(*object));
    if (object == NULL) {
        return -ENOMEM;
    }
    int result = fill(object, symbols, count);
    if (result == 0) {
        result = str_append_bytes(image, object, sizeof(*object));
    }
    free(object);
    return result;
}

static int check_runs(int fd, const char *directory, struct err *err)
{
    void *code = mmap(NULL, PAGE_BYTES, PROT_READ | PROT_EXEC, MAP_PRIVATE, fd, 0);
    if (code == MAP_FAILED) {
        return err_set_errno(err, errno, "cannot run code from '%s'", directory);
    }
    munmap(code, PAGE_BYTES);
    return 0;
}

int frame_object_write(const char *directory, const char *const *symbols, size_t count,
                       struct err *err)
{
    char path[PATH_MAX];
    struct str image = {0};
    (void)snprintf(path, sizeof(path), "%s/" FRAME_OBJECT_FILE, directory);
    int result = frame_object_make(symbols, count, &image);
    if (result < 0) {
        str_fini(&image);
        return err_set_errno(err, -result, "cannot make '%s'", path);
    }
    int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    ssize_t written = fd >= 0 ? write(fd, image.text, image.size_bytes) : -1;
    if (written != (ssize_t)image.size_bytes) {
        result = err_set_errno(err, written >= 0 ? ENOSPC : errno, "cannot write '%s'", path);
    } else {
        result = check_runs(fd, directory, err);
    }
    if (fd >= 0) {
        close(fd);
    }
    if (fd >= 0 && result < 0) {
        unlink(path);
    }
    str_fini(&image);
    return result;
}
