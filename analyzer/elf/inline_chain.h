/*
 * inline_chain.h - the functions at a code address that DWARF tells of: the one that has the code,
 * and those that were inlined into it there.
 */
#ifndef ALLOCAUDIT_INLINE_CHAIN_H
#define ALLOCAUDIT_INLINE_CHAIN_H

#include <stddef.h>

#include "dwarf_units.h"
#include "symbolize.h"

enum {
    INLINE_CHAIN_MAX = 64
};

/*
 * Fills symbols with raw names, the innermost function first, and returns their number (1 or more).
 * The innermost ones beyond INLINE_CHAIN_MAX are left out. Strings belong to the DWARF file.
 */
size_t inline_chain_find(struct dwarf_place *place, uint64_t address,
                         struct symbol symbols[INLINE_CHAIN_MAX]);

/*
 * The raw name of a function, inlined or not; NULL: it has none. A mangled one says more than the
 * plain one: namespaces, parameters. Others are what the assembler was told, as
 * __GI___libc_malloc.
 */
const char *inline_chain_name(Dwarf_Die *die);

#endif
