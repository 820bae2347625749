/*
 * sections.h - the sections of a report, and which of them one report shows. To add one: its
 * function in a file of this folder, declared in report.h, and a row in the table of sections.c.
 */
#ifndef ALLOCAUDIT_SECTIONS_H
#define ALLOCAUDIT_SECTIONS_H

#include "report.h"

enum {
    SECTIONS_MAX = 64, /* more than there will be */
};

/* What a section can be limited by, besides a process. */
enum {
    SECTION_BY_TIME = 1,     /* --from, --to */
    SECTION_BY_THREAD = 2,   /* --thread */
    SECTION_BY_FUNCTION = 4, /* --module, --function */
    SECTION_BY_ALL = 7,
};

struct report_section {
    const char *name;
    int (*print)(struct report *report, struct err *err); /* 0 or a negative errno */
    unsigned key_set;                                     /* of sites, that it needs */
    unsigned limits;
    bool is_in_overview;
    const struct analysis *analysis; /* run before; its state is then report->state. NULL: none */
    bool needs_calls;                /* an imported file has nothing of it */
};

/* Which sections are printed, in the order of the table, and what they need. */
struct section_plan {
    bool is_wanted[SECTIONS_MAX];
    bool has_names;  /* the user named them */
    unsigned limits; /* by what the report is limited */
    unsigned key_set;
};

/* Makes the plan for the sections named. Returns 0, or -EINVAL: err says what is wrong. */
int section_plan_make(const struct report_settings *settings, char *const *words, int word_count,
                      struct section_plan *out_plan, struct err *err);

/* True if the section of that name is planned. */
bool section_plan_has(const struct section_plan *plan, const char *name);

/* Runs the analyses that the plan needs and prints its sections, hints and notes. Returns 0,
 * -ENOENT (a stack that does not exist) or another negative errno. */
int sections_print(struct report *report, const struct section_plan *plan, struct err *err);

#endif
