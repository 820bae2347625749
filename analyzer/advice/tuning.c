#include "tuning.h"

#include <stdio.h>
#include <string.h>

/* How a family of knobs is written into the environment. */
struct spelling {
    const char *allocator;
    const char *variable; /* that holds all knobs; NULL: each has its own */
    const char *prefix;   /* of each knob's name */
    char separator;
    char assign;
    unsigned
        version; /* whose knobs are searched, as in knobs.h; an allocator itself says what took */
};

static const struct spelling spellings[KNOB_FAMILY_COUNT] = {
    [KNOB_JEMALLOC] = {"jemalloc", "MALLOC_CONF=", "", ',', ':', 5003},
    [KNOB_GLIBC] = {"glibc", "GLIBC_TUNABLES=", "glibc.malloc.", ':', '=', 2036},
    [KNOB_GLIBC_VARIABLE] = {"", NULL, "", '\0', '=', 2036},
    [KNOB_MIMALLOC] = {"mimalloc", NULL, "MIMALLOC_", '\0', '=', 2000},
    [KNOB_TCMALLOC] = {"tcmalloc", NULL, "TCMALLOC_", '\0', '=', 2010},
};

enum knob_family tuning_family(const char *allocator)
{
    int family = 0;
    while (family < KNOB_FAMILY_COUNT && strcmp(spellings[family].allocator, allocator) != 0) {
        family++;
    }
    return (enum knob_family)family;
}

bool tuning_has_timed(const struct tuning_space *space, const struct knob *knob)
{
    return knob->search_timed != NULL &&
           (space->clock == TUNING_REAL_TIME ||
            (space->clock == TUNING_CLOCK_ONLY && !knob->is_real_time));
}

const char *tuning_exclusion(const struct tuning_space *space, const struct knob *knob)
{
    if (knob->danger != NULL) {
        return knob->danger;
    }
    if (knob->until != 0 || knob->since > spellings[knob->family].version) {
        return "this version does not know it";
    }
    if (knob->search == NULL && knob->search_timed == NULL) {
        return knob->left_out != NULL ? knob->left_out : knob->instead;
    }
    if (knob->is_for_threads && !space->has_threads) {
        return "it is for several threads, and one allocates";
    }
    if (knob->search == NULL && !tuning_has_timed(space, knob)) {
        return "it works as time passes, which these replays do not show: --paced does";
    }
    return NULL;
}

/* Each of the blank-separated values, as settings from *count on. */
static void add_values(const struct knob *knob, const char *values, struct tuning *out_tunings,
                       size_t capacity, size_t *count)
{
    for (const char *at = values; at != NULL && *at != '\0'; at += strspn(at, " ")) {
        size_t length = strcspn(at, " ");
        if (*count < capacity) {
            struct tuning *tuning = &out_tunings[*count];
            *tuning = (struct tuning){.count = 1};
            tuning->values[0].knob = knob;
            (void)snprintf(tuning->values[0].text, TUNING_VALUE_BYTES, "%.*s", (int)length, at);
        }
        (*count)++;
        at += length;
    }
}

size_t tuning_singles(const struct tuning_space *space, struct tuning *out_tunings, size_t capacity)
{
    size_t knob_count;
    size_t count = 0;
    const struct knob *knobs = knobs_all(&knob_count);
    for (size_t i = 0; i < knob_count; i++) {
        const struct knob *knob = &knobs[i];
        if (knob->family != space->family || tuning_exclusion(space, knob) != NULL) {
            continue;
        }
        add_values(knob, knob->search, out_tunings, capacity, &count);
        if (tuning_has_timed(space, knob)) {
            add_values(knob, knob->search_timed, out_tunings, capacity, &count);
        }
    }
    return count;
}

/* The knob of the part of a variable that begins at `at`, of `key_bytes`. */
static const struct knob *knob_at(enum knob_family family, const char *at, size_t key_bytes)
{
    const char *prefix = spellings[family].prefix;
    size_t prefix_bytes = strlen(prefix);
    char name[64];
    if (key_bytes < prefix_bytes || strncmp(at, prefix, prefix_bytes) != 0) {
        return NULL;
    }
    (void)snprintf(name, sizeof(name), "%.*s", (int)(key_bytes - prefix_bytes), at + prefix_bytes);
    return knobs_find(family, name);
}

