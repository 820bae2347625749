#include "function_ranges.h"

#include <dwarf.h>
#include <elfutils/libdw.h>
#include <errno.h>
#include <stddef.h>

#include "../elf/debug_file.h"
#include "../elf/demangle.h"
#include "../elf/dwarf_units.h"
#include "../elf/elf_symbols.h"
#include "../elf/inline_chain.h"

enum {
    NESTING_MAX = 256,
};

struct teller {
    function_range_sink *sink;
    void *context;
    struct demangler *demangler; /* knows names by their place: one for each file */
    bool has_symbols;            /* a symbol table was read */
    Dwarf_Off die_last;          /* damaged input would lead back, again and again */
};

static int tell(struct teller *teller, const char *raw, uint64_t start, uint64_t end,
                uint32_t depth)
{
    const struct function_range range = {
        .name = demangler_name(teller->demangler, raw),
        .start = start,
        .end = end,
        .depth = depth,
    };
    return teller->sink(teller->context, &range);
}

static int tell_symbol(void *context, const char *name, uint64_t start, uint64_t end)
{
    return tell(context, name, start, end, 0);
}

/* Code that the linker threw away stays in DWARF with address 0. */
static int tell_die(struct teller *teller, Dwarf_Die *die, uint32_t depth)
{
    const char *name = inline_chain_name(die);
    Dwarf_Addr base;
    Dwarf_Addr start;
    Dwarf_Addr end;
    ptrdiff_t offset = 0;
    while (name != NULL && (offset = dwarf_ranges(die, offset, &base, &start, &end)) > 0) {
        int r = start == 0 ? 0 : tell(teller, name, start, end, depth);
        if (r != 0) {
            return r;
        }
    }
    return 0;
}

/* Variables, parameters and members hold no functions, and are most of what there is. */
static bool may_hold_functions(int tag)
{
    return tag == DW_TAG_subprogram || tag == DW_TAG_inlined_subroutine ||
           tag == DW_TAG_lexical_block || tag == DW_TAG_try_block || tag == DW_TAG_catch_block ||
           tag == DW_TAG_namespace || tag == DW_TAG_module || tag == DW_TAG_structure_type ||
           tag == DW_TAG_class_type || tag == DW_TAG_union_type || tag == DW_TAG_enumeration_type;
}

/* depth: of the next function that is inlined here. */
static int tell_children(struct teller *teller, Dwarf_Die *parent, uint32_t depth, int nesting)
{
    Dwarf_Die die;
    int r = 0;
    if (nesting > NESTING_MAX || dwarf_child(parent, &die) != 0) {
        return 0;
    }
    do {
        Dwarf_Off offset = dwarf_dieoffset(&die);
        if (offset <= teller->die_last) {
            return 0;
        }
        teller->die_last = offset;
        int tag = dwarf_tag(&die);
        bool is_inlined = tag == DW_TAG_inlined_subroutine;
        if (is_inlined || tag == DW_TAG_subprogram) {
            r = tell_die(teller, &die, is_inlined ? depth : 0);
        }
        if (r == 0 && may_hold_functions(tag)) {
            uint32_t inner = is_inlined ? depth + 1 : tag == DW_TAG_subprogram ? 1 : depth;
            r = tell_children(teller, &die, inner, nesting + 1);
        }
    } while (r == 0 && dwarf_next_sibling(&die));
    return r;
}

static int tell_units(struct teller *teller, Elf *elf)
{
    Dwarf *dwarf = dwarf_begin_elf(elf, DWARF_C_READ, NULL);
    Dwarf_CU *cu = NULL;
    uint8_t type;
    Dwarf_Die die;
    Dwarf_Die split;
    int r = 0;
    while (r == 0 && dwarf != NULL &&
           dwarf_get_units(dwarf, cu, &cu, NULL, &type, &die, &split) == 0) {
        bool is_split = type == DW_UT_skeleton && dwarf_tag(&split) == DW_TAG_compile_unit;
        if (type == DW_UT_compile || type == DW_UT_skeleton) {
            teller->die_last = 0;
            r = tell_children(teller, is_split ? &split : &die, 1, 0);
        }
    }
    dwarf_end(dwarf);
    return r;
}

static bool has_debug_info(const struct debug_file *file)
{
    return debug_file_has_section(file, ".debug_info") ||
           debug_file_has_section(file, ".zdebug_info");
}

static int tell_table(struct teller *teller, Elf *elf, uint32_t section_type)
{
    int r = elf_symbols_each(elf, section_type, tell_symbol, teller);
    teller->has_symbols |= r == 0 && section_type == SHT_SYMTAB;
    return r == -ENODATA ? 0 : r;
}

/* The symbols that nobody has told yet, and DWARF. */
static int tell_file(struct teller *teller, const struct debug_file *file, uint32_t section_type)
{
    bool has_symbols = teller->has_symbols;
    teller->demangler = demangler_create();
    int r = teller->demangler != NULL ? 0 : -ENOMEM;
    if (r == 0 && !has_symbols) {
        r = tell_table(teller, file->elf, section_type);
    }
    if (r == 0 && section_type == SHT_SYMTAB && has_debug_info(file)) {
        r = tell_units(teller, file->elf);
    }
    demangler_destroy(teller->demangler);
    return r;
}

int function_ranges_each(const char *path, function_range_sink *sink, void *context,
                         bool *out_is_stripped)
{
    struct debug_file module;
    struct debug_file separate;
    struct teller teller = {.sink = sink, .context = context};
    int r = debug_file_open(path, NULL, &module);
    if (r < 0) {
        return r;
    }
    r = tell_file(&teller, &module, SHT_SYMTAB);
    if (r == 0 && !has_debug_info(&module) && debug_file_find(&module, NULL, &separate) == 0) {
        r = tell_file(&teller, &separate, SHT_SYMTAB);
        debug_file_close(&separate);
    }
    *out_is_stripped = !teller.has_symbols;
    if (r == 0) {
        r = tell_file(&teller, &module, SHT_DYNSYM);
    }
    debug_file_close(&module);
    return r;
}
