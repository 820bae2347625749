#include "deep_bind.h"

#include <dlfcn.h>
#include <errno.h>
#include <link.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>

#include "hook_list.h"
#include "hooks.h"
#include "real.h"
#include "self.h"

#include "banned.h"

#if defined(__x86_64__)
enum {
    RELOCATION_SLOT = R_X86_64_JUMP_SLOT,
    RELOCATION_GLOBAL = R_X86_64_GLOB_DAT,
    RELOCATION_ADDRESS = R_X86_64_64,
};
#elif defined(__aarch64__)
enum {
    RELOCATION_SLOT = R_AARCH64_JUMP_SLOT,
    RELOCATION_GLOBAL = R_AARCH64_GLOB_DAT,
    RELOCATION_ADDRESS = R_AARCH64_ABS64,
};
#endif

enum {
    MODULES_MAX = 256,
};

struct deep_modules {
    const struct link_map *last_before; /* all behind it are new */
    const struct link_map *items[MODULES_MAX];
    unsigned count;
};

/* The part of a module that the loader makes read-only when it is done. */
struct deep_read_only {
    uintptr_t start;
    uintptr_t end;
};

struct deep_tables {
    const ElfW(Sym) * symbols;
    const char *texts;
    const ElfW(Rela) * lists[2];
    size_t list_bytes[2];
};

#define X(result, identifier, symbol, parameters)                                                  \
    extern __attribute__((visibility("hidden"))) result hook_##identifier parameters;
HOOKS(X)
#undef X

static const struct {
    const char *name;
    void (*function)(void);
} hooks[] = {
#define X(result, identifier, symbol, parameters) {symbol, (void (*)(void))hook_##identifier},
    HOOKS(X)
#undef X
};

enum {
    HOOK_COUNT = sizeof(hooks) / sizeof(hooks[0]),
};

static const struct link_map *deep_module_of(const void *address)
{
    struct dl_find_object object;
    bool is_known = _dl_find_object((void *)(uintptr_t)address, &object) == 0;
    return is_known ? object.dlfo_link_map : NULL;
}

static bool deep_has_search_path(const struct link_map *module)
{
    for (const ElfW(Dyn) *entry = module->l_ld; entry->d_tag != DT_NULL; entry++) {
        if (entry->d_tag == DT_RPATH || entry->d_tag == DT_RUNPATH) {
            return true;
        }
    }
    return false;
}

bool deep_bind_can_open(const char *path, const void *caller)
{
    const struct link_map *module = deep_module_of(caller);
    return strchr(path, '$') == NULL &&
           (strchr(path, '/') != NULL || (module != NULL && !deep_has_search_path(module)));
}

static int deep_note_last(struct dl_phdr_info *info, size_t bytes, void *context)
{
    struct deep_modules *modules = context;
    (void)bytes;
    const struct link_map *module = deep_module_of(info->dlpi_phdr);
    modules->last_before = module != NULL ? module : modules->last_before;
    return 0;
}

static int deep_add_new(struct dl_phdr_info *info, size_t bytes, void *context)
{
    struct deep_modules *modules = context;
    (void)bytes;
    const struct link_map *module = deep_module_of(info->dlpi_phdr);
    if (modules->last_before == NULL && module != NULL) {
        modules->items[modules->count++] = module;
    } else if (module == modules->last_before) {
        modules->last_before = NULL;
    }
    return modules->count == MODULES_MAX;
}

/* The loader has turned the addresses in l_ld into absolute ones. */
static struct deep_tables deep_read_tables(const struct link_map *module)
{
    struct deep_tables tables = {0};
    for (const ElfW(Dyn) *entry = module->l_ld; entry->d_tag != DT_NULL; entry++) {
        const void *address = (const void *)entry->d_un.d_ptr;
        switch (entry->d_tag) {
        case DT_SYMTAB:
            tables.symbols = address;
            break;
        case DT_STRTAB:
            tables.texts = address;
            break;
        case DT_JMPREL:
            tables.lists[0] = address;
            break;
        case DT_PLTRELSZ:
            tables.list_bytes[0] = entry->d_un.d_val;
            break;
        case DT_RELA:
            tables.lists[1] = address;
            break;
        case DT_RELASZ:
            tables.list_bytes[1] = entry->d_un.d_val;
            break;
        default:
            break;
        }
    }
    return tables;
}