bool tuning_read(enum knob_family family, const char *pair, struct tuning *out_tuning)
{
    const struct spelling *spelling = &spellings[family];
    const char ends[] = {spelling->separator, '\0'};
    const char assigns[] = {spelling->assign, '\0'};
    size_t variable_bytes = spelling->variable == NULL ? 0 : strlen(spelling->variable);
    *out_tuning = (struct tuning){.count = 0};
    if (variable_bytes > 0 && strncmp(pair, spelling->variable, variable_bytes) != 0) {
        return false;
    }
    for (const char *at = pair + variable_bytes; *at != '\0';) {
        size_t length = strcspn(at, ends);
        size_t key_bytes = strcspn(at, assigns);
        const struct knob *knob = key_bytes < length ? knob_at(family, at, key_bytes) : NULL;
        if (knob == NULL || out_tuning->count == TUNING_KNOBS_MAX) {
            return false;
        }
        struct tuning_value *value = &out_tuning->values[out_tuning->count++];
        value->knob = knob;
        (void)snprintf(value->text, TUNING_VALUE_BYTES, "%.*s", (int)(length - key_bytes - 1),
                       at + key_bytes + 1);
        at += length;
        at += *at != '\0';
    }
    return true;
}

static const struct tuning_value *find_value(const struct tuning *tuning, const struct knob *knob)
{
    for (size_t i = 0; i < tuning->count; i++) {
        if (tuning->values[i].knob == knob) {
            return &tuning->values[i];
        }
    }
    return NULL;
}

bool tuning_merge(const struct tuning *a, const struct tuning *b, struct tuning *out_tuning)
{
    struct tuning merged = *a;
    for (size_t i = 0; i < b->count; i++) {
        if (merged.count == TUNING_KNOBS_MAX || find_value(a, b->values[i].knob) != NULL) {
            return false;
        }
        merged.values[merged.count++] = b->values[i];
    }
    *out_tuning = merged;
    return true;
}

bool tuning_is_same(const struct tuning *a, const struct tuning *b)
{
    bool is_same = a->count == b->count;
    for (size_t i = 0; i < a->count && is_same; i++) {
        const struct tuning_value *other = find_value(b, a->values[i].knob);
        is_same = other != NULL && strcmp(other->text, a->values[i].text) == 0;
    }
    return is_same;
}

static const struct spelling *spelling_of(const struct tuning *tuning)
{
    return &spellings[tuning->values[0].knob->family];
}

/* The knobs from `from` on, `count` of them, with that before each name. */
static int append_knobs(const struct tuning *tuning, size_t from, size_t count, const char *prefix,
                        char separator, struct str *text)
{
    int result = 0;
    for (size_t i = from; i < from + count && result == 0; i++) {
        const struct tuning_value *value = &tuning->values[i];
        const char glue[] = {i > from ? separator : '\0', '\0'};
        result = str_printf(text, "%s%s%s%c%s", glue, prefix, value->knob->name,
                            spelling_of(tuning)->assign, value->text);
    }
    return result;
}

int tuning_append_label(const struct tuning *tuning, struct str *text)
{
    return append_knobs(tuning, 0, tuning->count, "", ',', text);
}

size_t tuning_pair_count(const struct tuning *tuning)
{
    bool has_own = tuning->count > 0 && spelling_of(tuning)->variable == NULL;
    return has_own ? tuning->count : tuning->count > 0;
}

int tuning_append_pair(const struct tuning *tuning, size_t place, struct str *text)
{
    const struct spelling *spelling = spelling_of(tuning);
    if (spelling->variable == NULL) {
        return append_knobs(tuning, place, 1, spelling->prefix, '\0', text);
    }
    int result = str_append(text, spelling->variable);
    return result < 0 ? result
                      : append_knobs(tuning, 0, tuning->count, spelling->prefix,
                                     spelling->separator, text);
}
