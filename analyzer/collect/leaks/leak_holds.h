/*
 * leak_holds.h - memcheck's exceptions: blocks which a pointer into their middle holds as one to
 * their beginning does, told by their first words.
 *
 * Those are an array with a count before it (new[] of objects with a destructor, and any block
 * whose first word is the size of the rest), the text of a reference-counted std::string, and an
 * object with a base class that is not the first. Single thread.
 */
#ifndef ALLOCAUDIT_LEAK_HOLDS_H
#define ALLOCAUDIT_LEAK_HOLDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../target/target_memory.h"
#include "leak_index.h"

enum leak_hold {
    HOLD_COUNT = 1, /* by the second word: an array whose count or size is the first */
    HOLD_STRING =
        2, /* by the fourth word: length, capacity and references of a text stand before */
    HOLD_OBJECT = 4, /* it begins with a pointer to a table of virtual functions */
};

enum {
    LEAK_TABLES = 1024, /* addresses that are remembered */
};

struct leak_table {
    uint64_t address; /* 0: none */
    bool is_table;
};

struct leak_holds {
    struct target_memory *memory; /* the caller's */
    struct target_range *code;    /* what can be executed, by address; owned */
    size_t code_count;
    struct target_range *files; /* what lies in files, by address: tables are there; owned */
    size_t file_count;
    struct leak_table tables[LEAK_TABLES];
};

void leak_holds_fini(struct leak_holds *holds);

/* What the words at a block's beginning, at most three, allow: enum leak_hold, or-ed. */
unsigned leak_holds_look(struct leak_holds *holds, const struct leak_block *block,
                         const uint64_t *words, size_t word_count);

/* True if a table of virtual functions seems to lie at the address. Reads the process's memory. */
bool leak_holds_is_table(struct leak_holds *holds, uint64_t address);

#endif
