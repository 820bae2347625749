/*
 * report.h - what the sections of `allocaudit report` share. Each section is a function in
 * report_*.c; sections.c has their table.
 */
#ifndef ALLOCAUDIT_REPORT_H
#define ALLOCAUDIT_REPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../base/str.h"
#include "../cli/options.h"
#include "../cli/out.h"
#include "../model/pair_costs.h"
#include "../model/selection.h"
#include "../model/site_leaks.h"
#include "../model/sites.h"
#include "../model/stacks.h"
#include "../model/suppressions.h"
#include "../model/trace.h"

/* What gc-advice is to save. */
enum report_gc_goal {
    REPORT_GC_GOAL_CPU,
    REPORT_GC_GOAL_MEMORY,
};

struct report_settings {
    const char *input;
    const char *html; /* where to write the page; NULL: the report is printed */
    const char *process;
    const char *thread;
    const char *module;
    const char *function;
    const char *suppressions; /* file; NULL: none */
    uint64_t from_ns;
    uint64_t to_ns;
    uint64_t within;
    uint64_t top_count;     /* OPTION_NOT_GIVEN: as many as suit the place */
    uint64_t stack_id;      /* OPTION_NOT_GIVEN: no single stack is asked for */
    bool is_calibrated;     /* measure what allocators cost, for `pools` */
    uint64_t limit_bytes;   /* of the container that gc-advice is for; OPTION_NOT_GIVEN: none */
    int gc_goal;            /* enum report_gc_goal */
    const char *gc_setting; /* that gc-advice shall predict, too; NULL: none */
    int sort;               /* enum site_key; REPORT_UNSORTED: as suits the place */
    struct out_settings out;
};

#define REPORT_UNSORTED SITE_KEY_COUNT_ALL

/* What the summary of a selection adds up. */
#define REPORT_SELECTION_KEYS                                                                      \
    (SITE_KEY_BIT(SITE_KEY_COUNT) | SITE_KEY_BIT(SITE_KEY_BYTES) | SITE_KEY_BIT(SITE_KEY_PEAK) |   \
     SITE_KEY_BIT(SITE_KEY_LEAKED) | SITE_KEY_BIT(SITE_KEY_LEAKED_COUNT))

/* What another command puts into the page of a report, before its sections. */
struct report_extra {
    void (*print)(void *context, struct out *out);
    void *context;
};

/* One report while it is printed. */
struct report {
    const struct report_settings *settings;
    const char *path;
    const struct trace *trace;
    const struct selection *selection;
    struct stacks *stacks;
    struct sites *sites;              /* with the keys that the sections need */
    struct site_leaks leaks;          /* empty where kinds are not known */
    struct suppressions suppressions; /* applied to `sites` */
    struct str left_out;   /* sections of a page that need calls which were not recorded */
    struct str file_words; /* "" or " -i FILE": what makes another command read the same file */
    struct totals totals;  /* of the process selected, or of all */
    const struct pair_costs *pair_costs; /* NULL: were not measured */
    struct out *out;
    void *state;      /* of the section's analysis; NULL: it could not be worked out, or has none */
    bool is_overview; /* no section was named: short tables, and nothing about what is empty */
    const struct report_extra *extra; /* NULL: nothing */
    bool is_page; /* for html_page.h: long tables, and stacks stand in its tree */
};

/* Standard errors to each side of an estimate that hold 95 of 100 true values. */
#define REPORT_MARGIN_ERRORS 1.96

/* True if the report speaks of all that was recorded (of one process or all of them). */
bool report_is_whole(const struct report *report);

/* How many rows a table shows: --top, or else `overview_count` in the overview, 20 in a section and
 * 50 in a page. */
size_t report_top(const struct report *report, size_t overview_count);

/* The same for tables of which a page draws a picture: all rows there. */
size_t report_top_drawn(const struct report *report, size_t overview_count);

/* The label of a column that is left out (NULL: JSON alone has it) where the terminal is narrower;
 * what is no terminal has all. */
const char *report_label_from(const struct report *report, unsigned least_columns,
                              const char *label);

/* Reads what is known of leaks, and takes those off the sites that are suppressed. Returns 0,
 * -EINVAL (the file of suppressions is wrong) or another negative errno. */
int report_load_leaks(struct report *report, struct err *err);

/* The text of file_words. */
const char *report_file_words(const struct report *report);

enum {
    REPORT_TITLE_BYTES = 192,
};

