#include "symbolize.h"

#include <stdlib.h>
#include <string.h>

#include "../go/go_lines.h"
#include "debug_file.h"
#include "demangle.h"
#include "dwarf_units.h"
#include "elf_symbols.h"
#include "inline_chain.h"

/* What is known of one module. */
struct sources {
    struct debug_file module;
    struct debug_file separate;
    struct dwarf_units *units;   /* may be NULL */
    struct elf_symbols *symbols; /* may be NULL */
    struct demangler *demangler; /* NULL: no memory, names stay raw */
    struct go_lines *go_lines;   /* NULL: no Go program */
};

/* The separate file that the last module's names came from. */
static char last_path[sizeof(((struct debug_file *)0)->path)];

static bool has_debug_info(const struct debug_file *file)
{
    return debug_file_has_section(file, ".debug_info") ||
           debug_file_has_section(file, ".zdebug_info");
}

/* Reads what one file offers; what is known already is kept. */
static void read_file(struct sources *sources, struct debug_file *file)
{
    if (sources->units == NULL && has_debug_info(file)) {
        (void)dwarf_units_create(file->elf, &sources->units);
    }
    if (sources->symbols == NULL) {
        (void)elf_symbols_create(file->elf, SHT_SYMTAB, &sources->symbols);
    }
}

/* Opens what there is, the best first. Returns what the names will come from. */
static const char *open_sources(struct sources *sources, const struct symbolize_request *request)
{
    const char *result = "none";
    sources->demangler = demangler_create();
    bool has_module = debug_file_open(request->path, request->build_id, &sources->module) == 0;
    if (has_module) {
        read_file(sources, &sources->module);
        result = sources->units != NULL ? "dwarf" : sources->symbols != NULL ? "symtab" : "none";
    }

    if (sources->units == NULL &&
        debug_file_find(&sources->module, request->build_id, &sources->separate) == 0) {
        const struct elf_symbols *own_symbols = sources->symbols;
        read_file(sources, &sources->separate);
        if (sources->units != NULL || sources->symbols != own_symbols) {
            memcpy(last_path, sources->separate.path, sizeof(last_path));
            result = last_path;
        }
    }
    if (has_module && sources->symbols == NULL &&
        elf_symbols_create(sources->module.elf, SHT_DYNSYM, &sources->symbols) == 0 &&
        sources->units == NULL) {
        result = "dynsym";
    }
    return result;
}

static void close_sources(struct sources *sources)
{
    demangler_destroy(sources->demangler);
    go_lines_close(sources->go_lines);
    elf_symbols_destroy(sources->symbols);
    dwarf_units_destroy(sources->units);
    debug_file_close(&sources->separate);
    debug_file_close(&sources->module);
}

/* Go's own stacks have an address for each function, also where it is inlined: what that one is
 * inlined into is the next. */
static size_t find_go_symbols(const struct go_lines *go_lines, uint64_t address,
                              struct symbol symbols[INLINE_CHAIN_MAX])
{
    struct go_line lines[GO_LINES_DEPTH];
    if (go_lines_find(go_lines, address, lines) == 0) {
        return 0;
    }
    symbols[0] = (struct symbol){
        .function = lines[0].function,
        .file = lines[0].file,
        .line = lines[0].line,
    };
    return 1;
}

static size_t find_symbols(const struct sources *sources, uint64_t address,
                           struct symbol symbols[INLINE_CHAIN_MAX])
{
    struct dwarf_place place;
    size_t count = 0;
    if (sources->units != NULL && dwarf_units_find(sources->units, address, &place)) {
        count = inline_chain_find(&place, address, symbols);
    }
    const char *name =
        sources->symbols == NULL ? NULL : elf_symbols_find(sources->symbols, address);
    if (count == 0 && name != NULL) {
        symbols[count++] = (struct symbol){.function = name};
    }
    if (count == 0) {
        return 0;
    }

    /* Functions that only their file can see have a linkage name in the symbol table alone. */
    struct symbol *outermost = &symbols[count - 1];
    if (name != NULL &&
        (outermost->function == NULL ||
         (demangle_is_mangled(name) && !demangle_is_mangled(outermost->function)))) {
        outermost->function = name;
    }
    for (size_t i = 0; i < count && sources->demangler != NULL; i++) {
        if (symbols[i].function != NULL) {
            symbols[i].function = demangler_name(sources->demangler, symbols[i].function);
        }
    }
    return count == 1 && outermost->function == NULL && outermost->file == NULL ? 0 : count;
}

const char *symbolize_module(const struct symbolize_request *request, symbolize_sink *sink,
                             void *context)
{
    struct sources sources = {0};
    bool is_go = go_lines_open(request->path, &sources.go_lines, NULL) == 0;
    bool is_open = !is_go; /* what Go's own table knows needs nothing else */
    const char *result = is_go ? "gopclntab" : open_sources(&sources, request);
    for (size_t i = 0; i < request->offset_count; i++) {
        if (request->is_cancelled != NULL && *request->is_cancelled) {
            break;
        }
        struct symbol symbols[INLINE_CHAIN_MAX];
        /* Behind a call that never returns there may be another function already. */
        uint64_t address = request->offsets[i] - 1;
        size_t count = is_go && request->offsets[i] != 0
                           ? find_go_symbols(sources.go_lines, address, symbols)
                           : 0;
        if (count == 0 && !is_open) {
            is_open = true;
            (void)open_sources(&sources, request);
        }
        if (count == 0 && request->offsets[i] != 0) {
            count = find_symbols(&sources, address, symbols);
        }
        sink(context, i, symbols, count);
    }
    close_sources(&sources);
    return result;
}

void symbolize_cleanup(void)
{
    last_path[0] = '\0';
}
