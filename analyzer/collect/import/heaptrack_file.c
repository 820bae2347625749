#include "heaptrack_file.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "../../base/packed_file.h"
#include "../../base/vec.h"

enum {
    CHUNK_BYTES = 1 << 16,
    LINE_BYTES_MAX = 1 << 20,
    VERSION_OLDEST = 1,
    VERSION_NEWEST = 3, /* names come with their length */
};

struct heaptrack_file {
    struct packed_file *packed;
    struct heaptrack_tables tables;
    char *path;
    char *buffer; /* CHUNK_BYTES and more where a line is longer */
    size_t capacity;
    size_t begin; /* [begin, end) is not read yet */
    size_t end;
    bool is_at_end;
    uint64_t line;
    uint64_t version;
};

/* What is left of a line. */
struct cursor {
    const char *at;
    const char *end;
};

static int refuse(const struct heaptrack_file *file, const char *what, struct err *err)
{
    return err_set(err, EBADMSG, "cannot read '%s': line %" PRIu64 ": %s", file->path, file->line,
                   what);
}

/* ---- lines -------------------------------------------------------------------------------------
 */

static int fill_buffer(struct heaptrack_file *file, struct err *err)
{
    memmove(file->buffer, file->buffer + file->begin, file->end - file->begin);
    file->end -= file->begin;
    file->begin = 0;
    if (file->capacity - file->end < CHUNK_BYTES) {
        if (file->end > LINE_BYTES_MAX) {
            return refuse(file, "too long", err);
        }
        char *buffer = realloc(file->buffer, 2 * file->capacity);
        if (buffer == NULL) {
            return err_set_errno(err, ENOMEM, "cannot read '%s'", file->path);
        }
        file->buffer = buffer;
        file->capacity *= 2;
    }
    ssize_t count = packed_file_read(file->packed, file->buffer + file->end, CHUNK_BYTES, err);
    if (count < 0) {
        err_prepend(err, "cannot read '%s'", file->path);
        return (int)count;
    }
    file->end += (size_t)count;
    file->is_at_end = count == 0;
    return 0;
}

