/*
 * pprof's profile.proto (github.com/google/pprof, proto/profile.proto), compressed with gzip.
 *
 * The order of the fields of a message is free, so all is written as it comes: what the samples
 * refer to first, the samples as they are read, and at last the table of texts, which is complete
 * only then. The numbers of fields stand in pprof_fields.h.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "../base/map.h"
#include "../base/pprof_fields.h"
#include "../base/str.h"
#include "../base/vec.h"
#include "../db/query_stack.h"
#include "export.h"
#include "gzip_stream.h"
#include "protobuf.h"

/* The figures of a sample, in this order. */
static const struct sample_type {
    const char *type;
    const char *unit;
    size_t offset; /* in struct site_row */
} sample_types[] = {
    {"alloc_objects", "count", offsetof(struct site_row, allocation_count)},
    {"alloc_space", "bytes", offsetof(struct site_row, allocated_bytes)},
    {"inuse_objects", "count", offsetof(struct site_row, leaked_count)},
    {"inuse_space", "bytes", offsetof(struct site_row, leaked_bytes)},
    {"peak_objects", "count", offsetof(struct site_row, peak_count)},
    {"peak_space", "bytes", offsetof(struct site_row, peak_bytes)},
};

enum {
    SAMPLE_TYPE_COUNT = sizeof(sample_types) / sizeof(sample_types[0])
};

struct pprof {
    const struct export *export;
    struct intern *texts;
    struct gzip_stream *gzip;
    struct module_load_row *loads; /* of each module the first */
    size_t load_count;
    size_t load_capacity;
    struct map load_places;  /* module_id -> index in loads, which is the mapping's id - 1 */
    struct map function_ids; /* name and file -> function's id */
    struct str message;      /* one field of the profile while it is made */
    struct str part;         /* one of its own fields */
    int result;              /* the first failure */
    struct err *err;
};

/* Keeps the first failure. */
static void note_result(struct pprof *pprof, int result)
{
    if (pprof->result == 0 && result < 0) {
        pprof->result = err_set_errno(pprof->err, -result, "cannot export");
    }
}

static uint32_t number_of(struct pprof *pprof, const char *text)
{
    uint32_t number = 0;
    note_result(pprof, intern_add(pprof->texts, text, &number));
    return number;
}

static void put_number(struct pprof *pprof, struct str *into, unsigned field, uint64_t value)
{
    note_result(pprof, protobuf_number(into, field, value));
}

static void put_text(struct pprof *pprof, struct str *into, unsigned field, const char *text)
{
    put_number(pprof, into, field, number_of(pprof, text));
}

/* `part` becomes a field of the message. */
static void put_part(struct pprof *pprof, unsigned field)
{
    note_result(pprof, protobuf_bytes(&pprof->message, field, str_text(&pprof->part),
                                      pprof->part.size_bytes));
    str_clear(&pprof->part);
}

static void write_bytes(struct pprof *pprof, const struct str *bytes)
{
    if (pprof->result == 0 &&
        gzip_stream_write(pprof->gzip, str_text(bytes), bytes->size_bytes) < 0) {
        pprof->result = export_check_stream(pprof->export, pprof->err);
    }
}

/* The message becomes a field of the profile. */
static void write_message(struct pprof *pprof, unsigned field)
{
    struct str head = {0};
    note_result(pprof,
                protobuf_bytes(&head, field, str_text(&pprof->message), pprof->message.size_bytes));
    write_bytes(pprof, &head);
    str_fini(&head);
    str_clear(&pprof->message);
}

/* A plain number as a field of the profile. */
static void write_number(struct pprof *pprof, unsigned field, uint64_t value)
{
    struct str number = {0};
    put_number(pprof, &number, field, value);
    write_bytes(pprof, &number);
    str_fini(&number);
}

static void write_value_type(struct pprof *pprof, unsigned field, const char *type,
                             const char *unit)
{
    put_text(pprof, &pprof->message, VALUE_TYPE_TYPE, type);
    put_text(pprof, &pprof->message, VALUE_TYPE_UNIT, unit);
    write_message(pprof, field);
}

