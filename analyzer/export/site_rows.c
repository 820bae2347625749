/*
 * A row per site (process and stack) with every figure of the table `site`: CSV for spreadsheets,
 * JSON for scripts.
 */
#include <errno.h>

#include "../base/str.h"
#include "../cli/out.h"
#include "export.h"

struct row_writer {
    const struct export *export;
    struct out *out;
    struct frame_chain chain;
    struct str stack;
};

static void print_figures(struct out *out, const struct site_row *row, bool is_sample)
{
#define X(name, how) out_number(out, #name, #name, (int64_t)row->name);
    SITE_FIGURES(X)
    if (is_sample) {
        SITE_STDERRS(X)
    }
#undef X
}

static void print_line(struct out *out, uint32_t line)
{
    if (line > 0) {
        out_number(out, "line", "line", line);
    } else {
        out_null(out, "line", "line");
    }
}

static void print_frame(struct out *out, const struct frame_entry *frame)
{
    out_text(out, "function", "function", frame != NULL ? frame->function : NULL);
    out_text(out, "file", "file", frame != NULL ? frame->file : NULL);
    print_line(out, frame != NULL ? frame->line : 0);
    out_text(out, "module", "module", frame != NULL ? frame->module : NULL);
}

/* In JSON innermost first, as in reports. */
static void print_frames(struct out *out, const struct frame_chain *chain)
{
    out_begin_list(out, "stack");
    for (size_t i = 0; i < chain->count; i++) {
        out_begin_row(out);
        print_frame(out, chain->frames[i]);
        out_bool(out, "is_inlined", "is_inlined", chain->frames[i]->inlined_by_id != 0);
        out_end_row(out);
    }
    out_end_list(out);
}

/* In CSV one field, as folded stacks are written: the root first. */
static int print_folded(struct row_writer *writer)
{
    int result = 0;
    str_clear(&writer->stack);
    for (size_t i = writer->chain.count; i-- > 0 && result == 0;) {
        result =
            str_printf(&writer->stack, i > 0 ? "%s;" : "%s", writer->chain.frames[i]->function);
    }
    out_text(writer->out, "stack", "stack", str_text(&writer->stack));
    return result;
}

static int print_site(void *context, const struct site_row *row, size_t place, struct err *err)
{
    struct row_writer *writer = context;
    const struct export *export = writer->export;
    struct out *out = writer->out;
    int result = frame_table_spell(export->frames, export->tree, place, &writer->chain, err);
    if (result < 0) {
        return result;
    }
    out_begin_row(out);
    out_number(out, "process_id", "process_id", row->process_id);
    out_number(out, "stack_id", "stack_id", row->stack_id);
    out_text(out, "kind", "kind", row->kind);
    print_figures(out, row, export->selection->is_sample);
    print_frame(out, frame_chain_shown(&writer->chain));
    if (out_is_json(out)) {
        print_frames(out, &writer->chain);
    } else if (print_folded(writer) < 0) {
        result = err_set_errno(err, ENOMEM, "cannot export");
    }
    out_end_row(out);
    return result < 0 ? result : out_has_failed(out) ? -ECANCELED : 0;
}

/* The line of keys must not hang on there being rows. */
static void declare_columns(struct out *out, bool is_sample)
{
    static const char *const first[] = {"process_id", "stack_id", "kind"};
    static const char *const last[] = {"function", "file", "line", "module", "stack"};
    for (size_t i = 0; i < sizeof(first) / sizeof(first[0]); i++) {
        out_column(out, first[i], first[i]);
    }
#define X(name, how) out_column(out, #name, #name);
    SITE_FIGURES(X)
    if (is_sample) {
        SITE_STDERRS(X)
    }
#undef X
    for (size_t i = 0; i < sizeof(last) / sizeof(last[0]); i++) {
        out_column(out, last[i], last[i]);
    }
}

static int write_rows(const struct export *export, enum out_format format, struct err *err)
{
    const struct out_settings settings = {.format = format};
    struct row_writer writer = {.export = export};
    int result = out_create("export", &settings, export->stream, &writer.out, err);
    if (result < 0) {
        return result;
    }
    out_begin_table(writer.out, "sites", NULL);
    declare_columns(writer.out, export->selection->is_sample);
    result = export_each_site(export, print_site, &writer, err);
    out_end_table(writer.out);
    if (export->selection->is_sample) {
        out_note(writer.out, "sampled: all figures are estimates, the ..._stderr their errors");
    }
    if (result == 0 || result == -ECANCELED) {
        result = out_finish(writer.out, err);
    }
    out_destroy(writer.out);
    frame_chain_fini(&writer.chain);
    str_fini(&writer.stack);
    return result;
}

int site_rows_write_csv(const struct export *export, struct err *err)
{
    return write_rows(export, OUT_CSV, err);
}

int site_rows_write_json(const struct export *export, struct err *err)
{
    return write_rows(export, OUT_JSON, err);
}
