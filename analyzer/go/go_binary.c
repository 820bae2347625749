#include "go_binary.h"

#include <errno.h>
#include <fcntl.h>
#include <gelf.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* The section .go.buildinfo, by the Go project's debug/buildinfo. */
enum {
    INFO_POINTER_SIZE = 14,
    INFO_FLAGS = 15,
    INFO_POINTERS = 16,
    INFO_TEXT = 32,
    INFO_IS_BIG_ENDIAN = 1,
    INFO_IS_INLINE = 2, /* the version follows; before Go 1.18: a pointer to it */
    SEARCHED_BYTES = 1 << 20,
};

static const char info_magic[] = "\xff Go buildinf:";

int go_version_minor(const char *version)
{
    char *end;
    if (strncmp(version, "go1.", 4) != 0 || version[4] < '0' || version[4] > '9') {
        return GO_MINOR_UNKNOWN;
    }
    long minor = strtol(version + 4, &end, 10);
    return minor > 999 ? GO_MINOR_UNKNOWN : (int)minor;
}

/* Bytes of the loaded image, from the file; false if the file does not hold them all. */
static bool read_loaded(Elf *elf, int fd, uint64_t address, void *bytes, size_t size_bytes)
{
    size_t count = 0;
    if (elf_getphdrnum(elf, &count) != 0) {
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        GElf_Phdr segment;
        if (gelf_getphdr(elf, (int)i, &segment) != NULL && segment.p_type == PT_LOAD &&
            address >= segment.p_vaddr && address - segment.p_vaddr < segment.p_filesz &&
            size_bytes <= segment.p_filesz - (address - segment.p_vaddr)) {
            off_t at = (off_t)(segment.p_offset + (address - segment.p_vaddr));
            return pread(fd, bytes, size_bytes, at) == (ssize_t)size_bytes;
        }
    }
    return false;
}

static void take_version(struct go_binary *binary, const unsigned char *text, size_t size_bytes)
{
    size_t length = size_bytes < GO_VERSION_BYTES - 1 ? size_bytes : GO_VERSION_BYTES - 1;
    memcpy(binary->version, text, length);
    binary->version[length] = '\0';
    for (size_t i = 0; i < length; i++) {
        if (binary->version[i] < ' ' || binary->version[i] > '~') {
            binary->version[i] = '?';
        }
    }
    binary->minor = go_version_minor(binary->version);
}

static void read_inline_version(struct go_binary *binary, const unsigned char *info,
                                size_t size_bytes)
{
    size_t length = 0;
    size_t at = INFO_TEXT;
    for (unsigned shift = 0; at < size_bytes && shift < 28; shift += 7) {
        length |= (size_t)(info[at] & 0x7f) << shift;
        if ((info[at++] & 0x80) == 0) {
            break;
        }
    }
    if (length <= size_bytes - at) {
        take_version(binary, info + at, length);
    }
}

static void read_pointed_version(struct go_binary *binary, Elf *elf, int fd,
                                 const unsigned char *info)
{
    uint64_t pointer;
    uint64_t header[2]; /* of a Go string: bytes, length */
    unsigned char text[GO_VERSION_BYTES];
    memcpy(&pointer, info + INFO_POINTERS, sizeof(pointer));
    if (read_loaded(elf, fd, pointer, header, sizeof(header)) && header[1] < sizeof(text) &&
        read_loaded(elf, fd, header[0], text, header[1])) {
        take_version(binary, text, header[1]);
    }
}

static bool read_info(struct go_binary *binary, Elf *elf, int fd, const unsigned char *info,
                      size_t size_bytes)
{
    size_t magic_bytes = sizeof(info_magic) - 1;
    if (size_bytes < INFO_TEXT || memcmp(info, info_magic, magic_bytes) != 0) {
        return false;
    }
    if ((info[INFO_FLAGS] & INFO_IS_INLINE) != 0) {
        read_inline_version(binary, info, size_bytes);
    } else if ((info[INFO_FLAGS] & INFO_IS_BIG_ENDIAN) == 0 && info[INFO_POINTER_SIZE] == 8) {
        read_pointed_version(binary, elf, fd, info);
    }
    return true;
}

