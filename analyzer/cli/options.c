#include "options.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "../base/suggest.h"

enum {
    NAMES_MAX = 64, /* options of one command that a misspelt one is compared with */
};

/* Where parsing stands. Words that are no options are moved to the front of argv. */
struct parser {
    const struct option_page *page;
    int argc;
    char **argv;
    int at;         /* the next word to read */
    int word_count; /* positionals found: argv[1 .. word_count] */
    void *settings;
    struct err *err;
};

bool options_is_file_name(const char *word)
{
    const size_t length = strlen(word);
    return strchr(word, '/') != NULL || (length > 3 && strcmp(word + length - 3, ".db") == 0);
}

void option_list_fini(struct option_list *list)
{
    free(list->items);
    *list = (struct option_list){0};
}

static bool takes_value(const struct option_spec *spec)
{
    return spec->type != OPTION_FLAG;
}

static int list_add(struct option_list *list, const char *text, struct err *err)
{
    const char **items = realloc(list->items, (list->count + 1) * sizeof(*items));
    if (items == NULL) {
        return err_set(err, ENOMEM, "out of memory");
    }

    items[list->count] = text;
    list->items = items;
    list->count++;
    return 0;
}

/* "5" or "64 KiB" as the option itself would be written, for the range in a message. */
static void describe_limit(enum option_type type, uint64_t value, char *out_text, size_t size_bytes)
{
    static const char *const byte_names[] = {"", "KiB", "MiB", "GiB", "TiB"};
    static const char *const time_names[] = {"ns", "us", "ms", "s"};
    unsigned i = 0;
    if (type == OPTION_BYTES) {
        for (; i < 4 && value >= 1024 && value % 1024 == 0; i++) {
            value /= 1024;
        }
    } else if (type == OPTION_DURATION) {
        for (; i < 3 && value >= 1000 && value % 1000 == 0; i++) {
            value /= 1000;
        }
    }
    const char *unit = type == OPTION_BYTES ? byte_names[i] : "";
    if (type == OPTION_DURATION) {
        unit = time_names[i];
    }
    snprintf(out_text, size_bytes, "%" PRIu64 "%s", value, unit);
}

static int check_range(const struct option_spec *spec, const char *text, uint64_t value,
                       struct err *err)
{
    const uint64_t max = spec->max != 0 ? spec->max : (uint64_t)INT64_MAX;
    if (value >= spec->min && value <= max) {
        return 0;
    }

    char min_text[32];
    char max_text[32];
    describe_limit(spec->type, spec->min, min_text, sizeof(min_text));
    describe_limit(spec->type, max, max_text, sizeof(max_text));
    if (spec->max == 0 && value < spec->min) {
        return err_set(err, EINVAL, "option '--%s': %s is out of range, the least is %s",
                       spec->name, text, min_text);
    }
    return err_set(err, EINVAL, "option '--%s': %s is out of range, allowed is %s to %s",
                   spec->name, text, min_text, max_text);
}

static int set_number(const struct option_spec *spec, const char *text, uint64_t *target,
                      struct err *err)
{
    uint64_t value = 0;
    int r = 0;
    if (spec->type == OPTION_COUNT) {
        r = options_read_count(text, &value, err);
    } else if (spec->type == OPTION_BYTES) {
        r = options_read_bytes(text, &value, err);
    } else {
        r = options_read_duration(text, &value, err);
    }
    if (r < 0) {
        err_prepend(err, "option '--%s'", spec->name);
        return -EINVAL;
    }

    r = check_range(spec, text, value, err);
    if (r < 0) {
        return r;
    }
    *target = value;
    return 0;
}

static int set_choice(const struct option_spec *spec, const char *text, int *target,
                      struct err *err)
{
    for (int i = 0; spec->choices[i] != NULL; i++) {
        if (strcmp(spec->choices[i], text) == 0) {
            *target = i;
            return 0;
        }
    }

    const char *nearest = suggest_nearest(text, spec->choices);
    if (nearest != NULL) {
        return err_set(err, EINVAL, "option '--%s' does not know '%s': did you mean '%s'?",
                       spec->name, text, nearest);
    }
    char words[256];
    options_describe_value(spec, words, sizeof(words));
    return err_set(err, EINVAL, "option '--%s' does not know '%s', it takes %s", spec->name, text,
                   words);
}

static int set_yes_no(const struct option_spec *spec, const char *text, bool *target,
                      struct err *err)
{
    if (strcmp(text, "yes") != 0 && strcmp(text, "no") != 0) {
        return err_set(err, EINVAL, "option '--%s' takes yes or no, not '%s'", spec->name, text);
    }
    *target = strcmp(text, "yes") == 0;
    return 0;
}

/* Puts `text` (which a flag does not look at) where the row says. */
static int set_value(const struct parser *parser, const struct option_spec *spec, char *text)
{
    void *target = (char *)parser->settings + spec->offset;
    switch (spec->type) {
    case OPTION_FLAG:
        *(bool *)target = true;
        return 0;
    case OPTION_YES_NO:
        return set_yes_no(spec, text, target, parser->err);
    case OPTION_TEXT:
        *(const char **)target = text;
        return 0;
    case OPTION_LIST:
        return list_add(target, text, parser->err);
    case OPTION_CHOICE:
        return set_choice(spec, text, target, parser->err);
    case OPTION_COUNT:
    case OPTION_BYTES:
    case OPTION_DURATION:
        break;
    }
    return set_number(spec, text, target, parser->err);
}