static struct deep_read_only deep_find_read_only(const struct link_map *module)
{
    struct deep_read_only found = {0};
    struct dl_find_object object;
    if (_dl_find_object((void *)module->l_ld, &object) != 0) {
        return found;
    }
    const ElfW(Ehdr) *header = object.dlfo_map_start;
    const ElfW(Phdr) *segments =
        (const void *)((const char *)object.dlfo_map_start + header->e_phoff);
    for (unsigned i = 0; i < header->e_phnum; i++) {
        if (segments[i].p_type == PT_GNU_RELRO) {
            uintptr_t page = page_bytes();
            uintptr_t start = module->l_addr + segments[i].p_vaddr;
            found.start = start & ~(page - 1);
            found.end = (start + segments[i].p_memsz) & ~(page - 1);
        }
    }
    return found;
}

static void deep_write(void (**slot)(void), void (*function)(void),
                       const struct deep_read_only *read_only)
{
    uintptr_t address = (uintptr_t)slot;
    void *page = (void *)(address & ~(uintptr_t)(page_bytes() - 1));
    bool is_read_only = address >= read_only->start && address < read_only->end;
    if (is_read_only && mprotect(page, page_bytes(), PROT_READ | PROT_WRITE) != 0) {
        return;
    }
    __atomic_store_n(slot, function, __ATOMIC_RELEASE);
    if (is_read_only) {
        (void)mprotect(page, page_bytes(), PROT_READ);
    }
}

/* The hook of that name, if the module was given the function that stands behind it; else NULL. */
static void (*deep_hook_for(const char *name, void *handle))(void)
{
    unsigned i = 0;
    while (i < HOOK_COUNT && strcmp(hooks[i].name, name) != 0) {
        i++;
    }
    void *bound = i < HOOK_COUNT ? dlsym(handle, name) : NULL;
    return bound != NULL && bound == dlsym(RTLD_NEXT, name) ? hooks[i].function : NULL;
}

static void deep_lead_to_us(const struct link_map *module, void *handle)
{
    struct deep_tables tables = deep_read_tables(module);
    struct deep_read_only read_only = deep_find_read_only(module);
    for (unsigned i = 0; i < 2; i++) {
        size_t count = tables.lists[i] != NULL ? tables.list_bytes[i] / sizeof(ElfW(Rela)) : 0;
        for (size_t j = 0; j < count; j++) {
            const ElfW(Rela) *relocation = &tables.lists[i][j];
            unsigned type = (unsigned)ELF64_R_TYPE(relocation->r_info);
            const ElfW(Sym) *symbol = &tables.symbols[ELF64_R_SYM(relocation->r_info)];
            if ((type != RELOCATION_SLOT && type != RELOCATION_GLOBAL &&
                 (type != RELOCATION_ADDRESS || relocation->r_addend != 0)) ||
                symbol->st_shndx != SHN_UNDEF) {
                continue;
            }
            void (*hook)(void) = deep_hook_for(tables.texts + symbol->st_name, handle);
            if (hook != NULL) {
                deep_write((void (**)(void))(module->l_addr + relocation->r_offset), hook,
                           &read_only);
            }
        }
    }
}

/* None is looked into while the loader's list is held; none goes before its handle is given out. */
static void deep_lead_all(struct deep_modules *modules, void *handle)
{
    dl_iterate_phdr(deep_add_new, modules);
    for (unsigned i = 0; i < modules->count; i++) {
        deep_lead_to_us(modules->items[i], handle);
    }
    (void)dlsym(RTLD_NEXT, "malloc"); /* forgets look-ups that have failed: see real.c */
}

void *deep_bind_open(const char *path, int mode)
{
    struct deep_modules modules = {.count = 0};
    dl_iterate_phdr(deep_note_last, &modules);
    void *handle = real.dlopen(path, mode);
    if (handle == NULL || real_malloc_is_replaced()) {
        return handle;
    }
    int code = errno;
    struct self *self = self_enter(HOOK_FRAME);
    struct self_own own = self_own_begin(self); /* looking up may allocate */
    deep_lead_all(&modules, handle);
    self_own_end(self, own);
    if (self != NULL) {
        self_leave(self);
    }
    errno = code;
    return handle;
}
