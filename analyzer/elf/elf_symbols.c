#include "elf_symbols.h"

#include <errno.h>
#include <gelf.h>
#include <stdlib.h>
#include <string.h>

#include "address_map.h"

struct function {
    uint64_t start;
    uint64_t end;         /* 0: the table does not say */
    uint64_t section_end; /* where such a function ends at the latest */
    const char *name;
    unsigned char binding;
};

struct elf_symbols {
    struct address_map map; /* values are the addresses of the names */
};

static int binding_rank(unsigned char binding)
{
    return binding == STB_GLOBAL ? 0 : binding == STB_WEAK ? 1 : 2;
}

/* By address; of several names for one, the best comes first. */
static int compare(const void *left, const void *right)
{
    const struct function *a = left;
    const struct function *b = right;
    if (a->start != b->start) {
        return a->start < b->start ? -1 : 1;
    }
    int rank = binding_rank(a->binding) - binding_rank(b->binding);
    if (rank != 0) {
        return rank;
    }
    size_t a_underscores = strspn(a->name, "_");
    size_t b_underscores = strspn(b->name, "_");
    if (a_underscores != b_underscores) {
        return a_underscores < b_underscores ? -1 : 1;
    }
    size_t a_length = strlen(a->name);
    size_t b_length = strlen(b->name);
    if (a_length != b_length) {
        return a_length < b_length ? -1 : 1;
    }
    return strcmp(a->name, b->name);
}

static Elf_Scn *find_table(Elf *elf, uint32_t section_type, GElf_Shdr *out_header)
{
    for (Elf_Scn *section = elf_nextscn(elf, NULL); section != NULL;
         section = elf_nextscn(elf, section)) {
        if (gelf_getshdr(section, out_header) != NULL && out_header->sh_type == section_type) {
            return section;
        }
    }
    return NULL;
}

static uint64_t section_end(Elf *elf, size_t index)
{
    GElf_Shdr header;
    Elf_Scn *section = elf_getscn(elf, index);
    if (section == NULL || gelf_getshdr(section, &header) == NULL) {
        return 0;
    }
    return header.sh_addr + header.sh_size;
}

static size_t read_functions(Elf *elf, Elf_Data *data, size_t count, size_t strings_index,
                             struct function *functions)
{
    size_t function_count = 0;
    for (size_t i = 0; i < count; i++) {
        GElf_Sym symbol;
        if (gelf_getsym(data, (int)i, &symbol) == NULL) {
            break;
        }
        unsigned char type = GELF_ST_TYPE(symbol.st_info);
        if ((type != STT_FUNC && type != STT_GNU_IFUNC) || symbol.st_shndx == SHN_UNDEF) {
            continue;
        }
        const char *name = elf_strptr(elf, strings_index, symbol.st_name);
        if (name == NULL || name[0] == '\0') {
            continue;
        }
        functions[function_count++] = (struct function){
            .start = symbol.st_value,
            .end = symbol.st_size == 0 ? 0 : symbol.st_value + symbol.st_size,
            .section_end = symbol.st_size == 0 ? section_end(elf, symbol.st_shndx) : 0,
            .name = name,
            .binding = GELF_ST_BIND(symbol.st_info),
        };
    }
    return function_count;
}

/* Where the functions that begin with the first one end; *count becomes how many they are. */
static uint64_t group_end(const struct function *functions, size_t *count)
{
    uint64_t end = functions[0].end;
    size_t i = 0;
    for (; i < *count && functions[i].start == functions[0].start; i++) {
        end = functions[i].end > end ? functions[i].end : end;
    }
    if (end == 0) {
        end = functions[0].section_end;
        end = i < *count && functions[i].start < end ? functions[i].start : end;
    }
    *count = i;
    return end;
}

static int fill_map(struct address_map *map, const struct function *functions, size_t count)
{
    size_t group = 0;
    for (size_t i = 0; i < count; i += group) {
        group = count - i;
        uint64_t end = group_end(&functions[i], &group);
        int r = address_map_add(map, functions[i].start, end, (uintptr_t)functions[i].name);
        if (r < 0) {
            return r;
        }
    }
    address_map_sort(map);
    return map->count == 0 ? -ENODATA : 0;
}

/* By address. *out_functions is to be freed. */
static int load_functions(Elf *elf, uint32_t section_type, struct function **out_functions,
                          size_t *out_count)
{
    GElf_Shdr header;
    Elf_Scn *section = find_table(elf, section_type, &header);
    Elf_Data *data = section == NULL ? NULL : elf_getdata(section, NULL);
    if (data == NULL || header.sh_entsize == 0 || data->d_size < header.sh_entsize) {
        return -ENODATA;
    }
    size_t count = data->d_size / header.sh_entsize;
    struct function *functions = malloc(count * sizeof(*functions));
    if (functions == NULL) {
        return -ENOMEM;
    }
    count = read_functions(elf, data, count, header.sh_link, functions);
    qsort(functions, count, sizeof(*functions), compare);
    *out_functions = functions;
    *out_count = count;
    return 0;
}

int elf_symbols_create(Elf *elf, uint32_t section_type, struct elf_symbols **out_symbols)
{
    struct function *functions;
    size_t count;
    int r = load_functions(elf, section_type, &functions, &count);
    if (r < 0) {
        return r;
    }
    struct elf_symbols *symbols = calloc(1, sizeof(*symbols));
    r = symbols != NULL ? fill_map(&symbols->map, functions, count) : -ENOMEM;
    free(functions);
    if (r < 0) {
        elf_symbols_destroy(symbols);
        return r;
    }
    *out_symbols = symbols;
    return 0;
}

int elf_symbols_each(Elf *elf, uint32_t section_type, elf_symbol_sink *sink, void *context)
{
    struct function *functions;
    size_t count;
    int r = load_functions(elf, section_type, &functions, &count);
    if (r < 0) {
        return r;
    }
    size_t group = 0;
    for (size_t i = 0; r == 0 && i < count; i += group) {
        group = count - i;
        uint64_t end = group_end(&functions[i], &group);
        for (size_t k = i; r == 0 && k < i + group; k++) {
            r = sink(context, functions[k].name, functions[k].start, end);
        }
    }
    free(functions);
    return r;
}

const char *elf_symbols_find(const struct elf_symbols *symbols, uint64_t address)
{
    uint64_t name;
    return address_map_find(&symbols->map, address, &name) ? (const char *)(uintptr_t)name : NULL;
}

void elf_symbols_destroy(struct elf_symbols *symbols)
{
    if (symbols == NULL) {
        return;
    }
    address_map_fini(&symbols->map);
    free(symbols);
}
