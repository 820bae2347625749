/*
 * dwarf_units.h - from a code address to its compilation unit and its function in DWARF.
 *
 * The addresses of all units are read at once, the functions of a unit when it is first asked for.
 * Survives damaged input. Single thread.
 */
#ifndef ALLOCAUDIT_DWARF_UNITS_H
#define ALLOCAUDIT_DWARF_UNITS_H

#include <elfutils/libdw.h>
#include <stdbool.h>
#include <stdint.h>

struct dwarf_units;

struct dwarf_place {
    Dwarf_Die unit;     /* has the line table and the file names */
    Dwarf_Die function; /* DW_TAG_subprogram; only if has_function */
    bool has_function;
};

/*
 * Reads an open file, which must outlive the result.
 * Returns 0, -ENODATA where it has no DWARF with addresses, or -ENOMEM.
 */
int dwarf_units_create(Elf *elf, struct dwarf_units **out_units);

/* Returns false where no unit has code at `address`. */
bool dwarf_units_find(struct dwarf_units *units, uint64_t address, struct dwarf_place *out_place);

/* The DIE after `die` under the same parent. False at the end, or where the input leads backwards.
 */
bool dwarf_next_sibling(Dwarf_Die *die);

/* NULL is fine. */
void dwarf_units_destroy(struct dwarf_units *units);

#endif
