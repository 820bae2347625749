#include "debug_file.h"

#include <elfutils/libdwelf.h>
#include <errno.h>
#include <fcntl.h>
#include <gelf.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    BUILD_ID_MAX_BYTES = 64,
    BUILD_ID_HEX_BYTES = 2 * BUILD_ID_MAX_BYTES + 1
};

static const char *debug_root = "/usr/lib/debug";

void debug_file_set_root(const char *root)
{
    debug_root = root != NULL ? root : "/usr/lib/debug";
}

/* Gives "" where there is none. */
static void read_build_id(Elf *elf, char hex[BUILD_ID_HEX_BYTES])
{
    const void *id = NULL;
    ssize_t size_bytes = dwelf_elf_gnu_build_id(elf, &id);
    hex[0] = '\0';
    if (size_bytes > BUILD_ID_MAX_BYTES) {
        return;
    }
    for (ssize_t i = 0; i < size_bytes; i++) {
        snprintf(hex + 2 * i, 3, "%02x", ((const unsigned char *)id)[i]);
    }
}

/* A path from a recording may by now be anything, a FIFO included. */
static int open_regular(const char *path)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd < 0) {
        return -errno;
    }
    struct stat status;
    if (fstat(fd, &status) < 0 || !S_ISREG(status.st_mode)) {
        close(fd);
        return -ENOEXEC;
    }
    return fd;
}

int debug_file_open(const char *path, const char *build_id, struct debug_file *out_file)
{
    *out_file = (struct debug_file){.fd = -1};
    size_t path_bytes = strlen(path) + 1;
    if (path_bytes > sizeof(out_file->path)) {
        return -ENAMETOOLONG;
    }
    memcpy(out_file->path, path, path_bytes);
    int fd = open_regular(path);
    if (fd < 0) {
        return fd;
    }

    out_file->fd = fd;
    elf_version(EV_CURRENT);
    out_file->elf = elf_begin(fd, ELF_C_READ_MMAP, NULL);
    if (out_file->elf == NULL || elf_kind(out_file->elf) != ELF_K_ELF) {
        debug_file_close(out_file);
        return -ENOEXEC;
    }
    char found_id[BUILD_ID_HEX_BYTES];
    read_build_id(out_file->elf, found_id);
    if (build_id != NULL && strcasecmp(found_id, build_id) != 0) {
        debug_file_close(out_file);
        return -ESTALE;
    }
    return 0;
}

static int open_printf(struct debug_file *out_file, const char *build_id, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static int open_printf(struct debug_file *out_file, const char *build_id, const char *format, ...)
{
    char path[PATH_MAX];
    va_list args;
    va_start(args, format);
    int length = vsnprintf(path, sizeof(path), format, args);
    va_end(args);
    if (length < 0 || (size_t)length >= sizeof(path)) {
        return -ENAMETOOLONG;
    }
    return debug_file_open(path, build_id, out_file);
}

/* The checksum of .gnu_debuglink: CRC-32 as in zip files. */
static bool has_crc(int fd, uint32_t expected)
{
    static uint32_t table[256];
    if (table[1] == 0) {
        for (uint32_t i = 0; i < 256; i++) {
            uint32_t rest = i;
            for (int bit = 0; bit < 8; bit++) {
                rest = rest >> 1 ^ (rest & 1 ? 0xedb88320u : 0);
            }
            table[i] = rest;
        }
    }

    unsigned char bytes[16384];
    uint32_t crc = ~0u;
    off_t offset = 0;
    for (;;) {
        ssize_t n = pread(fd, bytes, sizeof(bytes), offset);
        if (n < 0) {
            return false;
        }
        if (n == 0) {
            return ~crc == expected;
        }
        for (ssize_t i = 0; i < n; i++) {
            crc = table[(crc ^ bytes[i]) & 0xff] ^ crc >> 8;
        }
        offset += n;
    }
}

/* Beside the module, in .debug beside it, or under the root at the module's path. */
static int find_by_link(const struct debug_file *module, const char *build_id,
                        struct debug_file *out_file)
{
    GElf_Word crc;
    const char *name = dwelf_elf_gnu_debuglink(module->elf, &crc);
    const char *slash = strrchr(module->path, '/');
    if (name == NULL || strchr(name, '/') != NULL) {
        return -ENOENT;
    }
    int length = slash == NULL ? 1 : (int)(slash - module->path);
    const char *folder = slash == NULL ? "." : module->path;

    for (int place = 0; place < 3; place++) {
        int r =
            place == 0 ? open_printf(out_file, build_id, "%.*s/%s", length, folder, name)
            : place == 1
                ? open_printf(out_file, build_id, "%.*s/.debug/%s", length, folder, name)
                : open_printf(out_file, build_id, "%s/%.*s/%s", debug_root, length, folder, name);
        if (r < 0) {
            continue;
        }
        bool is_module = strcmp(out_file->path, module->path) == 0;
        if (!is_module && (build_id != NULL || has_crc(out_file->fd, crc))) {
            return 0;
        }
        debug_file_close(out_file);
    }
    return -ENOENT;
}

int debug_file_find(const struct debug_file *module, const char *build_id,
                    struct debug_file *out_file)
{
    char found_id[BUILD_ID_HEX_BYTES] = "";
    if (build_id == NULL && module->elf != NULL) {
        read_build_id(module->elf, found_id);
        build_id = found_id[0] != '\0' ? found_id : NULL;
    }
    if (build_id != NULL && strlen(build_id) > 2 && strchr(build_id, '/') == NULL) {
        int r = open_printf(out_file, build_id, "%s/.build-id/%.2s/%s.debug", debug_root, build_id,
                            build_id + 2);
        if (r == 0) {
            return 0;
        }
    }
    return module->elf != NULL ? find_by_link(module, build_id, out_file) : -ENOENT;
}

bool debug_file_has_section(const struct debug_file *file, const char *name)
{
    size_t names_index;
    if (file->elf == NULL || elf_getshdrstrndx(file->elf, &names_index) != 0) {
        return false;
    }
    for (Elf_Scn *section = elf_nextscn(file->elf, NULL); section != NULL;
         section = elf_nextscn(file->elf, section)) {
        GElf_Shdr header;
        if (gelf_getshdr(section, &header) == NULL || header.sh_type == SHT_NOBITS) {
            continue;
        }
        const char *found_name = elf_strptr(file->elf, names_index, header.sh_name);
        if (found_name != NULL && strcmp(found_name, name) == 0) {
            return true;
        }
    }
    return false;
}

void debug_file_close(struct debug_file *file)
{
    if (file->elf != NULL) {
        elf_end(file->elf);
        close(file->fd);
    } else if (file->fd > 0) {
        close(file->fd);
    }
    file->elf = NULL;
    file->fd = -1;
}
