#include "settings.h"

#include <string.h>

#include "power_of_two.h"

static const char *const kind_names[POLICY_KIND_COUNT] = {
#define X(identifier, name, text) #name,
    POLICY_KINDS(X)
#undef X
};

const struct policy_setting_row policy_setting_rows[POLICY_SETTING_COUNT] = {
#define X(kind, name, standard, least, most, text)                                                 \
    {POLICY_##kind, #name, standard, least, most, text},
    POLICY_SETTINGS(X)
#undef X
};

/* Which of them make sense only as a power of two. */
static const char *const powers_of_two[] = {"chunk_bytes", "zone_bytes", "block_min_bytes",
                                            "slab_max_bytes"};

const char *policy_kind_name(unsigned kind)
{
    return kind < POLICY_KIND_COUNT ? kind_names[kind] : NULL;
}

void policy_settings_init(struct policy_settings *settings, enum policy_kind kind)
{
    memset(settings, 0, sizeof(*settings));
    settings->kind = kind;
    for (size_t i = 0; i < POLICY_SETTING_COUNT; i++) {
        settings->values[i] = policy_setting_rows[i].standard;
    }
}

/* A part of the text that is being read. */
struct word {
    const char *at;
    size_t length;
};

static bool word_is(struct word word, const char *text)
{
    return strlen(text) == word.length && memcmp(word.at, text, word.length) == 0;
}

/* Takes the part before the first of `ends` off the text. */
static struct word word_take(const char **text, const char *ends)
{
    struct word word = {*text, strcspn(*text, ends)};
    *text += word.length;
    return word;
}

static bool word_number(struct word word, uint64_t *out_number)
{
    uint64_t number = 0;
    for (size_t i = 0; i < word.length; i++) {
        unsigned digit = (unsigned)word.at[i] - '0';
        if (digit > 9 || number > UINT32_MAX) {
            return false;
        }
        number = number * 10 + digit;
    }
    *out_number = number;
    return word.length > 0;
}

static bool refuse(struct policy_mistake *mistake, const char *what, struct word word)
{
    *mistake = (struct policy_mistake){.what = what, .word = word.at, .word_length = word.length};
    return false;
}

static bool refuse_range(struct policy_mistake *mistake, struct word word, uint64_t least,
                         uint64_t most)
{
    refuse(mistake, "out of range", word);
    mistake->least = least;
    mistake->most = most;
    return false;
}

static bool read_sizes(struct policy_settings *settings, const char **text,
                       struct policy_mistake *mistake)
{
    for (;;) {
        struct word word = word_take(text, "+,");
        uint64_t size = 0;
        if (!word_number(word, &size)) {
            return refuse(mistake, "not a number", word);
        }
        if (size == 0 || size > POLICY_SIZE_LIMIT) {
            return refuse_range(mistake, word, 1, POLICY_SIZE_LIMIT);
        }
        uint32_t rounded = (uint32_t)((size + 15) & ~UINT64_C(15));
        uint32_t at = settings->size_count;
        if (at == POLICY_SIZES_MAX) {
            return refuse(mistake, "too many sizes", word);
        }
        if (at > 0 && settings->sizes[at - 1] > rounded) {
            return refuse(mistake, "sizes must rise", word);
        }
        if (at == 0 || settings->sizes[at - 1] != rounded) {
            settings->sizes[settings->size_count++] = rounded;
        }
        if (**text != '+') {
            return true;
        }
        (*text)++;
    }
}

static bool is_power_of_two_setting(const char *name)
{
    for (size_t i = 0; i < sizeof(powers_of_two) / sizeof(*powers_of_two); i++) {
        if (strcmp(powers_of_two[i], name) == 0) {
            return true;
        }
    }
    return false;
}

static bool read_value(struct policy_settings *settings, const struct policy_setting_row *row,
                       const char **text, struct policy_mistake *mistake)
{
    struct word word = word_take(text, ",");
    uint64_t value = 0;
    if (!word_number(word, &value)) {
        return refuse(mistake, "not a number", word);
    }
    if (value < row->least || value > row->most) {
        return refuse_range(mistake, word, row->least, row->most);
    }
    if (is_power_of_two_setting(row->name) && !is_power_of_two(value)) {
        return refuse(mistake, "not a power of two", word);
    }
    settings->values[row - policy_setting_rows] = value;
    return true;
}

static bool read_setting(struct policy_settings *settings, const char **text,
                         struct policy_mistake *mistake)
{
    struct word name = word_take(text, "=,");
    if (**text != '=') {
        return refuse(mistake, "no value", name);
    }
    (*text)++;
    bool has_sizes = settings->kind == POLICY_POOL || settings->kind == POLICY_SLAB;
    if (has_sizes && word_is(name, "sizes")) {
        return read_sizes(settings, text, mistake);
    }
    for (size_t i = 0; i < POLICY_SETTING_COUNT; i++) {
        const struct policy_setting_row *row = &policy_setting_rows[i];
        if (row->kind == settings->kind && word_is(name, row->name)) {
            return read_value(settings, row, text, mistake);
        }
    }
    return refuse(mistake, "unknown setting", name);
}

bool policy_settings_parse(const char *text, struct policy_settings *out_settings,
                           struct policy_mistake *out_mistake)
{
    struct word name = word_take(&text, ":");
    unsigned kind = 0;
    while (kind < POLICY_KIND_COUNT && !word_is(name, kind_names[kind])) {
        kind++;
    }
    if (kind == POLICY_KIND_COUNT) {
        return refuse(out_mistake, "unknown policy", name);
    }
    policy_settings_init(out_settings, (enum policy_kind)kind);
    while (*text != '\0') {
        text++; /* over the ':' or ',' */
        if (!read_setting(out_settings, &text, out_mistake)) {
            return false;
        }
    }
    return true;
}
