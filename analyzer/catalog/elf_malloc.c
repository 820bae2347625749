#include "elf_malloc.h"

#include <errno.h>
#include <fcntl.h>
#include <gelf.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#if defined(__x86_64__)
#    define OWN_MACHINE EM_X86_64
#elif defined(__aarch64__)
#    define OWN_MACHINE EM_AARCH64
#endif

struct image {
    int fd;
    Elf *elf;
    GElf_Ehdr header;
};

/* Returns 0, a negative errno, or -ENOEXEC if it is no ELF file of this processor. */
static int image_open(struct image *image, const char *path)
{
    *image = (struct image){.fd = open(path, O_RDONLY | O_CLOEXEC)};
    if (image->fd < 0) {
        return -errno;
    }
    elf_version(EV_CURRENT);
    image->elf = elf_begin(image->fd, ELF_C_READ, NULL);
    if (elf_kind(image->elf) != ELF_K_ELF || gelf_getehdr(image->elf, &image->header) == NULL ||
        image->header.e_ident[EI_CLASS] != ELFCLASS64 || image->header.e_machine != OWN_MACHINE) {
        return -ENOEXEC;
    }
    return 0;
}

static void image_close(struct image *image)
{
    elf_end(image->elf);
    if (image->fd >= 0) {
        close(image->fd);
    }
}

/* The first section of that type with its entries, or NULL. */
static Elf_Data *find_entries(const struct image *image, uint32_t type, GElf_Shdr *out_header,
                              size_t *out_count)
{
    for (Elf_Scn *section = elf_nextscn(image->elf, NULL); section != NULL;
         section = elf_nextscn(image->elf, section)) {
        if (gelf_getshdr(section, out_header) == NULL || out_header->sh_type != type ||
            out_header->sh_entsize == 0) {
            continue;
        }
        Elf_Data *data = elf_getdata(section, NULL);
        *out_count = data != NULL ? data->d_size / out_header->sh_entsize : 0;
        return data;
    }
    return NULL;
}

/* Which of the NULL-ended names a table of symbols defines (or else: asks for), or NULL. */
static const char *find_symbol(const struct image *image, uint32_t type, bool is_defined,
                               const char *const *names)
{
    GElf_Shdr header;
    size_t count = 0;
    Elf_Data *data = find_entries(image, type, &header, &count);
    for (size_t i = 0; data != NULL && i < count; i++) {
        GElf_Sym symbol;
        if (gelf_getsym(data, (int)i, &symbol) == NULL ||
            (symbol.st_shndx != SHN_UNDEF) != is_defined) {
            continue;
        }
        const char *found = elf_strptr(image->elf, header.sh_link, symbol.st_name);
        for (const char *const *name = names; found != NULL && *name != NULL; name++) {
            if (strcmp(found, *name) == 0) {
                return *name;
            }
        }
    }
    return NULL;
}

/* The first library that it needs whose name begins like one of those, or NULL. */
static const char *find_needed(const struct image *image, const char *const *beginnings)
{
    GElf_Shdr header;
    size_t count = 0;
    Elf_Data *data = find_entries(image, SHT_DYNAMIC, &header, &count);
    for (size_t i = 0; data != NULL && i < count; i++) {
        GElf_Dyn entry;
        if (gelf_getdyn(data, (int)i, &entry) == NULL || entry.d_tag != DT_NEEDED) {
            continue;
        }
        const char *name = elf_strptr(image->elf, header.sh_link, entry.d_un.d_val);
        for (const char *const *begin = beginnings; name != NULL && *begin != NULL; begin++) {
            if (strncmp(name, *begin, strlen(*begin)) == 0) {
                return name;
            }
        }
    }
    return NULL;
}

/* An allocator whose messages stand among the constants of an image without symbols, or NULL. */
static const char *find_messages(const struct image *image)
{
    static const struct {
        const char *text;
        const char *allocator;
    } messages[] = {{"<jemalloc>: ", "jemalloc"},
                    {"mimalloc: error: ", "mimalloc"},
                    {"tcmalloc.max_total_thread_cache_bytes", "tcmalloc"}};
    for (Elf_Scn *section = elf_nextscn(image->elf, NULL); section != NULL;
         section = elf_nextscn(image->elf, section)) {
        GElf_Shdr header;
        bool is_constant = gelf_getshdr(section, &header) != NULL &&
                           header.sh_type == SHT_PROGBITS &&
                           (header.sh_flags & (SHF_ALLOC | SHF_WRITE | SHF_EXECINSTR)) == SHF_ALLOC;
        const Elf_Data *data = is_constant ? elf_rawdata(section, NULL) : NULL;
        for (size_t i = 0;
             data != NULL && data->d_buf != NULL && i < sizeof(messages) / sizeof(messages[0]);
             i++) {
            const char *text = messages[i].text;
            if (memmem(data->d_buf, data->d_size, text, strlen(text)) != NULL) {
                return messages[i].allocator;
            }
        }
    }
    return NULL;
}

static const char *const malloc_names[] = {"malloc", NULL};

int elf_malloc_check_library(const char *path, struct err *err)
{
    struct image image;
    int r = image_open(&image, path);
    if (r == 0 && image.header.e_type != ET_DYN) {
        r = -ENOEXEC;
    }
    if (r == -ENOEXEC) {
        err_set(err, ENOEXEC, "cannot preload '%s': it is no shared library for this processor",
                path);
    } else if (r < 0) {
        err_set_errno(err, -r, "cannot preload '%s'", path);
    } else if (find_symbol(&image, SHT_DYNSYM, true, malloc_names) == NULL) {
        r = err_set(err, ENOEXEC, "cannot preload '%s': it is no allocator, it defines no malloc",
                    path);
    }
    image_close(&image);
    return r;
}

static void set_text(char *to, size_t size_bytes, const char *text)
{
    (void)snprintf(to, size_bytes, "%s", text != NULL ? text : "");
}

void elf_malloc_look(const char *path, struct elf_malloc *out_malloc)
{
    static const char *const prefixed[] = {"je_malloc", "_rjem_malloc", "mi_malloc", "tc_malloc",
                                           NULL};
    static const char *const called[] = {"je_malloc", "mallocx", "mi_malloc", "tc_malloc", NULL};
    static const char *const allocators[] = {"libjemalloc",  "libtcmalloc", "libmimalloc",
                                             "libtbbmalloc", "libhoard",    NULL};
    static const char *const sanitizers[] = {"libasan.so",       "liblsan.so",       "libtsan.so",
                                             "libclang_rt.asan", "libclang_rt.tsan", NULL};
    struct elf_malloc found = {0};
    struct image image;
    if (image_open(&image, path) == 0) {
        GElf_Shdr header;
        size_t count = 0;
        const char *function = find_symbol(&image, SHT_SYMTAB, true, prefixed);
        bool is_stripped = find_entries(&image, SHT_SYMTAB, &header, &count) == NULL;
        found.is_own = find_symbol(&image, SHT_DYNSYM, true, malloc_names) != NULL;
        set_text(found.function, sizeof(found.function), function);
        set_text(found.linked, sizeof(found.linked), is_stripped ? find_messages(&image) : NULL);
        set_text(found.called, sizeof(found.called),
                 find_symbol(&image, SHT_DYNSYM, false, called));
        set_text(found.library, sizeof(found.library), find_needed(&image, allocators));
        set_text(found.sanitizer, sizeof(found.sanitizer), find_needed(&image, sanitizers));
    }
    image_close(&image);
    *out_malloc = found;
}