static void write_comment(struct pprof *pprof, const char *comment)
{
    write_number(pprof, PROFILE_COMMENT, number_of(pprof, comment));
}

static void write_head(struct pprof *pprof)
{
    const struct run_row *run = &pprof->export->trace->run;
    for (size_t i = 0; i < SAMPLE_TYPE_COUNT; i++) {
        write_value_type(pprof, PROFILE_SAMPLE_TYPE, sample_types[i].type, sample_types[i].unit);
    }
    write_number(pprof, PROFILE_DEFAULT_SAMPLE_TYPE, number_of(pprof, "alloc_space"));
    write_value_type(pprof, PROFILE_PERIOD_TYPE, "space", "bytes");
    bool is_sample = trace_is_sample(pprof->export->trace);
    write_number(pprof, PROFILE_PERIOD, is_sample ? run->sample_bytes : 1);
    write_number(pprof, PROFILE_TIME_NANOS, run->started_unix_ns);
    if (run->duration_ns != QUERY_NULL) {
        write_number(pprof, PROFILE_DURATION_NANOS, run->duration_ns);
    }
    write_comment(pprof, run->command);
    write_comment(pprof, "recorded by allocaudit; inuse: never freed, peak: live at the peak");
    if (is_sample) {
        write_comment(pprof, "sampled: all figures are estimates");
    }
    if (!trace_is_complete(pprof->export->trace)) {
        write_comment(pprof, "the recording is not complete");
    }
}

/* ---- mappings, functions, locations ------------------------------------------------------------
 */

static int take_load(void *context, const struct module_load_row *row)
{
    struct pprof *pprof = context;
    uint32_t process_id = pprof->export->selection->process_id;
    uint32_t place = 0;
    if ((process_id != 0 && row->process_id != process_id) ||
        map_get(&pprof->load_places, row->module_id, &place)) {
        return 0;
    }
    int result = vec_reserve((void **)&pprof->loads, &pprof->load_capacity, pprof->load_count + 1,
                             sizeof(*pprof->loads));
    if (result == 0) {
        result = map_put(&pprof->load_places, row->module_id, (uint32_t)pprof->load_count);
    }
    if (result == 0) {
        pprof->loads[pprof->load_count++] = *row;
    }
    return result;
}

static const struct module_row *find_module(const struct trace *trace, uint32_t module_id)
{
    for (size_t i = 0; i < trace->module_count; i++) {
        if (trace->modules[i].id == module_id) {
            return &trace->modules[i];
        }
    }
    return NULL;
}

/* pprof takes the first mapping for the program itself. */
static void put_program_first(struct pprof *pprof)
{
    const struct trace *trace = pprof->export->trace;
    for (size_t i = 0; i < pprof->load_count; i++) {
        const struct module_load_row load = pprof->loads[i];
        const struct module_row *module = find_module(trace, load.module_id);
        const struct process_row *process = trace_process(trace, load.process_id);
        if (module == NULL || process == NULL || strcmp(module->path, process->executable) != 0) {
            continue;
        }
        pprof->loads[i] = pprof->loads[0];
        pprof->loads[0] = load;
        note_result(pprof, map_put(&pprof->load_places, pprof->loads[i].module_id, (uint32_t)i));
        note_result(pprof, map_put(&pprof->load_places, load.module_id, 0));
        return;
    }
}

