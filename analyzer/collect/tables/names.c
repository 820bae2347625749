#include "names.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../elf/inline_chain.h"
#include "../../elf/symbolize.h"

enum {
    FRAME_COLUMNS = 7,
    MODULE_COLUMNS = 4,
};

struct names {
    struct sqlwriter *writer;
    const struct recording *recording;
    const struct store_finish_options *options;
    uint32_t *order;        /* frame ids by module and offset */
    uint64_t *offsets;      /* of the present module, ascending */
    const uint32_t *frames; /* their ids */
    const char *module_path;
    uint32_t module;
    uint64_t next_inlined_id;
    uint64_t done_count;
    size_t taken_count; /* of the present module */
};

static void names_write_frame(struct names *names, uint64_t id, uint64_t offset,
                              const struct symbol *symbol, const char *function,
                              uint64_t inlined_by_id)
{
    struct sqlwriter *writer = names->writer;
    sqlwriter_integer(writer, id);
    sqlwriter_integer_or_null(writer, names->module);
    sqlwriter_integer(writer, offset);
    sqlwriter_text(writer, function);
    sqlwriter_text(writer, symbol != NULL ? symbol->file : NULL);
    sqlwriter_integer_or_null(writer, symbol != NULL ? symbol->line : 0);
    sqlwriter_integer_or_null(writer, inlined_by_id);
    sqlwriter_row(writer);
}

/* What stands for a function without a name: where its code is. */
static void names_write_unknown(struct names *names, uint64_t id, uint64_t offset,
                                const struct symbol *symbol)
{
    char text[512];
    const char *slash = strrchr(names->module_path, '/');
    snprintf(text, sizeof(text), "%s+0x%llx", slash != NULL ? slash + 1 : names->module_path,
             (unsigned long long)offset);
    names_write_frame(names, id, offset, symbol, text, 0);
}

static void names_take(void *context, size_t index, const struct symbol *symbols, size_t count)
{
    struct names *names = context;
    uint64_t id = names->frames[index];
    uint64_t offset = names->offsets[index];
    names->done_count++;
    names->taken_count = index + 1;
    if (names->options->progress != NULL && names->done_count % 256 == 0) {
        names->options->progress(names->options->progress_context, names->done_count,
                                 names->recording->stacks.frame_count);
    }
    if (count == 0) {
        names_write_unknown(names, id, offset, NULL);
        return;
    }
    for (size_t i = 0; i < count; i++) {
        uint64_t outer = i + 1 < count ? names->next_inlined_id++ : 0;
        if (symbols[i].function != NULL) {
            names_write_frame(names, id, offset, &symbols[i], symbols[i].function, outer);
        } else {
            names_write_unknown(names, id, offset, &symbols[i]);
        }
        id = outer;
    }
}

static int names_compare(const void *left, const void *right, void *context)
{
    const struct code_address *frames = context;
    const struct code_address *a = &frames[*(const uint32_t *)left];
    const struct code_address *b = &frames[*(const uint32_t *)right];
    if (a->module != b->module) {
        return a->module < b->module ? -1 : 1;
    }
    return a->offset < b->offset ? -1 : a->offset > b->offset;
}

static void names_write_special(struct names *names)
{
    names->module = 0;
    for (uint64_t id = 0; id < FRAME_FIRST; id++) {
        sqlwriter_integer(names->writer, id);
        sqlwriter_null(names->writer);
        sqlwriter_null(names->writer);
        sqlwriter_text(names->writer, id == FRAME_CUT ? "[cut at the depth limit]" : "[unknown]");
        sqlwriter_null(names->writer);
        sqlwriter_null(names->writer);
        sqlwriter_null(names->writer);
        sqlwriter_row(names->writer);
    }
}

static void names_take_given(struct names *names, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const struct given_name *given = &names->recording->given_names[names->offsets[i] - 1];
        struct symbol symbols[INLINE_CHAIN_MAX];
        size_t symbol_count =
            given->symbol_count < INLINE_CHAIN_MAX ? given->symbol_count : INLINE_CHAIN_MAX;
        for (size_t j = 0; j < symbol_count; j++) {
            symbols[j] = (struct symbol){
                .function = given[j].function, .file = given[j].file, .line = given[j].line};
        }
        names_take(names, i, symbols, symbol_count);
    }
}

