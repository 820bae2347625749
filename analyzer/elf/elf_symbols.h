/*
 * elf_symbols.h - the functions of an ELF file's symbol table, by address. Single thread.
 */
#ifndef ALLOCAUDIT_ELF_SYMBOLS_H
#define ALLOCAUDIT_ELF_SYMBOLS_H

#include <libelf.h>
#include <stdint.h>

struct elf_symbols;

/*
 * Reads the table of section type SHT_SYMTAB or SHT_DYNSYM of an open file, which must outlive the
 * result. Returns 0, -ENODATA where there is no such table or no function in it, or -ENOMEM.
 */
int elf_symbols_create(Elf *elf, uint32_t section_type, struct elf_symbols **out_symbols);

/* Returns 0, or what elf_symbols_each() is to stop with. */
typedef int elf_symbol_sink(void *context, const char *name, uint64_t start, uint64_t end);

/*
 * All raw names in the same table, also several for one function, by address. Returns what the sink
 * returned last, -ENODATA where there is no such table, or -ENOMEM.
 */
int elf_symbols_each(Elf *elf, uint32_t section_type, elf_symbol_sink *sink, void *context);

/*
 * The raw name of the function at `address`, or NULL. Of several names the public one that looks
 * least internal is given.
 */
const char *elf_symbols_find(const struct elf_symbols *symbols, uint64_t address);

/* NULL is fine. */
void elf_symbols_destroy(struct elf_symbols *symbols);

#endif
