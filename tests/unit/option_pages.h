/*
 * option_pages.h - for tests of options: a command with an option of every type, and one that takes
 * a command line.
 */
#ifndef ALLOCAUDIT_OPTION_PAGES_H
#define ALLOCAUDIT_OPTION_PAGES_H

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../../analyzer/cli/options.h"

enum order {
    BY_BYTES,
    BY_COUNT,
};

struct settings {
    bool is_quiet;
    bool is_all;
    bool is_followed;
    const char *output;
    struct option_list threads;
    uint64_t top_count;
    uint64_t limit_count;
    uint64_t sample_bytes;
    uint64_t interval_ns;
    enum order order;
};

static const struct option_spec specs[] = {
    {"quiet", 'q', NULL, "say less", NULL, OPTION_FLAG_AT(struct settings, is_quiet)},
    {"all", 'a', NULL, "show all", NULL, OPTION_FLAG_AT(struct settings, is_all)},
    {"follow", '\0', NULL, "record children too", "yes",
     OPTION_YES_NO_AT(struct settings, is_followed)},
    {"output", 'o', "FILE", "where to write", "./allocaudit.db",
     OPTION_TEXT_AT(struct settings, output)},
    {"thread", '\0', "NAME", "only these threads; may be repeated", NULL,
     OPTION_LIST_AT(struct settings, threads)},
    {"top", 'n', "N", "show the N largest", "20", OPTION_COUNT_AT(struct settings, top_count),
     .min = 1, .max = 1000},
    {"max-allocs", '\0', "N", "how many there may be", NULL,
     OPTION_COUNT_AT(struct settings, limit_count)},
    {"sample", '\0', "BYTES", "how much between two samples", "512 KiB",
     OPTION_BYTES_AT(struct settings, sample_bytes), .min = 1024},
    {"interval", '\0', "TIME", "how often to look", "10ms",
     OPTION_DURATION_AT(struct settings, interval_ns), .min = 1000, .max = 1000000000},
    {"sort", '\0', NULL, "what to sort by", "bytes", OPTION_CHOICE_AT(struct settings, order),
     .choices = OPTION_WORDS("bytes", "count")},
    {0},
};

static const struct option_example examples[] = {
    {"allocaudit show x.db", "show it"},
    {"allocaudit show --top 3", "the first three"},
    {NULL, NULL},
};

static const char *const paragraphs[] = {
    "A paragraph that is long enough to need more than one line of sixty columns, with a-hyphen.",
    NULL,
};

static const struct option_page page = {
    .command = "show",
    .purpose = "show a thing",
    .usage = "[FILE] [options]",
    .examples = examples,
    .options = specs,
    .paragraphs = paragraphs,
};

static const struct option_page command_line_page = {
    .command = "run",
    .purpose = "run a thing",
    .usage = "[options] COMMAND [ARG...]",
    .examples = examples,
    .options = specs,
    .is_command_line = true,
};

#endif
