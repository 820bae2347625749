#include "pprof_profile.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "../base/map.h"
#include "../base/pprof_fields.h"
#include "../base/vec.h"
#include "unpack.h"
#include "wire.h"

enum {
    VALUES_MAX = 8,
};

/* What the values of a heap profile are called, in the order of struct pprof_sample. */
static const char *const value_names[] = {"alloc_objects", "alloc_space", "inuse_objects",
                                          "inuse_space"};

enum {
    VALUE_COUNT = sizeof(value_names) / sizeof(value_names[0])
};

/* A function while its strings are numbers; a location as a range of lines. */
struct function_entry {
    uint64_t name;
    uint64_t file;
};

struct line_entry {
    uint64_t function_id;
    uint64_t line;
};

struct location_entry {
    uint64_t address;
    size_t first_line;
    size_t line_count;
};

struct pprof_reading {
    struct pprof_profile *profile;
    struct function_entry *functions;
    size_t function_count;
    size_t function_capacity;
    struct map function_of_id;
    struct line_entry *lines;
    size_t line_count;
    size_t line_capacity;
    struct location_entry *locations;
    size_t location_count;
    size_t location_capacity;
    struct map location_of_id;
    uint64_t types[VALUES_MAX]; /* strings that name the values */
    size_t type_count;
    int place_of[VALUE_COUNT]; /* which value is which */
    size_t sample_capacity;
    size_t frame_capacity;
    size_t string_capacity;
    struct wire *message; /* the whole, for its second reading */
};

