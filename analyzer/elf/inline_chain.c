#include "inline_chain.h"

#include <dwarf.h>
#include <stdbool.h>

#include "demangle.h"

enum {
    NESTING_MAX = 256
};

const char *inline_chain_name(Dwarf_Die *die)
{
    static const unsigned names[] = {DW_AT_linkage_name, DW_AT_MIPS_linkage_name};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        Dwarf_Attribute attribute;
        const char *name = dwarf_formstring(dwarf_attr_integrate(die, names[i], &attribute));
        if (name != NULL && demangle_is_mangled(name)) {
            return name;
        }
    }
    return dwarf_diename(die);
}

/* Turns *die into its child, block or inlined function, that has the address. */
static bool enter_scope(Dwarf_Die *die, uint64_t address)
{
    Dwarf_Die child;
    if (dwarf_child(die, &child) != 0) {
        return false;
    }
    do {
        int tag = dwarf_tag(&child);
        bool is_scope = tag == DW_TAG_inlined_subroutine || tag == DW_TAG_lexical_block ||
                        tag == DW_TAG_try_block || tag == DW_TAG_catch_block;
        if (is_scope && dwarf_haspc(&child, address) > 0) {
            *die = child;
            return true;
        }
    } while (dwarf_next_sibling(&child));
    return false;
}

/* The line that the innermost code came from. */
static void set_line(struct symbol *symbol, Dwarf_Die *unit, uint64_t address)
{
    Dwarf_Line *line = dwarf_getsrc_die(unit, address);
    int number = 0;
    if (line == NULL) {
        return;
    }
    symbol->file = dwarf_linesrc(line, NULL, NULL);
    if (dwarf_lineno(line, &number) == 0 && number > 0) {
        symbol->line = (uint32_t)number;
    }
}

static bool read_number(Dwarf_Die *die, unsigned name, Dwarf_Word *out_number)
{
    Dwarf_Attribute attribute;
    return dwarf_formudata(dwarf_attr(die, name, &attribute), out_number) == 0;
}

/* The place where `inlined` was called, in the function that it was inlined into. */
static void set_call(struct symbol *symbol, Dwarf_Die *inlined)
{
    Dwarf_Die unit; /* numbers the files; in a .dwo file it is not the one with the lines */
    Dwarf_Word number;
    Dwarf_Files *files;
    size_t file_count;
    if (read_number(inlined, DW_AT_call_file, &number) &&
        dwarf_diecu(inlined, &unit, NULL, NULL) != NULL &&
        dwarf_getsrcfiles(&unit, &files, &file_count) == 0 && number < file_count) {
        symbol->file = dwarf_filesrc(files, number, NULL, NULL);
    }
    if (read_number(inlined, DW_AT_call_line, &number)) {
        symbol->line = (uint32_t)number;
    }
}

size_t inline_chain_find(struct dwarf_place *place, uint64_t address,
                         struct symbol symbols[INLINE_CHAIN_MAX])
{
    if (!place->has_function) {
        symbols[0] = (struct symbol){0};
        set_line(&symbols[0], &place->unit, address);
        return 1;
    }

    Dwarf_Die scopes[INLINE_CHAIN_MAX]; /* the outermost first */
    size_t count = 0;
    scopes[count++] = place->function;
    Dwarf_Die scope = place->function;
    for (int i = 0; i < NESTING_MAX && count < INLINE_CHAIN_MAX; i++) {
        if (!enter_scope(&scope, address)) {
            break;
        }
        if (dwarf_tag(&scope) == DW_TAG_inlined_subroutine) {
            scopes[count++] = scope;
        }
    }

    for (size_t i = 0; i < count; i++) {
        Dwarf_Die *die = &scopes[count - 1 - i];
        symbols[i] = (struct symbol){.function = inline_chain_name(die)};
        if (i == 0) {
            set_line(&symbols[i], &place->unit, address);
        } else {
            set_call(&symbols[i], &scopes[count - i]);
        }
    }
    return count;
}