static void write_mapping(struct pprof *pprof, size_t place)
{
    const struct module_load_row *load = &pprof->loads[place];
    const struct module_row *module = find_module(pprof->export->trace, load->module_id);
    struct str *message = &pprof->message;
    put_number(pprof, message, MAPPING_ID, place + 1);
    put_number(pprof, message, MAPPING_MEMORY_START, load->start_address);
    put_number(pprof, message, MAPPING_MEMORY_LIMIT, load->end_address);
    if (module != NULL) {
        put_text(pprof, message, MAPPING_FILENAME, module->path);
        put_text(pprof, message, MAPPING_BUILD_ID,
                 module->build_id != NULL ? module->build_id : "");
    }
    /* Said also where no names were found: pprof is not to look for its own. */
    put_number(pprof, message, MAPPING_HAS_FUNCTIONS, 1);
    put_number(pprof, message, MAPPING_HAS_FILENAMES, 1);
    put_number(pprof, message, MAPPING_HAS_LINE_NUMBERS, 1);
    put_number(pprof, message, MAPPING_HAS_INLINE_FRAMES, 1);
    write_message(pprof, PROFILE_MAPPING);
}

static void write_mappings(struct pprof *pprof)
{
    if (pprof->result == 0) {
        pprof->result = query_module_loads(pprof->export->trace->db, take_load, pprof, pprof->err);
    }
    put_program_first(pprof);
    for (size_t i = 0; i < pprof->load_count && pprof->result == 0; i++) {
        write_mapping(pprof, i);
    }
}

static void write_function(struct pprof *pprof, const struct frame_entry *frame, uint32_t id)
{
    put_number(pprof, &pprof->message, FUNCTION_ID, id);
    put_number(pprof, &pprof->message, FUNCTION_NAME, frame->function_text);
    put_number(pprof, &pprof->message, FUNCTION_SYSTEM_NAME, frame->function_text);
    put_number(pprof, &pprof->message, FUNCTION_FILENAME, frame->file_text);
    write_message(pprof, PROFILE_FUNCTION);
}

/* The id of a frame's function, which is written when it is met first. */
static uint32_t function_id(struct pprof *pprof, const struct frame_entry *frame)
{
    uint64_t key = (uint64_t)frame->function_text << 32 | frame->file_text;
    uint32_t id = 0;
    if (!map_get(&pprof->function_ids, key, &id)) {
        id = (uint32_t)pprof->function_ids.used_count + 1;
        note_result(pprof, map_put(&pprof->function_ids, key, id));
        write_function(pprof, frame, id);
    }
    return id;
}

static uint64_t location_id(const struct frame_entry *frame)
{
    return (uint64_t)frame->frame_id + 1;
}

/* The address is one before the return address: in the call. */
static void put_address(struct pprof *pprof, const struct frame_entry *frame)
{
    uint32_t place = 0;
    uint64_t bias = 0;
    if (map_get(&pprof->load_places, frame->module_id, &place)) {
        put_number(pprof, &pprof->message, LOCATION_MAPPING_ID, (uint64_t)place + 1);
        bias = pprof->loads[place].load_bias;
    }
    uint64_t return_address = bias + frame->offset;
    put_number(pprof, &pprof->message, LOCATION_ADDRESS,
               return_address > 0 ? return_address - 1 : 0);
}

/* One code address with all functions that are inlined there, the innermost first. */
static void write_location(struct pprof *pprof, const struct frame_entry *frame)
{
    const struct frame_table *frames = pprof->export->frames;
    const struct frame_entry *level = frame;
    do {
        (void)function_id(pprof, level); /* its message comes before this one */
        level = frame_table_outer(frames, level);
    } while (level != NULL);
    put_number(pprof, &pprof->message, LOCATION_ID, location_id(frame));
    put_address(pprof, frame);
    level = frame;
    do {
        put_number(pprof, &pprof->part, LINE_FUNCTION_ID, function_id(pprof, level));
        put_number(pprof, &pprof->part, LINE_LINE, level->line);
        put_part(pprof, LOCATION_LINE);
        level = frame_table_outer(frames, level);
    } while (level != NULL);
    write_message(pprof, PROFILE_LOCATION);
}