#define ADD(reading, name)                                                                         \
    vec_reserve((void **)&(reading)->name##s, &(reading)->name##_capacity,                         \
                (reading)->name##_count + 1, sizeof(*(reading)->name##s))

/* ---- the tables --------------------------------------------------------------------------------
 */

static int read_string(struct pprof_reading *reading, const struct wire_field *field)
{
    struct pprof_profile *profile = reading->profile;
    int r = vec_reserve((void **)&profile->strings, &reading->string_capacity,
                        profile->string_count + 1, sizeof(*profile->strings));
    char *text = r == 0 ? strndup((const char *)field->bytes.at,
                                  (size_t)(field->bytes.end - field->bytes.at))
                        : NULL;
    if (text == NULL) {
        return -ENOMEM;
    }
    profile->strings[profile->string_count++] = text;
    return 0;
}

static int read_function(struct pprof_reading *reading, struct wire message)
{
    struct wire_field field;
    struct function_entry entry = {0};
    uint64_t id = 0;
    while (wire_next(&message, &field)) {
        id = field.number == FUNCTION_ID ? field.value : id;
        entry.name = field.number == FUNCTION_NAME ? field.value : entry.name;
        entry.file = field.number == FUNCTION_FILENAME ? field.value : entry.file;
    }
    int r = message.is_damaged ? -EBADMSG : ADD(reading, function);
    if (r == 0) {
        r = map_put(&reading->function_of_id, id, (uint32_t)reading->function_count);
    }
    if (r == 0) {
        reading->functions[reading->function_count++] = entry;
    }
    return r;
}

static int read_line(struct pprof_reading *reading, struct wire message)
{
    struct wire_field field;
    struct line_entry entry = {0};
    while (wire_next(&message, &field)) {
        entry.function_id = field.number == LINE_FUNCTION_ID ? field.value : entry.function_id;
        entry.line = field.number == LINE_LINE ? field.value : entry.line;
    }
    int r = message.is_damaged ? -EBADMSG : ADD(reading, line);
    if (r == 0) {
        reading->lines[reading->line_count++] = entry;
    }
    return r;
}

static int read_location(struct pprof_reading *reading, struct wire message)
{
    struct wire_field field;
    struct location_entry entry = {.first_line = reading->line_count};
    uint64_t id = 0;
    int r = 0;
    while (r == 0 && wire_next(&message, &field)) {
        id = field.number == LOCATION_ID ? field.value : id;
        entry.address = field.number == LOCATION_ADDRESS ? field.value : entry.address;
        if (field.number == LOCATION_LINE && field.has_bytes) {
            r = read_line(reading, field.bytes);
        }
    }
    entry.line_count = reading->line_count - entry.first_line;
    r = r == 0 && message.is_damaged ? -EBADMSG : r;
    if (r == 0) {
        r = ADD(reading, location);
    }
    if (r == 0) {
        r = map_put(&reading->location_of_id, id, (uint32_t)reading->location_count);
    }
    if (r == 0) {
        reading->locations[reading->location_count++] = entry;
    }
    return r;
}

static int read_type(struct pprof_reading *reading, struct wire message)
{
    struct wire_field field;
    uint64_t type = 0;
    while (wire_next(&message, &field)) {
        type = field.number == VALUE_TYPE_TYPE ? field.value : type;
    }
    if (message.is_damaged || reading->type_count == VALUES_MAX) {
        return -EBADMSG;
    }
    reading->types[reading->type_count++] = type;
    return 0;
}

static int read_tables(struct pprof_reading *reading)
{
    struct wire message = *reading->message;
    struct wire_field field;
    int r = 0;
    while (r == 0 && wire_next(&message, &field)) {
        if (field.has_bytes && field.number == PROFILE_STRING_TABLE) {
            r = read_string(reading, &field);
        } else if (field.has_bytes && field.number == PROFILE_FUNCTION) {
            r = read_function(reading, field.bytes);
        } else if (field.has_bytes && field.number == PROFILE_LOCATION) {
            r = read_location(reading, field.bytes);
        } else if (field.has_bytes && field.number == PROFILE_SAMPLE_TYPE) {
            r = read_type(reading, field.bytes);
        } else if (!field.has_bytes && field.number == PROFILE_TIME_NANOS) {
            reading->profile->time_unix_ns = field.value;
        } else if (!field.has_bytes && field.number == PROFILE_PERIOD) {
            reading->profile->period_bytes = field.value;
        }
    }
    return r == 0 && message.is_damaged ? -EBADMSG : r;
}

/* ---- samples -----------------------------------------------------------------------------------
 */

static const char *find_string(const struct pprof_reading *reading, uint64_t number)
{
    const struct pprof_profile *profile = reading->profile;
    return number < profile->string_count ? profile->strings[number] : "";
}

static bool find_values(struct pprof_reading *reading)
{
    for (int i = 0; i < VALUE_COUNT; i++) {
        reading->place_of[i] = -1;
        for (size_t k = 0; k < reading->type_count; k++) {
            if (strcmp(find_string(reading, reading->types[k]), value_names[i]) == 0) {
                reading->place_of[i] = (int)k;
            }
        }
        if (reading->place_of[i] < 0) {
            return false;
        }
    }
    return true;
}

static int add_frame(struct pprof_reading *reading, const struct pprof_frame *frame)
{
    struct pprof_profile *profile = reading->profile;
    if (profile->frame_count == PPROF_FRAMES_MAX) {
        return -EBADMSG;
    }
    int r = vec_reserve((void **)&profile->frames, &reading->frame_capacity,
                        profile->frame_count + 1, sizeof(*profile->frames));
    if (r == 0) {
        profile->frames[profile->frame_count++] = *frame;
    }
    return r;
}

/* A sample while its numbers are read. */
struct sample_reading {
    struct pprof_reading *reading;
    struct pprof_sample sample;
    uint64_t values[VALUES_MAX];
    size_t value_count;
    int failure;
};

static bool take_location(void *context, uint64_t id)
{
    struct sample_reading *at = context;
    struct pprof_reading *reading = at->reading;
    uint32_t index;
    if (!map_get(&reading->location_of_id, id, &index)) {
        at->failure = -EBADMSG;
        return false;
    }
    const struct location_entry *location = &reading->locations[index];
    for (size_t i = 0; i < location->line_count && at->sample.frame_count < PPROF_DEPTH_MAX; i++) {
        const struct line_entry *line = &reading->lines[location->first_line + i];
        struct pprof_frame frame = {.function = "", .file = ""};
        uint32_t function;
        if (map_get(&reading->function_of_id, line->function_id, &function)) {
            frame.function = find_string(reading, reading->functions[function].name);
            frame.file = find_string(reading, reading->functions[function].file);
        }
        frame.line = line->line <= INT32_MAX ? (uint32_t)line->line : 0;
        at->failure = add_frame(reading, &frame);
        if (at->failure < 0) {
            return false;
        }
        at->sample.frame_count++;
    }
    return true;
}

static bool take_value(void *context, uint64_t value)
{
    struct sample_reading *at = context;
    if (at->value_count == VALUES_MAX || value > INT64_MAX) {
        at->failure = -EBADMSG;
        return false;
    }
    at->values[at->value_count++] = value;
    return true;
}

static int read_sample(struct pprof_reading *reading, struct wire message)
{
    struct pprof_profile *profile = reading->profile;
    struct sample_reading at = {
        .reading = reading,
        .sample = {.first_frame = profile->frame_count},
    };
    struct wire_field field;
    bool is_whole = true;
    while (is_whole && wire_next(&message, &field)) {
        if (field.number == SAMPLE_LOCATION_ID) {
            is_whole = wire_each_number(&field, take_location, &at);
        } else if (field.number == SAMPLE_VALUE) {
            is_whole = wire_each_number(&field, take_value, &at);
        }
    }
    if (!is_whole || message.is_damaged || at.value_count != reading->type_count) {
        return at.failure < 0 ? at.failure : -EBADMSG;
    }
    uint64_t *const fields[VALUE_COUNT] = {&at.sample.alloc_count, &at.sample.alloc_bytes,
                                           &at.sample.inuse_count, &at.sample.inuse_bytes};
    for (int i = 0; i < VALUE_COUNT; i++) {
        *fields[i] = at.values[reading->place_of[i]];
    }
    int r = vec_reserve((void **)&profile->samples, &reading->sample_capacity,
                        profile->sample_count + 1, sizeof(*profile->samples));
    if (r == 0) {
        profile->samples[profile->sample_count++] = at.sample;
    }
    return r;
}

static int read_samples(struct pprof_reading *reading)
{
    struct wire message = *reading->message;
    struct wire_field field;
    int r = 0;
    while (r == 0 && wire_next(&message, &field)) {
        if (field.has_bytes && field.number == PROFILE_SAMPLE) {
            r = read_sample(reading, field.bytes);
        }
    }
    return r;
}

/* ---- the whole ---------------------------------------------------------------------------------
 */

static int tell_failure(int r, struct err *err)
{
    return r == -ENOMEM ? err_set(err, ENOMEM, "out of memory")
                        : err_set(err, -r, "damaged, or a profile of neither pprof nor heaptrack");
}

int pprof_profile_parse(const unsigned char *bytes, size_t size_bytes,
                        struct pprof_profile *out_profile, struct err *err)
{
    struct wire message = {.at = bytes, .end = bytes + size_bytes};
    *out_profile = (struct pprof_profile){0};
    struct pprof_reading reading = {.profile = out_profile, .message = &message};
    int r = size_bytes == 0 ? -EBADMSG : read_tables(&reading);
    if (r == 0 && !find_values(&reading)) {
        r = err_set(err, EBADMSG, "no heap profile: it has no alloc_space and inuse_space");
    } else {
        r = r == 0 ? read_samples(&reading) : r;
        r = r < 0 ? tell_failure(r, err) : 0;
    }
    free(reading.functions);
    free(reading.lines);
    free(reading.locations);
    map_fini(&reading.function_of_id);
    map_fini(&reading.location_of_id);
    if (r < 0) {
        pprof_profile_fini(out_profile);
    }
    return r;
}

int pprof_profile_read(const char *path, struct pprof_profile *out_profile, struct err *err)
{
    unsigned char *bytes;
    size_t size_bytes;
    int r = unpack_file(path, PPROF_BYTES_MAX, &bytes, &size_bytes, err);
    if (r < 0) {
        return r;
    }
    r = pprof_profile_parse(bytes, size_bytes, out_profile, err);
    free(bytes);
    if (r < 0) {
        err_prepend(err, "cannot read '%s'", path);
    }
    return r;
}

void pprof_profile_fini(struct pprof_profile *profile)
{
    for (size_t i = 0; i < profile->string_count; i++) {
        free(profile->strings[i]);
    }
    free(profile->strings);
    free(profile->samples);
    free(profile->frames);
    *profile = (struct pprof_profile){0};
}
