/*
 * matched_sites.h - the sites of two recordings side by side, matched by function path
 * (function_paths.h). Sites that share a path, as the calls of one function from several lines do,
 * are summed. Memory: some 300 bytes per different path. Single thread.
 */
#ifndef ALLOCAUDIT_MATCHED_SITES_H
#define ALLOCAUDIT_MATCHED_SITES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../base/err.h"
#include "function_paths.h"
#include "selection.h"
#include "sites.h"
#include "trace.h"

enum recording_side {
    SIDE_OLD,
    SIDE_NEW,
    SIDE_COUNT
};

/* The figures that a sample gives errors for. */
enum sampled_figure {
    SAMPLED_COUNT,
    SAMPLED_BYTES,
    SAMPLED_LEAKED,
    SAMPLED_LEAKED_COUNT,
    SAMPLED_FIGURE_COUNT /* also: this key has none */
};

/* What one side did on a path. */
struct path_figures {
    uint64_t values[SITE_KEY_COUNT_ALL];
    double variances[SAMPLED_FIGURE_COUNT]; /* squares of the standard errors */
    uint32_t stack_count;                   /* sites that fall together; 0: it is not there */
    uint32_t stack_id;                      /* the one with most allocations */
    uint64_t stack_allocation_count;        /* of that one */
};

struct site_pair {
    uint32_t path_id;
    uint64_t sort_value; /* of the last matched_sites_sort() */
    struct path_figures sides[SIDE_COUNT];
};

struct matched_sites {
    struct function_paths *paths;
    struct site_pair *pairs;
    size_t count;
    struct path_figures totals[SIDE_COUNT];
    unsigned key_set; /* keys (SITE_KEY_BIT) that both recordings can tell */
};

/* One recording of the two. */
struct matched_side {
    const struct trace *trace;
    const struct selection *selection;
};

/* Returns 0 and *out_matched is to be ended with matched_sites_fini(), or a negative errno. */
int matched_sites_load(const struct matched_side sides[SIDE_COUNT],
                       struct matched_sites *out_matched, struct err *err);

/* SAMPLED_FIGURE_COUNT for keys without errors. */
enum sampled_figure sampled_figure_of(enum site_key key);

/* New minus old. */
int64_t site_pair_change(const struct site_pair *pair, enum site_key key);

/* Half the width of the 95 % interval of the change; 0 where both sides are exact. */
double site_pair_margin(const struct path_figures sides[SIDE_COUNT], enum site_key key);

/*
 * Sorts the pairs by how much they changed by the key, most first, ties by path. Returns how many
 * changed at all.
 */
size_t matched_sites_sort(struct matched_sites *matched, enum site_key key);

/* A zeroed one is fine. */
void matched_sites_fini(struct matched_sites *matched);

#endif
