/*
 * frame_symbols.h - what `run --frame-symbol` puts into the program beside the library: a shared
 * object, written for this run, that defines the functions named.
 *
 * A function there is a stub: it loads the address of its entry in the table into r11 (with the
 * lowest bit set in the stub that dlsym hands out) and jumps to allocaudit_frame_entry in the
 * library, which marks the frame and jumps on to the real function. All offsets are in bytes from
 * the entry that holds them, so that the object needs no relocation but those of two slots.
 */
#ifndef ALLOCAUDIT_FRAME_SYMBOLS_H
#define ALLOCAUDIT_FRAME_SYMBOLS_H

#include <assert.h>
#include <stddef.h>
#include <stdint.h>

enum {
    FRAME_SYMBOLS_MAX = 4,
};

/* Names by which object and library find each other. */
#define FRAME_TABLE_NAME  "allocaudit_frame_symbols"
#define FRAME_ENTRY_NAME  "allocaudit_frame_entry"
#define FRAME_DLSYM_NAME  "allocaudit_frame_dlsym"
#define FRAME_OBJECT_FILE "frames.so"

struct frame_symbol {
    int64_t name_offset;
    int64_t stub_offset; /* of the stub for dlsym */
    uint64_t found;      /* the function that dlsym found for the program, or 0; the library's */
};

struct frame_symbols {
    uint64_t symbol_count;
    struct frame_symbol symbols[FRAME_SYMBOLS_MAX];
};

static_assert(sizeof(struct frame_symbol) == 24, "frame_symbol layout");
static_assert(offsetof(struct frame_symbols, symbols) == 8, "frame_symbols layout");

#endif
