/*
 * gate_page.h - what `gate` and `test` are asked, and the judging that both do.
 */
#ifndef ALLOCAUDIT_GATE_PAGE_H
#define ALLOCAUDIT_GATE_PAGE_H

#include <stdbool.h>
#include <stdint.h>

#include "../cli/options.h"
#include "../cli/out.h"
#include "../gate/baseline.h"

/* Single blocks come and go by chance, with random seeds of hash tables mostly. */
#define GATE_TOLERANCE "0.1%"

#define GATE_LEAK_KINDS "definite,indirect"

#define GATE_DEFAULT_BUDGET "./allocaudit.yaml"

struct gate_settings {
    const char *process;
    uint64_t max_allocation_count;
    uint64_t max_allocated_bytes;
    uint64_t max_peak_bytes;
    uint64_t max_leaked_count;
    uint64_t max_leaked_bytes;
    uint64_t max_temporary_count;
    uint64_t max_fault_count;
    uint64_t max_unrecorded_count;
    const char *budget;
    const char *baseline;
    const char *tolerance;
    const char *leak_kinds;
    const char *suppressions;
    const char *junit;
    const char *markdown;
    bool has_annotations;
    bool is_strict;
    bool is_incomplete_allowed;
    struct out_settings out;
};

/* What a recording must hold to be judged. */
struct gate_needs {
    bool calls;      /* every call: of scopes and frames */
    bool leak_kinds; /* --leak-check yes */
};

/* Before parsing: no limit is given. */
#define GATE_SETTINGS_NONE                                                                         \
    {                                                                                              \
        .max_allocation_count = OPTION_NOT_GIVEN, .max_allocated_bytes = OPTION_NOT_GIVEN,         \
        .max_peak_bytes = OPTION_NOT_GIVEN, .max_leaked_count = OPTION_NOT_GIVEN,                  \
        .max_leaked_bytes = OPTION_NOT_GIVEN, .max_temporary_count = OPTION_NOT_GIVEN,             \
        .max_fault_count = OPTION_NOT_GIVEN, .max_unrecorded_count = OPTION_NOT_GIVEN,             \
    }

