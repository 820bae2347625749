/*
 * The file format of speedscope.app: the frames once, then a profile per value, whose samples are
 * stacks of numbers of frames, the root first. Its schema is
 * https://www.speedscope.app/file-format-schema.json.
 *
 * Frames of one function and file are one: speedscope would draw two lines of `main` as two
 * functions of that name, side by side, and sum up neither. A line is told where there is only one.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "../base/map.h"
#include "../base/str.h"
#include "../base/utf8.h"
#include "export.h"

enum {
    PENDING_BYTES = 64 * 1024,
};

/* A function in a file, of which there may be several frames. */
struct shown_frame {
    const struct frame_entry *entry; /* the first of them */
    uint32_t line;                   /* 0: not known, or not the same in all */
};

/* What is being written; the first failure is kept. */
struct document {
    const struct export *export;
    struct shown_frame *shown;
    uint32_t shown_count;
    uint32_t *shown_places; /* of each frame of the table */
    struct str text;
    struct frame_chain chain;
    int result;
    struct err *err;
};

static void put(struct document *document, int result)
{
    if (document->result == 0 && result < 0) {
        document->result = err_set_errno(document->err, -result, "cannot export");
    }
}

/* Hands what has been gathered to the stream, if it is worth it. */
static void flush_text(struct document *document, size_t least_bytes)
{
    struct str *text = &document->text;
    if (document->result < 0 || text->size_bytes < least_bytes || text->size_bytes == 0) {
        return;
    }
    if (fwrite(text->text, 1, text->size_bytes, document->export->stream) != text->size_bytes) {
        document->result = export_check_stream(document->export, document->err);
    }
    str_clear(text);
}

static void put_string(struct document *document, const char *key, const char *text)
{
    put(document, str_printf(&document->text, "\"%s\":", key));
    put(document, utf8_append_json(&document->text, text, strlen(text)));
}

static int merge_frames(struct document *document)
{
    const struct frame_table *frames = document->export->frames;
    size_t count = frame_table_count(frames);
    struct map places = {0}; /* of functions in files, in `shown` */
    document->shown = calloc(count + 1, sizeof(*document->shown));
    document->shown_places = calloc(count + 1, sizeof(*document->shown_places));
    int result = document->shown != NULL && document->shown_places != NULL ? 0 : -ENOMEM;
    for (size_t i = 0; i < count && result == 0; i++) {
        const struct frame_entry *frame = frame_table_at(frames, i);
        uint64_t key = (uint64_t)frame->function_text << 32 | frame->file_text;
        uint32_t place;
        if (map_get(&places, key, &place)) {
            struct shown_frame *shown = &document->shown[place];
            shown->line = shown->line == frame->line ? shown->line : 0;
        } else {
            place = document->shown_count++;
            document->shown[place] = (struct shown_frame){frame, frame->line};
            result = map_put(&places, key, place);
        }
        document->shown_places[i] = place;
    }
    map_fini(&places);
    return result;
}

static void put_frames(struct document *document)
{
    put(document, str_append(&document->text, "\"shared\":{\"frames\":["));
    for (uint32_t i = 0; i < document->shown_count && document->result == 0; i++) {
        const struct frame_entry *frame = document->shown[i].entry;
        put(document, str_append(&document->text, i > 0 ? ",\n{" : "\n{"));
        put_string(document, "name", frame->function);
        if (frame->file != NULL) {
            put(document, str_append_char(&document->text, ','));
            put_string(document, "file", frame->file);
        }
        if (document->shown[i].line > 0) {
            put(document,
                str_printf(&document->text, ",\"line\":%" PRIu32, document->shown[i].line));
        }
        put(document, str_append_char(&document->text, '}'));
        flush_text(document, PENDING_BYTES);
    }
    put(document, str_append(&document->text, "\n]},\n"));
}

static void put_stack(struct document *document, size_t place)
{
    const struct export *export = document->export;
    if (document->result == 0) {
        document->result =
            frame_table_spell(export->frames, export->tree, place, &document->chain, document->err);
    }
    put(document, str_append_char(&document->text, '['));
    for (size_t i = document->chain.count; i-- > 0 && document->result == 0;) {
        size_t frame = frame_table_place(export->frames, document->chain.frames[i]->frame_id);
        put(document, str_printf(&document->text, i > 0 ? "%" PRIu32 "," : "%" PRIu32,
                                 document->shown_places[frame]));
    }
    put(document, str_append_char(&document->text, ']'));
}

/* Of stacks with a value, a list: their frames, or the values themselves. */
static void put_list(struct document *document, const uint64_t *values, bool has_values)
{
    size_t count = stack_tree_count(document->export->tree);
    bool is_first = true;
    for (size_t place = 0; place < count && document->result == 0; place++) {
        term_progress_update(document->export->progress, place, count);
        if (values[place] == 0) {
            continue;
        }
        put(document, str_append(&document->text, is_first ? "\n" : ",\n"));
        is_first = false;
        if (has_values) {
            put(document, str_printf(&document->text, "%" PRIu64, values[place]));
        } else {
            put_stack(document, place);
        }
        flush_text(document, PENDING_BYTES);
    }
}

static void put_profile(struct document *document, enum export_value value)
{
    const struct export *export = document->export;
    uint64_t *values = NULL;
    if (document->result == 0) {
        document->result = export_stack_values(export, value, &values, document->err);
    }
    if (document->result < 0 || values == NULL) {
        return;
    }
    uint64_t total = 0;
    for (size_t place = 0; place < stack_tree_count(export->tree); place++) {
        total += values[place];
    }
    put(document, str_append(&document->text, "\n{\"type\":\"sampled\","));
    put_string(document, "name", export_values[value].title);
    put(document, str_append_char(&document->text, ','));
    put_string(document, "unit", export_values[value].is_bytes ? "bytes" : "none");
    put(document, str_printf(&document->text, ",\"startValue\":0,\"endValue\":%" PRIu64, total));
    put(document, str_append(&document->text, ",\"samples\":["));
    put_list(document, values, false);
    put(document, str_append(&document->text, "],\"weights\":["));
    put_list(document, values, true);
    put(document, str_append(&document->text, "]}"));
    free(values);
}

int speedscope_write(const struct export *export, struct err *err)
{
    struct document document = {.export = export, .err = err};
    put(&document, merge_frames(&document));
    put(&document, str_append(&document.text, "{"));
    put_string(&document, "$schema", "https://www.speedscope.app/file-format-schema.json");
    put(&document, str_append(&document.text, ",\n"));
    put_string(&document, "exporter", "allocaudit " ALLOCAUDIT_VERSION);
    put(&document, str_append(&document.text, ",\n"));
    put_string(&document, "name", export->trace->run.command);
    put(&document, str_append(&document.text, ",\n"));
    put_frames(&document);
    put(&document, str_append(&document.text, "\"profiles\":["));
    bool is_all = export->value == EXPORT_VALUE_COUNT;
    for (unsigned value = 0; value < EXPORT_VALUE_COUNT; value++) {
        if (is_all || value == export->value) {
            put(&document, is_all && value > 0 ? str_append_char(&document.text, ',') : 0);
            put_profile(&document, (enum export_value)value);
        }
    }
    put(&document, str_append(&document.text, "\n]}\n"));
    flush_text(&document, 0);
    str_fini(&document.text);
    frame_chain_fini(&document.chain);
    free(document.shown);
    free(document.shown_places);
    return document.result < 0 ? document.result : export_check_stream(export, err);
}