/* Returns 1 and the next line, without its end; 0 at the end of the file; or a negative errno. */
static int next_line(struct heaptrack_file *file, struct cursor *out_line, struct err *err)
{
    for (;;) {
        const char *start = file->buffer + file->begin;
        size_t size_bytes = file->end - file->begin;
        const char *end = size_bytes > 0 ? memchr(start, '\n', size_bytes) : NULL;
        if (end == NULL && file->is_at_end && size_bytes > 0) {
            end = start + size_bytes; /* its end is missing */
        }
        if (end != NULL) {
            file->line++;
            file->begin = (size_t)(end - file->buffer);
            file->begin += file->begin < file->end ? 1 : 0;
            *out_line = (struct cursor){start, end};
            return 1;
        }
        if (file->is_at_end) {
            return 0;
        }
        int r = fill_buffer(file, err);
        if (r < 0) {
            return r;
        }
    }
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* The next number, behind a blank. False if there is none, or it is too large. */
static bool take_number(struct cursor *line, uint64_t *out_number)
{
    const char *at = line->at;
    if (at == line->end || *at != ' ') {
        return false;
    }
    uint64_t number = 0;
    const char *start = ++at;
    for (; at < line->end && hex_digit(*at) >= 0; at++) {
        if (number >> 60 != 0) {
            return false;
        }
        number = number << 4 | (uint64_t)hex_digit(*at);
    }
    line->at = at;
    *out_number = number;
    return at > start;
}

/* A number in a table of `count`, or 0 for none. */
static bool take_reference(struct cursor *line, size_t count, uint32_t *out_number)
{
    uint64_t number;
    if (!take_number(line, &number) || number > count || number > UINT32_MAX) {
        return false;
    }
    *out_number = (uint32_t)number;
    return true;
}

/* ---- the tables --------------------------------------------------------------------------------
 */

/* Room for one more, of which the caller then makes use. */
static int grow(struct heaptrack_file *file, void *items, size_t *capacity, size_t count,
                size_t item_bytes, struct err *err)
{
    return vec_reserve(items, capacity, count + 1, item_bytes) < 0
               ? err_set_errno(err, ENOMEM, "cannot read '%s'", file->path)
               : 0;
}

static int take_name(struct heaptrack_file *file, struct cursor *line, struct err *err)
{
    struct heaptrack_tables *tables = &file->tables;
    uint64_t size_bytes = 0;
    bool has_size = file->version >= 3;
    if ((has_size && !take_number(line, &size_bytes)) || line->at == line->end ||
        *line->at++ != ' ' || (has_size && size_bytes > (uint64_t)(line->end - line->at))) {
        return refuse(file, "no name", err);
    }
    size_bytes = has_size ? size_bytes : (uint64_t)(line->end - line->at);
    int r = grow(file, &tables->names, &tables->name_capacity, tables->name_count,
                 sizeof(*tables->names), err);
    char *name = r == 0 ? strndup(line->at, (size_t)size_bytes) : NULL;
    if (name == NULL) {
        return r < 0 ? r : err_set_errno(err, ENOMEM, "cannot read '%s'", file->path);
    }
    tables->names[tables->name_count++] = name;
    return 0;
}

static int take_frame(struct heaptrack_file *file, struct cursor *line, struct err *err)
{
    struct heaptrack_tables *tables = &file->tables;
    struct heaptrack_frame frame = {0};
    uint64_t number = 0;
    bool is_one = take_reference(line, tables->name_count, &frame.function);
    if (is_one && line->at < line->end) { /* else its file is not known */
        is_one = take_reference(line, tables->name_count, &frame.file) &&
                 take_number(line, &number) && number <= UINT32_MAX;
    }
    if (!is_one) {
        return refuse(file, "no function of a place in the code", err);
    }
    frame.line = (uint32_t)number;
    int r = grow(file, &tables->frames, &tables->frame_capacity, tables->frame_count,
                 sizeof(*tables->frames), err);
    if (r == 0) {
        tables->frames[tables->frame_count++] = frame;
    }
    return r;
}

static int take_place(struct heaptrack_file *file, struct cursor *line, struct err *err)
{
    struct heaptrack_tables *tables = &file->tables;
    struct heaptrack_place place = {.first_frame = tables->frame_count};
    if (!take_number(line, &place.address) ||
        !take_reference(line, tables->name_count, &place.module)) {
        return refuse(file, "no place in the code", err);
    }
    int r = grow(file, &tables->places, &tables->place_capacity, tables->place_count,
                 sizeof(*tables->places), err);
    while (r == 0 && line->at < line->end) {
        r = take_frame(file, line, err);
        place.frame_count++;
    }
    if (r == 0) {
        tables->places[tables->place_count++] = place;
    }
    return r;
}

static int take_stack(struct heaptrack_file *file, struct cursor *line, struct err *err)
{
    struct heaptrack_tables *tables = &file->tables;
    struct heaptrack_stack stack;
    if (!take_reference(line, tables->place_count, &stack.place) ||
        !take_reference(line, tables->stack_count, &stack.parent)) {
        return refuse(file, "no call stack", err);
    }
    int r = grow(file, &tables->stacks, &tables->stack_capacity, tables->stack_count,
                 sizeof(*tables->stacks), err);
    if (r == 0) {
        tables->stacks[tables->stack_count++] = stack;
    }
    return r;
}

static int take_want(struct heaptrack_file *file, struct cursor *line, struct err *err)
{
    struct heaptrack_tables *tables = &file->tables;
    struct heaptrack_want want;
    if (!take_number(line, &want.size_bytes) || want.size_bytes > INT64_MAX ||
        !take_reference(line, tables->stack_count, &want.stack)) {
        return refuse(file, "no size of a call stack", err);
    }
    int r = grow(file, &tables->wants, &tables->want_capacity, tables->want_count,
                 sizeof(*tables->wants), err);
    if (r == 0) {
        tables->wants[tables->want_count++] = want;
    }
    return r;
}

static int take_command(struct heaptrack_file *file, struct cursor *line, struct err *err)
{
    if (file->tables.command != NULL || line->at == line->end) {
        return 0;
    }
    file->tables.command = strndup(line->at + 1, (size_t)(line->end - line->at - 1));
    return file->tables.command == NULL ? err_set_errno(err, ENOMEM, "cannot read '%s'", file->path)
                                        : 0;
}

static int take_version(struct heaptrack_file *file, struct cursor *line, struct err *err)
{
    uint64_t of_program;
    if (!take_number(line, &of_program) || !take_number(line, &file->version)) {
        return refuse(file, "no file of heaptrack", err);
    }
    if (file->version < VERSION_OLDEST || file->version > VERSION_NEWEST) {
        return err_set(err, EBADMSG,
                       "cannot read '%s': version %" PRIu64 " of heaptrack's format; %d to %d can "
                       "be read",
                       file->path, file->version, VERSION_OLDEST, VERSION_NEWEST);
    }
    return 0;
}

static int take_system(struct heaptrack_file *file, struct cursor *line, struct err *err)
{
    return take_number(line, &file->tables.page_bytes) ? 0 : refuse(file, "no page size", err);
}

static int refuse_raw(const struct heaptrack_file *file, struct err *err)
{
    return err_set(err, EBADMSG,
                   "cannot read '%s': it is raw data (heaptrack --raw): run heaptrack_interpret on "
                   "it first, as 'heaptrack' does without that option",
                   file->path);
}

/* ---- events ------------------------------------------------------------------------------------
 */

static int take_event(struct heaptrack_file *file, struct cursor *line, bool is_birth,
                      struct heaptrack_event *event, struct err *err)
{
    uint64_t number;
    if (!take_number(line, &number) || number >= file->tables.want_count) {
        return refuse(file, "no event", err);
    }
    *event = (struct heaptrack_event){.kind = is_birth ? HEAPTRACK_BIRTH : HEAPTRACK_DEATH,
                                      .want = (uint32_t)number};
    return 0;
}

static int take_value(struct heaptrack_file *file, struct cursor *line,
                      enum heaptrack_event_kind kind, struct heaptrack_event *event,
                      struct err *err)
{
    *event = (struct heaptrack_event){.kind = kind};
    return take_number(line, &event->value) ? 0 : refuse(file, "no number", err);
}

/* Returns 0; event->kind stays HEAPTRACK_END where the line holds none. */
static int take_line(struct heaptrack_file *file, struct cursor *line,
                     struct heaptrack_event *event, struct err *err)
{
    if (line->at == line->end) {
        return 0;
    }
    char letter = *line->at++;
    if (file->version == 0 && letter != 'v') {
        return refuse(file, "no file of heaptrack", err);
    }
    switch (letter) {
    case '+':
    case '-':
        return take_event(file, line, letter == '+', event, err);
    case 'c':
        return take_value(file, line, HEAPTRACK_TIME, event, err);
    case 'R':
        return take_value(file, line, HEAPTRACK_RSS, event, err);
    case 's':
        return take_name(file, line, err);
    case 'i':
        return take_place(file, line, err);
    case 't':
        return take_stack(file, line, err);
    case 'a':
        return take_want(file, line, err);
    case 'v':
        return take_version(file, line, err);
    case 'X':
        return take_command(file, line, err);
    case 'I':
        return take_system(file, line, err);
    case 'A':
        file->tables.is_attached = true;
        return 0;
    case 'm':
    case 'x':
        return refuse_raw(file, err);
    default: /* comments, suppressions, and what later versions add */
        return 0;
    }
}

int heaptrack_file_next(struct heaptrack_file *file, struct heaptrack_event *out_event,
                        struct err *err)
{
    struct cursor line;
    *out_event = (struct heaptrack_event){.kind = HEAPTRACK_END};
    for (;;) {
        int r = next_line(file, &line, err);
        if (r == 0) {
            return file->version == 0 ? refuse(file, "no file of heaptrack", err) : 0;
        }
        r = r < 0 ? r : take_line(file, &line, out_event, err);
        if (r < 0 || out_event->kind != HEAPTRACK_END) {
            return r;
        }
    }
}

/* ---- the file ----------------------------------------------------------------------------------
 */

bool heaptrack_file_is(const char *path)
{
    struct packed_file *packed = NULL;
    struct err ignored;
    char head[3] = "";
    bool is_one = packed_file_open(path, &packed, &ignored) == 0 &&
                  packed_file_read(packed, head, sizeof(head), &ignored) == sizeof(head) &&
                  head[0] == 'v' && head[1] == ' ' && hex_digit(head[2]) >= 0;
    packed_file_close(packed);
    return is_one;
}

int heaptrack_file_open(const char *path, struct heaptrack_file **out_file, struct err *err)
{
    struct heaptrack_file *file = calloc(1, sizeof(*file));
    if (file != NULL) {
        file->path = strdup(path);
        file->capacity = (size_t)2 * CHUNK_BYTES;
        file->buffer = malloc(file->capacity);
    }
    if (file == NULL || file->path == NULL || file->buffer == NULL) {
        heaptrack_file_close(file);
        return err_set_errno(err, ENOMEM, "cannot read '%s'", path);
    }
    int r = packed_file_open(path, &file->packed, err);
    if (r < 0) {
        err_prepend(err, "cannot read '%s'", path);
        heaptrack_file_close(file);
        return r;
    }
    *out_file = file;
    return 0;
}

const struct heaptrack_tables *heaptrack_file_tables(const struct heaptrack_file *file)
{
    return &file->tables;
}

const char *heaptrack_file_name(const struct heaptrack_file *file, uint32_t number)
{
    return number == 0 ? NULL : file->tables.names[number - 1];
}

void heaptrack_file_progress(const struct heaptrack_file *file, uint64_t *out_done,
                             uint64_t *out_total)
{
    *out_done = packed_file_offset(file->packed);
    *out_total = packed_file_size(file->packed);
}

void heaptrack_file_close(struct heaptrack_file *file)
{
    if (file == NULL) {
        return;
    }
    packed_file_close(file->packed);
    for (size_t i = 0; i < file->tables.name_count; i++) {
        free(file->tables.names[i]);
    }
    free(file->tables.names);
    free(file->tables.frames);
    free(file->tables.places);
    free(file->tables.stacks);
    free(file->tables.wants);
    free(file->tables.command);
    free(file->buffer);
    free(file->path);
    free(file);
}