/* The rows for a command's option table: GATE_OPTIONS(struct test_settings, gate), */
#define GATE_OPTIONS(settings, member)                                                             \
    {"max-allocs", '\0',                                                                           \
     "N",          "fail above N allocations",                                                     \
     NULL,         OPTION_COUNT_AT(settings, member.max_allocation_count)},                        \
        {"max-bytes", '\0',                                                                        \
         "SIZE",      "fail above SIZE bytes allocated in all (64KiB, 1.5M)",                      \
         NULL,        OPTION_BYTES_AT(settings, member.max_allocated_bytes)},                      \
        {"max-peak", '\0',                                                                         \
         "SIZE",     "fail above SIZE requested bytes live at one moment",                         \
         NULL,       OPTION_BYTES_AT(settings, member.max_peak_bytes)},                            \
        {"max-leaks", '\0',                                                                        \
         "N",         "fail above N leaked blocks: still live at the end of their process",        \
         NULL,        OPTION_COUNT_AT(settings, member.max_leaked_count)},                         \
        {"max-leaked-bytes",                                                                       \
         '\0',                                                                                     \
         "SIZE",                                                                                   \
         "fail above SIZE bytes in such blocks",                                                   \
         NULL,                                                                                     \
         OPTION_BYTES_AT(settings, member.max_leaked_bytes)},                                      \
        {"leak-kinds",                                                                             \
         '\0',                                                                                     \
         "KINDS",                                                                                  \
         "which blocks count as leaked: definite (nothing points to it), indirect (only lost "     \
         "blocks do), possible (only pointers into its middle), reachable; blocks whose kind is "  \
         "not known count in any case",                                                            \
         GATE_LEAK_KINDS,                                                                          \
         OPTION_TEXT_AT(settings, member.leak_kinds)},                                             \
        {"suppressions",                                                                           \
         '\0',                                                                                     \
         "FILE",                                                                                   \
         "leaks that do not count, as LeakSanitizer reads them (lines of leak:PATTERN)",           \
         NULL,                                                                                     \
         OPTION_TEXT_AT(settings, member.suppressions)},                                           \
        {"max-temporary",                                                                          \
         '\0',                                                                                     \
         "N",                                                                                      \
         "fail above N blocks that their thread freed before its next allocation",                 \
         NULL,                                                                                     \
         OPTION_COUNT_AT(settings, member.max_temporary_count)},                                   \
        {"max-faults", '\0',                                                                       \
         "N",          "fail above N errors of the program: double frees, mismatched deletes ...", \
         NULL,         OPTION_COUNT_AT(settings, member.max_fault_count)},                         \
        {"max-unrecorded",                                                                         \
         '\0',                                                                                     \
         "N",                                                                                      \
         "fail above N processes that were started and are not in the recording: statically "      \
         "linked ones, say",                                                                       \
         NULL,                                                                                     \
         OPTION_COUNT_AT(settings, member.max_unrecorded_count)},                                  \
        {"budget",                                                                                 \
         'b',                                                                                      \
         "FILE",                                                                                   \
         "hold it against the limits in FILE (YAML; docs/ci.md)",                                  \
         GATE_DEFAULT_BUDGET " if it is there and nothing else is given",                          \
         OPTION_TEXT_AT(settings, member.budget)},                                                 \
        {"baseline",                                                                               \
         '\0',                                                                                     \
         "FILE",                                                                                   \
         "fail where a count is higher than in FILE: a text of 'allocaudit baseline', or a "       \
         "recording",                                                                              \
         NULL,                                                                                     \
         OPTION_TEXT_AT(settings, member.baseline)},                                               \
        {"tolerance",    '\0',                                                                     \
         "N%",           "how far a figure may leave the baseline",                                \
         GATE_TOLERANCE, OPTION_TEXT_AT(settings, member.tolerance)},                              \
        {"strict", '\0',                                                                           \
         NULL,     "status 4 where a count is lower than in the baseline: it wants renewing",      \
         NULL,     OPTION_FLAG_AT(settings, member.is_strict)},                                    \
        {"junit", '\0',                                                                            \
         "FILE",  "also write the verdict as JUnit XML",                                           \
         NULL,    OPTION_TEXT_AT(settings, member.junit)},                                         \
        {"markdown", '\0',                                                                         \
         "FILE",     "also append it as Markdown ($GITHUB_STEP_SUMMARY)",                          \
         NULL,       OPTION_TEXT_AT(settings, member.markdown)},                                   \
    {                                                                                              \
        "github", '\0', NULL, "also print it as annotations of GitHub Actions", NULL,              \
            OPTION_FLAG_AT(settings, member.has_annotations)                                       \
    }

/*
 * Checks what is asked, before anything is recorded or read. Returns CMD_DONE, or the status after
 * telling what is wrong.
 */
int gate_check(const struct gate_settings *settings, const struct option_page *page,
               struct gate_needs *out_needs);

/* What counts as leaked, by the options alone: for baselines. Returns 0, -EINVAL or the errno of
 * reading the file. suppressions_fini() in any case. */
int gate_choose_leaks(const char *leak_kinds, const char *suppressions_path,
                      struct suppressions *suppressions, struct counted_leaks *out_leaks,
                      struct err *err);

/* The same, to be held against the --baseline: of the kinds that it counts. */
int gate_follow_baseline(const struct gate_settings *settings, struct suppressions *suppressions,
                         struct counted_leaks *out_leaks, struct err *err);

/*
 * Judges the recording, tells, and returns the exit status. `now`: what it and recordings beside it
 * have counted, of which only what is so each time is held against the baseline; NULL: it alone.
 */
int gate_run(const struct gate_settings *settings, const struct option_page *page, const char *path,
             const struct baseline *now);

/* True if recordings are no more than the baseline allows, each figure in at least one. */
int gate_is_held(const struct gate_settings *settings, const struct baseline *now,
                 bool *out_is_held, struct err *err);

#endif
