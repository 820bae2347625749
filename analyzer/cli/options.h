/*
 * options.h - one table per command gives its parsing, help, man page and completion.
 *
 * A command describes itself as a `struct option_page`; its rows (`struct option_spec`) say where
 * in the command's settings struct each value goes. Defaults are what the struct holds before
 * parsing. Nothing is abbreviated. `--help` and `-h` are understood everywhere and need no row.
 * Parsing never prints; only options_print_help() and options_print_list() write, to the given
 * stream.
 */
#ifndef ALLOCAUDIT_OPTIONS_H
#define ALLOCAUDIT_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "../base/err.h"

/* What a count, size or duration holds while nobody has given it: no option can set it. */
#define OPTION_NOT_GIVEN UINT64_MAX

/* Values of a repeatable option, in the order given. The strings are argv's. */
struct option_list {
    const char **items; /* owned: option_list_fini() */
    size_t count;
};

enum option_type {
    OPTION_FLAG,     /* bool, set to true */
    OPTION_YES_NO,   /* bool, from "yes" or "no" */
    OPTION_TEXT,     /* const char *, points into argv */
    OPTION_LIST,     /* struct option_list, one item per use */
    OPTION_COUNT,    /* uint64_t, decimal digits */
    OPTION_BYTES,    /* uint64_t: 512, 64KiB, 512k, 1.5M, 2GiB, 1T; k = kB = KiB = 1024 */
    OPTION_DURATION, /* uint64_t ns: 100us, 10ms, 1.5s, 2min, 1h; the unit is required */
    OPTION_CHOICE,   /* int or enum: index of the word in `choices` */
};

struct option_spec {
    const char *name;      /* without "--"; NULL ends the table */
    char letter;           /* '\0': no short form */
    const char *argument;  /* as the help shows it: "FILE"; NULL for flags, yes|no and choices */
    const char *help;      /* lower case, no full stop, wrapped by the printer */
    const char *standard;  /* the default as the help shows it, with its unit; NULL: none */
    enum option_type type; /* this and the next come from an OPTION_..._AT macro */
    size_t offset;         /* in the settings struct */
    const char *const *choices; /* OPTION_CHOICE: the words, NULL-ended */
    uint64_t min;               /* OPTION_COUNT, _BYTES, _DURATION: allowed range; */
    uint64_t max;               /* max 0 means INT64_MAX */
};

/* Type and place of a row's value; a member of another type does not compile. Use:
 * {"top", 'n', "N", "show the N largest rows", "20",
 *  OPTION_COUNT_AT(struct report_settings, top_count), .min = 1, .max = 100000}, */
#define OPTION_FLAG_AT(settings, member)   OPTION_AT_(OPTION_FLAG, settings, member, bool)
#define OPTION_YES_NO_AT(settings, member) OPTION_AT_(OPTION_YES_NO, settings, member, bool)
#define OPTION_TEXT_AT(settings, member)   OPTION_AT_(OPTION_TEXT, settings, member, const char *)
#define OPTION_LIST_AT(settings, member)                                                           \
    OPTION_AT_(OPTION_LIST, settings, member, struct option_list)
#define OPTION_COUNT_AT(settings, member)    OPTION_AT_(OPTION_COUNT, settings, member, uint64_t)
#define OPTION_BYTES_AT(settings, member)    OPTION_AT_(OPTION_BYTES, settings, member, uint64_t)
#define OPTION_DURATION_AT(settings, member) OPTION_AT_(OPTION_DURATION, settings, member, uint64_t)
#define OPTION_CHOICE_AT(settings, member)                                                         \
    .type = OPTION_CHOICE,                                                                         \
    .offset = offsetof(settings, member) + _Generic(((settings *)0)->member, int                   \
                                                    : (size_t)0, unsigned                          \
                                                    : (size_t)0)
#define OPTION_AT_(kind, settings, member, c_type)                                                 \
    .type = (kind),                                                                                \
    .offset = offsetof(settings, member) + _Generic(((settings *)0)->member, c_type                \
                                                    : (size_t)0)

/* The words of a choice, in a row: .choices = OPTION_WORDS("table", "json") */
#define OPTION_WORDS(...)                                                                          \
    (const char *const[])                                                                          \
    {                                                                                              \
        __VA_ARGS__, NULL                                                                          \
    }

struct option_example {
    const char *command; /* "allocaudit report --top 5"; NULL ends the list */
    const char *meaning; /* "the five sites that allocate most" */
};

struct option_page {
    const char *command; /* "report" */
    const char *purpose; /* one line, lower case, no full stop */
    const char *usage;   /* what follows "allocaudit report": "[FILE] [SECTION...] [options]" */
    const struct option_example *examples; /* at least two */
    const struct option_spec *options;     /* NULL-name-ended; NULL: only --help */
    const char *const
        *paragraphs;      /* NULL-ended prose behind the options: help and man page; or NULL */
    bool is_command_line; /* the first positional ends the options (`run`) */
};

/* What is left of the command line. */
struct option_arguments {
    bool is_help_wanted; /* then nothing else was checked */
    int count;
    char **words; /* NULL-ended, inside argv (which was reordered); for `run`: COMMAND and all
                     behind */
};

/*
 * Parses argv[1..] (argv[0] is the command's name) into `settings`.
 * Accepts --name=value, --name value, -xvalue, -x value, joined flags (-ab); `--` ends options.
 * Returns 0, or -EINVAL with a line such as "unknown option '--tpo': did you mean '--top'?",
 * or -ENOMEM (lists only). Lists are the caller's in every case.
 */
int options_parse(const struct option_page *page, int argc, char **argv, void *settings,
                  struct option_arguments *out_arguments, struct err *err);

/* Ends a repeatable option's list; a zeroed one is fine. */
void option_list_fini(struct option_list *list);

/* True for a word that means a file rather than a section or a query: it ends in ".db" or holds
 * a '/'. */
bool options_is_file_name(const char *word);

/* Number readers, also for environment variables and budget files: the whole text must be one
 * value. Return 0, or -EINVAL / -ERANGE with a reason that names the place. */
int options_read_count(const char *text, uint64_t *out_count, struct err *err);
int options_read_bytes(const char *text, uint64_t *out_bytes, struct err *err);
int options_read_duration(const char *text, uint64_t *out_ns, struct err *err);

/* Prints the page's help, wrapped to width_columns (0: 80). Errors stay in the stream (ferror). */
void options_print_help(const struct option_page *page, unsigned width_columns, FILE *stream);

/* What a row takes, as the help shows it: "N", "yes|no", "table|json"; "" for a flag. */
void options_describe_value(const struct option_spec *spec, char *out_text, size_t size_bytes);

#endif
