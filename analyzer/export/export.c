#include "export.h"

#include <errno.h>
#include <stdlib.h>

#define VALUE(word, title, is_bytes, column)                                                       \
    {                                                                                              \
        word, title, is_bytes, offsetof(struct site_row, column)                                   \
    }

const struct export_value_kind export_values[EXPORT_VALUE_COUNT] = {
    [EXPORT_COUNT] = VALUE("count", "allocations", false, allocation_count),
    [EXPORT_BYTES] = VALUE("bytes", "bytes allocated", true, allocated_bytes),
    [EXPORT_PEAK] = VALUE("peak", "bytes live at the peak", true, peak_bytes),
    [EXPORT_LEAKED] = VALUE("leaked", "bytes never freed", true, leaked_bytes),
};

const struct export_format export_formats[] = {
    {"pprof", true, EXPORT_VALUE_NONE, pprof_write},
    {"folded", false, EXPORT_VALUE_ONE, folded_write},
    {"speedscope", false, EXPORT_VALUE_ALL_OR_ONE, speedscope_write},
    {"csv", false, EXPORT_VALUE_NONE, site_rows_write_csv},
    {"json", false, EXPORT_VALUE_NONE, site_rows_write_json},
    {NULL, false, EXPORT_VALUE_NONE, NULL},
};

int export_init(const struct trace *trace, const struct selection *selection,
                struct export *out_export, struct err *err)
{
    struct export export = {.trace = trace, .selection = selection, .value = EXPORT_VALUE_COUNT};
    int result = stack_tree_load(trace->db, &export.tree, err);
    if (result == 0) {
        result = frame_table_load(trace->db, &export.frames, err);
    }
    if (result == 0 && selection_has_frames(selection)) {
        result = stack_tree_match(export.tree, selection->function_glob, selection->module_glob,
                                  &export.is_match, err);
    }
    if (result < 0) {
        export_fini(&export);
        return result;
    }
    *out_export = export;
    return 0;
}

void export_fini(struct export *export)
{
    free(export->is_match);
    frame_table_destroy(export->frames);
    stack_tree_destroy(export->tree);
    *export = (struct export){0};
}

struct export_target {
    const struct export *export;
    export_site_sink *sink;
    void *context;
    struct err *err;
    uint64_t site_count; /* so far */
};

static int take_site(void *context, const struct site_row *row)
{
    struct export_target *target = context;
    const struct export *export = target->export;
    term_progress_update(export->progress, ++target->site_count, 0);
    size_t place = stack_tree_find(export->tree, row->stack_id);
    if (place == STACK_TREE_NONE) {
        return err_set(target->err, EBADMSG, "cannot read '%s': damaged: there is no stack %u",
                       db_path(export->trace->db), row->stack_id);
    }
    if (export->is_match != NULL && !export->is_match[place]) {
        return 0;
    }
    return target->sink(target->context, row, place, target->err);
}

int export_each_site(const struct export *export, export_site_sink *sink, void *context,
                     struct err *err)
{
    struct export_target target = {.export = export, .sink = sink, .context = context, .err = err};
    return query_sites(export->trace->db, export->selection->process_id, take_site, &target, err);
}

struct value_target {
    size_t offset;
    uint64_t *values;
};

static int add_value(void *context, const struct site_row *row, size_t place, struct err *err)
{
    (void)err;
    const struct value_target *target = context;
    target->values[place] += *(const uint64_t *)((const char *)row + target->offset);
    return 0;
}

int export_stack_values(const struct export *export, enum export_value value, uint64_t **out_values,
                        struct err *err)
{
    struct value_target target = {
        export_values[value].offset,
        calloc(stack_tree_count(export->tree) + 1, sizeof(*target.values)),
    };
    if (target.values == NULL) {
        return err_set_errno(err, ENOMEM, "cannot export");
    }
    int result = export_each_site(export, add_value, &target, err);
    if (result < 0) {
        free(target.values);
        return result;
    }
    *out_values = target.values;
    return 0;
}

int export_check_stream(const struct export *export, struct err *err)
{
    errno = 0;
    if (fflush(export->stream) == 0 && !ferror(export->stream)) {
        return 0;
    }
    return err_set_errno(err, errno != 0 ? errno : EIO, "cannot write the output");
}