/* Where there are no sections: it lies at a multiple of 16 at the start of the data. */
static bool search_segments(struct go_binary *binary, Elf *elf, int fd)
{
    size_t count = 0;
    bool is_found = false;
    unsigned char *bytes = elf_getphdrnum(elf, &count) == 0 ? malloc(SEARCHED_BYTES) : NULL;
    for (size_t i = 0; bytes != NULL && !is_found && i < count; i++) {
        GElf_Phdr segment;
        if (gelf_getphdr(elf, (int)i, &segment) == NULL || segment.p_type != PT_LOAD ||
            (segment.p_flags & PF_W) == 0) {
            continue;
        }
        size_t wanted = segment.p_filesz < SEARCHED_BYTES ? segment.p_filesz : SEARCHED_BYTES;
        ssize_t read_bytes = pread(fd, bytes, wanted, (off_t)segment.p_offset);
        for (ssize_t at = 0; at + INFO_TEXT <= read_bytes && !is_found; at += 16) {
            is_found = read_info(binary, elf, fd, bytes + at, (size_t)(read_bytes - at));
        }
    }
    free(bytes);
    return is_found;
}

static void take_symbol(struct go_binary *binary, const char *name, uint64_t address)
{
    const struct {
        const char *name;
        uint64_t *address;
    } wanted[] = {
        {"runtime.mbuckets", &binary->buckets_address},
        {"runtime.MemProfileRate", &binary->rate_address},
        {"runtime.disableMemoryProfiling", &binary->unlinked_address},
        {"runtime.gcenable", &binary->ready_address},
        {"runtime.envs", &binary->environment_address},
    };
    for (size_t i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++) {
        if (strcmp(name, wanted[i].name) == 0) {
            *wanted[i].address = address;
            binary->has_symbols = true;
        }
    }
}

static void read_symbols(struct go_binary *binary, Elf *elf, Elf_Scn *section,
                         const GElf_Shdr *header)
{
    Elf_Data *data = elf_getdata(section, NULL);
    if (data == NULL || header->sh_entsize == 0) {
        return;
    }
    for (size_t i = 0; i < header->sh_size / header->sh_entsize; i++) {
        GElf_Sym symbol;
        if (gelf_getsym(data, (int)i, &symbol) == NULL) {
            return;
        }
        const char *name = elf_strptr(elf, header->sh_link, symbol.st_name);
        if (name != NULL && strncmp(name, "runtime.", 8) == 0) {
            take_symbol(binary, name, symbol.st_value);
        }
    }
}

static bool read_sections(struct go_binary *binary, Elf *elf, int fd)
{
    size_t names = 0;
    bool is_found = false;
    if (elf_getshdrstrndx(elf, &names) != 0) {
        return false;
    }
    for (Elf_Scn *section = elf_nextscn(elf, NULL); section != NULL;
         section = elf_nextscn(elf, section)) {
        GElf_Shdr header;
        const char *name =
            gelf_getshdr(section, &header) != NULL ? elf_strptr(elf, names, header.sh_name) : NULL;
        Elf_Data *data = NULL;
        if (name != NULL && strcmp(name, ".go.buildinfo") == 0) {
            data = elf_getdata(section, NULL);
        }
        if (data != NULL && data->d_buf != NULL) {
            is_found = read_info(binary, elf, fd, data->d_buf, data->d_size) || is_found;
        }
        if (name != NULL && header.sh_type == SHT_SYMTAB) {
            read_symbols(binary, elf, section, &header);
        }
    }
    return is_found;
}

static void read_segments(struct go_binary *binary, Elf *elf)
{
    size_t count = 0;
    binary->is_static = true;
    if (elf_getphdrnum(elf, &count) != 0) {
        return;
    }
    for (size_t i = 0; i < count; i++) {
        GElf_Phdr segment;
        if (gelf_getphdr(elf, (int)i, &segment) == NULL) {
            return;
        }
        if (segment.p_type == PT_INTERP) {
            binary->is_static = false;
        } else if (segment.p_type == PT_LOAD && (segment.p_flags & PF_X) != 0 &&
                   binary->text_end == 0) {
            binary->text_start = segment.p_vaddr;
            binary->text_end = segment.p_vaddr + segment.p_memsz;
        }
    }
}

int go_binary_read(const char *path, struct go_binary *out_binary, struct err *err)
{
    struct go_binary binary = {.minor = GO_MINOR_UNKNOWN};
    int result = -ENOENT;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        return err_set_errno(err, errno == ENOENT ? EACCES : errno, "cannot read '%s'", path);
    }
    elf_version(EV_CURRENT);
    Elf *elf = elf_begin(fd, ELF_C_READ, NULL);
    GElf_Ehdr header;
    if (elf != NULL && elf_kind(elf) == ELF_K_ELF && gelf_getclass(elf) == ELFCLASS64 &&
        gelf_getehdr(elf, &header) != NULL &&
        (read_sections(&binary, elf, fd) || search_segments(&binary, elf, fd))) {
        binary.entry_address = header.e_entry;
        read_segments(&binary, elf);
        *out_binary = binary;
        result = 0;
    }
    elf_end(elf);
    close(fd);
    return result;
}
