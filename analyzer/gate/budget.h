/*
 * budget.h - the limits that a recording is held against, and the file that people write them into.
 *
 * A budget file is YAML:
 *
 *     allocation_count: 250000            # of the whole run: at most
 *     peak_bytes: 64MiB + 5%              # at most 67.2 MiB
 *     leaked_count: = 12                  # exactly
 *     allocated_bytes: 3MiB +- 1%         # between
 *     ignore:
 *       modules: [libfontconfig*]         # sites with one of these in their stack do not count
 *     functions:
 *       parse_*: {allocation_count: 0}    # all sites with such a function in their stack
 *     modules: ...                        # the same by library or program
 *     sites: ...                          # by path, as baselines have it: "parse_line < main"
 *     processes: ...                      # each process whose program is called so
 *     threads: ...                        # by thread name
 *     scopes: ...                         # by scope, per entry: {allocation_count: {max: 3}}
 *       test_*: {leaked_count: {definite: 0}}       # of the blocks of an entry, at the end
 *     frames: {allocation_count: {p99: 0, max: 0}}   # after warm-up, per frame
 *     leak_kinds: definite, indirect      # which blocks count as leaked; suppressions: FILE
 *     leaked_bytes: {definite: 0, reachable: 1MiB}   # or one limit for each kind
 *
 * docs/ci.md has it all. Reading is strict: an unknown word is an error with its place and the
 * nearest right one. Single thread.
 */
#ifndef ALLOCAUDIT_BUDGET_H
#define ALLOCAUDIT_BUDGET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../base/err.h"
#include "../model/counted_leaks.h"
#include "gate_metric.h"

/* Whose figure is limited; the words are the keys in the file. */
#define BUDGET_SUBJECTS(X)                                                                         \
    X(RUN, "run")                                                                                  \
    X(FUNCTION, "functions")                                                                       \
    X(MODULE, "modules")                                                                           \
    X(SITE, "sites")                                                                               \
    X(PROCESS, "processes")                                                                        \
    X(THREAD, "threads")                                                                           \
    X(SCOPE, "scopes")                                                                             \
    X(FRAME, "frames")

enum budget_subject {
#define X(id, word) BUDGET_##id,
    BUDGET_SUBJECTS(X)
#undef X
    BUDGET_SUBJECT_COUNT
};

/* Which of many entries of a scope, or frames, is limited. */
enum budget_statistic {
    BUDGET_MAX,
    BUDGET_P99,
    BUDGET_P50,
};

extern const char *const budget_statistic_words[]; /* NULL-ended */

extern const char *const budget_subject_words[BUDGET_SUBJECT_COUNT];

/* A figure that must lie in [at_least, at_most]. */
struct budget_limit {
    enum budget_subject subject;
    char *pattern; /* GLOB for the subject's name; NULL for the run */
    enum gate_metric metric;
    enum budget_statistic statistic; /* of scopes and frames */
    unsigned leak_kinds;             /* of leaks (LEAK_BIT): these alone; 0: the budget's */
    uint64_t at_least;
    uint64_t at_most;
    unsigned line;      /* in the file; 0: it came from an option */
    const char *option; /* the option; NULL: it came from a file */
};

/* Words of which one must fit. */
struct budget_patterns {
    char **items;
    size_t count;
    size_t capacity;
};

struct budget {
    struct budget_limit *limits;
    size_t count;
    size_t capacity;
    struct budget_patterns ignored_functions;
    struct budget_patterns ignored_modules;
    unsigned file_leak_kinds;   /* LEAK_BIT, as the file has it; 0: it has none */
    char *suppressions_path;    /* likewise, from the file's own folder; NULL: none */
    struct counted_leaks leaks; /* as was settled; kinds 0: all that was live at the end */
};

/* Adds a limit; its pattern is copied. Returns 0 or -ENOMEM. */
int budget_add(struct budget *budget, const struct budget_limit *limit, struct err *err);

/*
 * Adds what the file says. Returns 0, the errno of opening it, or -EINVAL: err says
 * "FILE:LINE:COLUMN: what is wrong".
 */
int budget_read(struct budget *budget, const char *path, struct err *err);

/* The same of a text; `name` stands for the file in errors. */
int budget_parse(struct budget *budget, const char *name, const char *text, size_t size_bytes,
                 struct err *err);

/*
 * Refuses what no recording can hold: two limits of one figure that exclude each other; and what
 * cannot be known: temporaries of threads without those that are ignored. Returns 0 or -EINVAL.
 */
int budget_check(const struct budget *budget, struct err *err);

/* Returns 0 where that figure is known of that subject, else -EINVAL: err says what is. */
int budget_check_metric(enum budget_subject subject, enum gate_metric metric, struct err *err);

/* True of the words that a budget file may begin a line with. */
bool budget_is_word(const char *word);

/* True of scopes and frames: of many entries. */
bool budget_is_entry(enum budget_subject subject);

/* True if it limits what is left at the end of a process, of which kinds are known. What outlives a
 * scope or frame is not meant. */
bool budget_limits_leaks(const struct budget *budget);

/* True if such a limit is of the kinds that the whole budget counts. */
bool budget_uses_its_kinds(const struct budget *budget);

/* True if it has something that does not count. */
bool budget_ignores(const struct budget *budget);

/* True if every call must have been recorded: of scopes and frames, and of what threads allocate
 * without that which is ignored. */
bool budget_needs_calls(const struct budget *budget);

/* "functions 'parse_*': allocation_count", "frames: peak_bytes, p99"; for the run the metric alone,
 * or "leaked_count, definite". */
int budget_limit_describe(const struct budget_limit *limit, char *out_text, size_t size_bytes);

/* A zeroed one is fine. */
void budget_fini(struct budget *budget);

#endif
