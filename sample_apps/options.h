/*
 * options.h - the options of the sample apps: numbers, flags, the name of a file.
 */
#ifndef SAMPLE_APPS_OPTIONS_H
#define SAMPLE_APPS_OPTIONS_H

#include <getopt.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

/* One of the three is set: where what is said goes. */
struct app_option {
    const char *name;
    uint64_t *number; /* from `min` to `max`; of a `max` of 0, to any */
    bool *flag;
    const char **path;
    uint64_t min;
    uint64_t max;
};

enum {
    APP_OPTIONS_MAX = 4,
};

static bool app_read_number(const struct app_option *option, const char *word)
{
    char *end;
    uint64_t max = option->max != 0 ? option->max : UINT64_MAX;
    *option->number = strtoull(word, &end, 10);
    return word[0] >= '0' && word[0] <= '9' && *end == '\0' && *option->number >= option->min &&
           *option->number <= max;
}

static bool app_take_option(const struct app_option *option, const char *word)
{
    if (option->flag != NULL) {
        *option->flag = true;
    } else if (option->path != NULL) {
        *option->path = word;
    } else if (!app_read_number(option, word)) {
        fprintf(stderr, "--%s: not '%s'\n", option->name, word);
        return false;
    }
    return true;
}

/*
 * Fills in what the command line says of `options`, at most APP_OPTIONS_MAX, which end with one
 * without a name. With --help it prints `help` and ends the program with status 0, on a mistake
 * with 2. Gives stdout a buffer, so that stdio takes no block of its own.
 */
static void app_read_options(int argc, char **argv, const char *help,
                             const struct app_option *options)
{
    static char stdout_buffer[BUFSIZ];
    struct option known[APP_OPTIONS_MAX + 2] = {{NULL, 0, NULL, 0}};
    int count = 0;
    setvbuf(stdout, stdout_buffer, _IOFBF, sizeof(stdout_buffer));
    for (; options[count].name != NULL; count++) {
        int has_argument = options[count].flag != NULL ? no_argument : required_argument;
        known[count] = (struct option){options[count].name, has_argument, NULL, count};
    }
    known[count] = (struct option){"help", no_argument, NULL, count};
    int found;
    while ((found = getopt_long(argc, argv, "", known, NULL)) != -1) {
        if (found == count) {
            fputs(help, stdout);
            exit(0);
        }
        if (found == '?' || !app_take_option(&options[found], optarg)) {
            fputs(help, stderr);
            exit(2);
        }
    }
    if (optind != argc) {
        fputs(help, stderr);
        exit(2);
    }
}

#endif