static const struct option_spec *find_name(const struct option_page *page, const char *name,
                                           size_t length)
{
    for (const struct option_spec *spec = page->options; spec != NULL && spec->name != NULL;
         spec++) {
        if (strlen(spec->name) == length && memcmp(spec->name, name, length) == 0) {
            return spec;
        }
    }
    return NULL;
}

static const struct option_spec *find_letter(const struct option_page *page, char letter)
{
    for (const struct option_spec *spec = page->options; spec != NULL && spec->name != NULL;
         spec++) {
        if (spec->letter == letter) {
            return spec;
        }
    }
    return NULL;
}

static int refuse_unknown(const struct parser *parser, const char *name, size_t length)
{
    const char *names[NAMES_MAX + 2] = {"help"};
    size_t count = 1;
    for (const struct option_spec *spec = parser->page->options;
         spec != NULL && spec->name != NULL && count <= NAMES_MAX; spec++) {
        names[count++] = spec->name;
    }

    char word[64];
    snprintf(word, sizeof(word), "%.*s", (int)length, name);
    const char *nearest = suggest_nearest(word, names);
    if (nearest != NULL) {
        return err_set(parser->err, EINVAL, "unknown option '--%.*s': did you mean '--%s'?",
                       (int)length, name, nearest);
    }
    return err_set(parser->err, EINVAL, "unknown option '--%.*s'", (int)length, name);
}

/* The word behind an option that needs one, which may itself look like an option. */
static char *next_word(struct parser *parser)
{
    return parser->at < parser->argc ? parser->argv[parser->at++] : NULL;
}

static int refuse_missing(const struct parser *parser, const struct option_spec *spec)
{
    char value[256];
    options_describe_value(spec, value, sizeof(value));
    return err_set(parser->err, EINVAL, "option '--%s' needs a value: %s", spec->name, value);
}

static int parse_long(struct parser *parser, char *word)
{
    char *name = word + 2;
    const size_t length = strcspn(name, "=");
    char *value = name[length] == '=' ? name + length + 1 : NULL;
    const struct option_spec *spec = find_name(parser->page, name, length);
    if (spec == NULL) {
        return refuse_unknown(parser, name, length);
    }
    if (!takes_value(spec) && value != NULL) {
        return err_set(parser->err, EINVAL, "option '--%s' takes no value, but was given '%s'",
                       spec->name, value);
    }

    if (takes_value(spec) && value == NULL) {
        value = next_word(parser);
    }
    if (takes_value(spec) && value == NULL) {
        return refuse_missing(parser, spec);
    }
    return set_value(parser, spec, value);
}

/* -n 5, -n5, -ab and -abn5. */
static int parse_letters(struct parser *parser, char *word)
{
    for (char *letter = word + 1; *letter != '\0'; letter++) {
        const struct option_spec *spec = find_letter(parser->page, *letter);
        if (spec == NULL) {
            return err_set(parser->err, EINVAL, "unknown option '-%c'", *letter);
        }
        if (takes_value(spec)) {
            char *value = letter[1] != '\0' ? letter + 1 : next_word(parser);
            return value != NULL ? set_value(parser, spec, value) : refuse_missing(parser, spec);
        }
        int r = set_value(parser, spec, letter);
        if (r < 0) {
            return r;
        }
    }
    return 0;
}

static void keep_word(struct parser *parser, char *word)
{
    parser->word_count++;
    parser->argv[parser->word_count] = word;
}

static void keep_rest(struct parser *parser)
{
    while (parser->at < parser->argc) {
        keep_word(parser, parser->argv[parser->at++]);
    }
}

static bool is_help(const char *word)
{
    return strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0;
}

static int parse_words(struct parser *parser, bool *out_is_help_wanted)
{
    int r = 0;
    while (parser->at < parser->argc && r == 0) {
        char *word = parser->argv[parser->at++];
        if (strcmp(word, "--") == 0) {
            keep_rest(parser);
        } else if (is_help(word)) {
            *out_is_help_wanted = true;
            return 0;
        } else if (word[0] == '-' && word[1] == '-') {
            r = parse_long(parser, word);
        } else if (word[0] == '-' && word[1] != '\0') {
            r = parse_letters(parser, word);
        } else {
            keep_word(parser, word);
            if (parser->page->is_command_line) {
                keep_rest(parser);
            }
        }
    }
    return r;
}

int options_parse(const struct option_page *page, int argc, char **argv, void *settings,
                  struct option_arguments *out_arguments, struct err *err)
{
    struct parser parser = {
        .page = page, .argc = argc, .argv = argv, .at = 1, .settings = settings, .err = err};
    bool is_help_wanted = false;
    int r = parse_words(&parser, &is_help_wanted);
    if (r < 0) {
        return r;
    }

    /* The words have moved down, so the slot behind them is free: argv[argc] is NULL anyway. */
    argv[parser.word_count + 1] = NULL;
    *out_arguments = (struct option_arguments){
        .is_help_wanted = is_help_wanted, .count = parser.word_count, .words = argv + 1};
    return 0;
}
