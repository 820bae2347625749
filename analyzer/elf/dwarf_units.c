#include "dwarf_units.h"

#include <dwarf.h>
#include <errno.h>
#include <stdlib.h>

#include "address_map.h"

enum {
    NESTING_MAX = 64
};

struct source_unit {
    Dwarf_Die lines;     /* the unit in the file itself */
    Dwarf_Die functions; /* where its functions are: the same, or the one in a .dwo file */
    struct address_map map;
    bool is_read;
};

struct dwarf_units {
    Dwarf *dwarf;
    struct source_unit *units;
    size_t count;
    size_t capacity;
    struct address_map map; /* values are indices of units */
};

/* Adds what `die` covers. Code that the linker threw away stays in DWARF with address 0. */
static int add_ranges(struct address_map *map, Dwarf_Die *die, uint64_t value)
{
    Dwarf_Addr base;
    Dwarf_Addr start;
    Dwarf_Addr end;
    ptrdiff_t offset = 0;
    while ((offset = dwarf_ranges(die, offset, &base, &start, &end)) > 0) {
        int r = start == 0 ? 0 : address_map_add(map, start, end, value);
        if (r < 0) {
            return r;
        }
    }
    return 0;
}

static int add_unit(struct dwarf_units *units, const Dwarf_Die *lines, const Dwarf_Die *functions)
{
    if (units->count == units->capacity) {
        size_t capacity = units->capacity == 0 ? 64 : units->capacity * 2;
        struct source_unit *grown = realloc(units->units, capacity * sizeof(*grown));
        if (grown == NULL) {
            return -ENOMEM;
        }
        units->units = grown;
        units->capacity = capacity;
    }
    struct source_unit *unit = &units->units[units->count];
    *unit = (struct source_unit){.lines = *lines, .functions = *functions};
    return add_ranges(&units->map, &unit->lines, units->count++);
}

static int read_units(struct dwarf_units *units)
{
    Dwarf_CU *cu = NULL;
    uint8_t type;
    Dwarf_Die die;
    Dwarf_Die split;
    while (dwarf_get_units(units->dwarf, cu, &cu, NULL, &type, &die, &split) == 0) {
        if (type != DW_UT_compile && type != DW_UT_skeleton) {
            continue;
        }
        bool is_split = type == DW_UT_skeleton && dwarf_tag(&split) == DW_TAG_compile_unit;
        int r = add_unit(units, &die, is_split ? &split : &die);
        if (r < 0) {
            return r;
        }
    }
    address_map_sort(&units->map);
    return units->map.count == 0 ? -ENODATA : 0;
}

int dwarf_units_create(Elf *elf, struct dwarf_units **out_units)
{
    struct dwarf_units *units = calloc(1, sizeof(*units));
    if (units == NULL) {
        return -ENOMEM;
    }
    units->dwarf = dwarf_begin_elf(elf, DWARF_C_READ, NULL);
    int r = units->dwarf == NULL ? -ENODATA : read_units(units);
    if (r < 0) {
        dwarf_units_destroy(units);
        return r;
    }
    *out_units = units;
    return 0;
}

bool dwarf_next_sibling(Dwarf_Die *die)
{
    Dwarf_Off offset = dwarf_dieoffset(die);
    return dwarf_siblingof(die, die) == 0 && dwarf_dieoffset(die) > offset;
}

/* A walk over the DIEs of a unit in the order in which they stand in the file. */
struct function_walk {
    struct address_map *map;
    Dwarf_Off last_offset; /* damaged input would lead back, again and again */
};

/* Functions are in the unit itself, in namespaces, (Rust) in types and (lambdas) in functions. */
static bool may_hold_functions(int tag)
{
    switch (tag) {
    case DW_TAG_subprogram:
    case DW_TAG_lexical_block:
    case DW_TAG_namespace:
    case DW_TAG_module:
    case DW_TAG_structure_type:
    case DW_TAG_class_type:
    case DW_TAG_union_type:
    case DW_TAG_enumeration_type:
        return true;
    default:
        return false;
    }
}

static int read_functions(struct function_walk *walk, Dwarf_Die *parent, int nesting)
{
    Dwarf_Die die;
    if (nesting > NESTING_MAX || dwarf_child(parent, &die) != 0) {
        return 0;
    }
    int r = 0;
    do {
        Dwarf_Off offset = dwarf_dieoffset(&die);
        if (offset <= walk->last_offset) {
            return 0;
        }
        walk->last_offset = offset;
        int tag = dwarf_tag(&die);
        if (tag == DW_TAG_subprogram) {
            r = add_ranges(walk->map, &die, offset);
        }
        if (r == 0 && may_hold_functions(tag)) {
            r = read_functions(walk, &die, nesting + 1);
        }
    } while (r == 0 && dwarf_next_sibling(&die));
    return r;
}

bool dwarf_units_find(struct dwarf_units *units, uint64_t address, struct dwarf_place *out_place)
{
    uint64_t index;
    if (!address_map_find(&units->map, address, &index)) {
        return false;
    }
    struct source_unit *unit = &units->units[index];
    if (!unit->is_read) {
        /* Without memory some functions stay unknown; there is nothing better to say then. */
        struct function_walk walk = {.map = &unit->map};
        (void)read_functions(&walk, &unit->functions, 0);
        address_map_sort(&unit->map);
        unit->is_read = true;
    }

    uint64_t offset;
    out_place->unit = unit->lines;
    out_place->has_function =
        address_map_find(&unit->map, address, &offset) &&
        dwarf_offdie(dwarf_cu_getdwarf(unit->functions.cu), offset, &out_place->function) != NULL;
    return true;
}

void dwarf_units_destroy(struct dwarf_units *units)
{
    if (units == NULL) {
        return;
    }
    for (size_t i = 0; i < units->count; i++) {
        address_map_fini(&units->units[i].map);
    }
    free(units->units);
    address_map_fini(&units->map);
    dwarf_end(units->dwarf);
    free(units);
}
