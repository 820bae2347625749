/*
 * symbolize.h - names, files and lines of code offsets in one module, read from its ELF file, its
 * DWARF, or a separate debug file found by build id. Works after the program has ended.
 *
 * Single thread. Never prints.
 */
#ifndef ALLOCAUDIT_SYMBOLIZE_H
#define ALLOCAUDIT_SYMBOLIZE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* One function at an offset. Strings live until the callback returns. */
struct symbol {
    const char *function; /* demangled (C++, Rust); NULL: unknown */
    const char *file;     /* NULL: unknown */
    uint32_t line;        /* 0: unknown */
};

/*
 * Called once per offset, in the order given. symbols[0] is the innermost inlined function,
 * symbols[count-1] the one that has the code; count is 0 where nothing is known.
 */
typedef void symbolize_sink(void *context, size_t index, const struct symbol *symbols,
                            size_t count);

struct symbolize_request {
    const char *path;        /* of the module as it was mapped */
    const char *build_id;    /* hex, or NULL: then the file at `path` is trusted */
    const uint64_t *offsets; /* return addresses - load bias, ascending */
    size_t offset_count;
    const volatile bool *is_cancelled; /* may be NULL; checked between offsets */
};

/*
 * Looks up return addresses: the call is at offset-1, so that is what line and inlining are taken
 * from. A file whose build id differs from build_id is not used (a separate debug file may still
 * be). Returns what the names came from, a static string or one kept until the next call: "none",
 * "dynsym", "symtab", "dwarf", or the path of the separate debug file.
 */
const char *symbolize_module(const struct symbolize_request *request, symbolize_sink *sink,
                             void *context);

/* Frees what is kept between calls (open debug files, the last path). */
void symbolize_cleanup(void);

#endif