static void names_write_module_frames(struct names *names, size_t count, char **out_symbols)
{
    if (names->module == 0) {
        names->module_path = "[anonymous]";
        for (size_t i = 0; i < count; i++) {
            names_write_unknown(names, names->frames[i], names->offsets[i], NULL);
        }
        return;
    }
    names->taken_count = 0;
    const struct module_file *file = &names->recording->modules.files[names->module - 1];
    names->module_path = file->path;
    if (names->recording->given_names != NULL) {
        names_take_given(names, count);
        *out_symbols = strdup("import");
        return;
    }
    char name[MODULE_NAME_BYTES];
    struct symbolize_request request = {
        .path = modules_path(file, name),
        .build_id = file->build_id[0] != '\0' ? file->build_id : NULL,
        .offsets = names->offsets,
        .offset_count = count,
        .is_cancelled = names->options->is_cancelled,
    };
    *out_symbols = strdup(symbolize_module(&request, names_take, names));
    for (size_t i = names->taken_count; i < count; i++) { /* it was cancelled */
        names_write_unknown(names, names->frames[i], names->offsets[i], NULL);
    }
}

/* Writes the frames module by module; symbols[m] is where module m's names came from. */
static void names_write_frames(struct names *names, char **symbols)
{
    const struct code_address *frames = names->recording->stacks.frames;
    size_t count = names->recording->stacks.frame_count - FRAME_FIRST;
    sqlwriter_table(names->writer, "frame", FRAME_COLUMNS);
    names_write_special(names);
    size_t end;
    for (size_t start = 0; start < count; start = end) {
        names->module = frames[names->order[start]].module;
        for (end = start; end < count && frames[names->order[end]].module == names->module; end++) {
            names->offsets[end - start] = frames[names->order[end]].offset;
        }
        names->frames = names->order + start;
        char *ignored = NULL;
        names_write_module_frames(names, end - start,
                                  names->module == 0 ? &ignored : &symbols[names->module - 1]);
    }
    symbolize_cleanup();
}

static void names_write_modules(struct sqlwriter *writer, const struct modules *modules,
                                char **symbols)
{
    sqlwriter_table(writer, "module", MODULE_COLUMNS);
    for (size_t i = 0; i < modules->count; i++) {
        sqlwriter_integer(writer, i + 1);
        sqlwriter_text(writer, modules->files[i].path);
        sqlwriter_text(writer,
                       modules->files[i].build_id[0] != '\0' ? modules->files[i].build_id : NULL);
        sqlwriter_text(writer, symbols[i] != NULL ? symbols[i] : "none");
        sqlwriter_row(writer);
    }
}

void names_write(struct sqlwriter *writer, const struct recording *recording,
                 const struct store_finish_options *options)
{
    size_t count = recording->stacks.frame_count - FRAME_FIRST;
    struct names names = {
        .writer = writer,
        .recording = recording,
        .options = options,
        .order = calloc(count + 1, sizeof(*names.order)),
        .offsets = calloc(count + 1, sizeof(*names.offsets)),
        .next_inlined_id = recording->stacks.frame_count,
    };
    char **symbols = calloc(recording->modules.count + 1, sizeof(*symbols));
    if (names.order == NULL || names.offsets == NULL || symbols == NULL) {
        writer->status = err_set(writer->err, ENOMEM, "out of memory");
    } else {
        for (size_t i = 0; i < count; i++) {
            names.order[i] = (uint32_t)i + FRAME_FIRST;
        }
        qsort_r(names.order, count, sizeof(*names.order), names_compare, recording->stacks.frames);
        names_write_frames(&names, symbols);
        names_write_modules(writer, &recording->modules, symbols);
        for (size_t i = 0; i < recording->modules.count; i++) {
            free(symbols[i]);
        }
    }
    free(symbols);
    free(names.order);
    free(names.offsets);
}
