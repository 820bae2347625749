/*
 * diff_report.h - what `allocaudit diff` prints of two recordings.
 */
#ifndef ALLOCAUDIT_DIFF_REPORT_H
#define ALLOCAUDIT_DIFF_REPORT_H

#include <stdbool.h>
#include <stddef.h>

#include "../base/err.h"
#include "../cli/out.h"
#include "../model/matched_sites.h"
#include "../model/provenance.h"
#include "../model/stacks.h"
#include "../model/trace.h"

/* One comparison while it is printed. */
struct diff {
    struct matched_side sides[SIDE_COUNT];
    struct stacks *stacks[SIDE_COUNT];
    struct matched_sites matched;
    struct provenance provenance;
    struct totals totals[SIDE_COUNT];
    enum site_key sort;
    size_t top_count; /* rows of a table */
    struct out *out;
};

/* How a figure of sites is called and what it is in. */
struct diff_key {
    const char *title; /* "bytes allocated" */
    enum out_unit unit;
    const char *old_key; /* in JSON */
    const char *new_key;
    const char *change_key;
};

const struct diff_key *diff_key_of(enum site_key key);

enum diff_state {
    DIFF_SAME,
    DIFF_CHANGED,
    DIFF_CHANCE, /* of estimates: cannot be told from no change */
    DIFF_NEW,
    DIFF_GONE,
};

/* What became of a site, by one figure. */
enum diff_state diff_state_of(const struct diff *diff, const struct site_pair *pair,
                              enum site_key key);

/* True if one of the two was imported: then threads, lifetimes and calls are left out. */
bool diff_has_import(const struct diff *diff);

/* True if an estimate is among the two. */
bool diff_has_margins(const struct diff *diff);

/* Prints all of it. Returns 0 or a negative errno. */
int diff_print(struct diff *diff, struct err *err);

/* Its parts. */
void diff_print_provenance(struct diff *diff);
void diff_print_totals(struct diff *diff);
int diff_print_sites(struct diff *diff, struct err *err);
int diff_print_size_moves(struct diff *diff, struct err *err);
int diff_print_classes(struct diff *diff, struct err *err);

#endif