/* The process that is spoken of where one alone can be: the selected one, or else the one with the
 * highest peak. NULL: there is none. */
const struct process_row *report_process(const struct report *report);

/* "Pools", or with several processes "Pools of process 2 (git), which has the highest peak". */
const char *report_title(const struct report *report, const char *subject,
                         char out_title[REPORT_TITLE_BYTES]);

/* True if the recording holds every call: it is no sample, and not of --detail sites. */
bool report_has_calls(const struct report *report);

/* True if one of its processes was recorded as a Go program. */
bool report_is_go(const struct report *report);

/* False: of a Go program whose allocations could not be seen, counts of 0 say nothing. */
bool report_has_allocations(const struct report *report);

/* The note of a section that cannot be worked out without. */
void report_note_no_calls(struct report *report, const char *section);

/* The section functions. */
int report_print_unrecorded(struct report *report, struct err *err);
int report_print_faults(struct report *report, struct err *err);
int report_print_sanitizer(struct report *report, struct err *err);
int report_print_summary(struct report *report, struct err *err);
int report_print_sites(struct report *report, struct err *err);
int report_print_leaks(struct report *report, struct err *err);
int report_print_temporary(struct report *report, struct err *err);
int report_print_large(struct report *report, struct err *err);
int report_print_realloc(struct report *report, struct err *err);
int report_print_lifetimes(struct report *report, struct err *err);
int report_print_sizes(struct report *report, struct err *err);
int report_print_threads(struct report *report, struct err *err);
int report_print_processes(struct report *report, struct err *err);
int report_print_timeline(struct report *report, struct err *err);
int report_print_recommendation(struct report *report, struct err *err);
int report_print_latency(struct report *report, struct err *err);
int report_print_pools(struct report *report, struct err *err);
int report_print_clocks(struct report *report, struct err *err);
int report_print_predict(struct report *report, struct err *err);
int report_print_lifo(struct report *report, struct err *err);
int report_print_handoffs(struct report *report, struct err *err);
int report_print_churn(struct report *report, struct err *err);
int report_print_bursts(struct report *report, struct err *err);
int report_print_reserve(struct report *report, struct err *err);
int report_print_zeroing(struct report *report, struct err *err);
int report_print_alignment(struct report *report, struct err *err);
int report_print_modules(struct report *report, struct err *err);
int report_print_tree(struct report *report, struct err *err);
int report_print_frames_section(struct report *report, struct err *err);
int report_print_detected_frames(struct report *report, struct err *err); /* without marks */
int report_print_scopes(struct report *report, struct err *err);
int report_print_fragmentation(struct report *report, struct err *err);
int report_print_pins(struct report *report, struct err *err);
int report_print_memory(struct report *report, struct err *err);

/* What the allocator said of itself: tables, or in JSON a list of the section that is open. */
int report_print_allocator(struct report *report, uint32_t process_id, struct err *err);
int report_print_gc(struct report *report, struct err *err);
int report_print_gc_advice(struct report *report, struct err *err);

/* One stack, whole: `sites --stack N`. -ENOENT: there is no such stack. */
int report_print_stack(struct report *report, uint32_t stack_id, struct err *err);

/* The cells of the frame that is shown for a site: where, function. NULL: there is none. */
void report_print_shown_frame(struct out *out, const struct stack_frame *frame, const char *label);

/*
 * A row about a site, in the table or list that is open: it begins with the stack's number, and
 * ends with the frame that is shown; the whole one, in JSON, with all frames. Negative: none was
 * begun.
 */
int report_begin_site_row(struct report *report, uint32_t stack_id, struct call_stack *out_stack,
                          struct err *err);
void report_end_site_row(struct report *report, struct call_stack *stack);
void report_end_whole_site_row(struct report *report, struct call_stack *stack);

/* "function (file.c:12)" of the frame that is shown for a stack; QUERY_NULL: `unknown`. Returns 0
 * or a negative errno. */
int report_print_place(struct report *report, const char *key, const char *label, uint64_t stack_id,
                       const char *unknown, struct err *err);

/* For programs alone: the number, or null for QUERY_NULL. */
void report_print_number(struct out *out, const char *key, uint64_t value);

/* The frames of a stack as the list "stack" of the row or section that is open. */
void report_print_frames(struct out *out, const struct call_stack *stack);

/* What was not seen, as notes. */
int report_print_notes(struct report *report, struct err *err);

/* What to type next. */
void report_print_hints(struct report *report);

#endif