/* Of the frames that stacks refer to: the others are inlined into those. */
static void write_locations(struct pprof *pprof)
{
    const struct export *export = pprof->export;
    size_t frame_count = frame_table_count(export->frames);
    bool *is_used = calloc(frame_count + 1, sizeof(*is_used));
    if (is_used == NULL) {
        note_result(pprof, -ENOMEM);
        return;
    }
    for (size_t place = 0; place < stack_tree_count(export->tree); place++) {
        size_t frame = frame_table_place(export->frames, stack_tree_frame_id(export->tree, place));
        if (frame != SIZE_MAX) {
            is_used[frame] = true;
        }
    }
    for (size_t frame = 0; frame < frame_count && pprof->result == 0; frame++) {
        if (is_used[frame]) {
            write_location(pprof, frame_table_at(export->frames, frame));
        }
    }
    free(is_used);
}

/* ---- samples -----------------------------------------------------------------------------------
 */

static int put_locations(struct pprof *pprof, size_t place, struct err *err)
{
    const struct export *export = pprof->export;
    for (; place != STACK_TREE_NONE; place = stack_tree_parent(export->tree, place)) {
        uint32_t frame_id = stack_tree_frame_id(export->tree, place);
        size_t frame = frame_table_place(export->frames, frame_id);
        if (frame == SIZE_MAX) {
            return err_set(err, EBADMSG,
                           "cannot read '%s': damaged: a stack has a frame that is missing: %u",
                           db_path(export->trace->db), frame_id);
        }
        note_result(pprof, protobuf_varint(&pprof->part,
                                           location_id(frame_table_at(export->frames, frame))));
    }
    return 0;
}

/* Where there are several, samples tell their process: pprof can select by that. */
static void put_process(struct pprof *pprof, uint32_t process_id)
{
    const struct trace *trace = pprof->export->trace;
    const struct process_row *process = trace_process(trace, process_id);
    if (trace->process_count < 2 || process == NULL) {
        return;
    }
    struct str name = {0};
    note_result(
        pprof, str_printf(&name, "%" PRIu32 " %s", process_id, str_base_name(process->executable)));
    put_text(pprof, &pprof->part, LABEL_KEY, "process");
    put_text(pprof, &pprof->part, LABEL_STR, str_text(&name));
    put_part(pprof, SAMPLE_LABEL);
    str_fini(&name);
}

static int write_sample(void *context, const struct site_row *row, size_t place, struct err *err)
{
    struct pprof *pprof = context;
    int result = put_locations(pprof, place, err);
    if (result < 0) {
        return result;
    }
    put_part(pprof, SAMPLE_LOCATION_ID);
    for (size_t i = 0; i < SAMPLE_TYPE_COUNT; i++) {
        uint64_t value = *(const uint64_t *)((const char *)row + sample_types[i].offset);
        note_result(pprof, protobuf_varint(&pprof->part, value));
    }
    put_part(pprof, SAMPLE_VALUE);
    put_process(pprof, row->process_id);
    write_message(pprof, PROFILE_SAMPLE);
    return pprof->result;
}

static void write_texts(struct pprof *pprof)
{
    for (size_t i = 0; i < pprof->texts->count && pprof->result == 0; i++) {
        note_result(pprof, str_append(&pprof->message, intern_text(pprof->texts, (uint32_t)i)));
        write_message(pprof, PROFILE_STRING_TABLE);
    }
}

int pprof_write(const struct export *export, struct err *err)
{
    struct pprof pprof = {.export = export, .texts = frame_table_texts(export->frames), .err = err};
    note_result(&pprof, gzip_stream_open(export->stream, &pprof.gzip));
    if (pprof.result == 0) {
        write_head(&pprof);
        write_mappings(&pprof);
        write_locations(&pprof);
    }
    if (pprof.result == 0) {
        pprof.result = export_each_site(export, write_sample, &pprof, err);
    }
    write_texts(&pprof);
    if (pprof.result == 0) {
        (void)gzip_stream_finish(pprof.gzip); /* a failure is the stream's, which is looked at */
        pprof.result = export_check_stream(export, err);
    }
    gzip_stream_close(pprof.gzip);
    free(pprof.loads);
    map_fini(&pprof.load_places);
    map_fini(&pprof.function_ids);
    str_fini(&pprof.message);
    str_fini(&pprof.part);
    return pprof.result;
}
