/*
 * judged_sites.h - the sites that a limit sums over: of all processes or one, with leaks of chosen
 * kinds, and which of them do not count.
 *
 * Each such set is loaded when a limit first asks for it, and kept. Single thread.
 */
#ifndef ALLOCAUDIT_JUDGED_SITES_H
#define ALLOCAUDIT_JUDGED_SITES_H

#include <stdbool.h>
#include <stdint.h>

#include "../base/map.h"
#include "../model/site_leaks.h"
#include "../model/site_paths.h"
#include "../model/sites.h"
#include "../model/stack_tree.h"
#include "../model/stacks.h"
#include "budget.h"

struct judged_sites {
    struct judged_sites *next;
    uint32_t process_id; /* 0: all */
    unsigned leak_kinds;
    struct sites *sites;     /* with the keys that the limits need */
    struct site_leaks leaks; /* zeroed where no limit is about leaks */
    struct site_paths paths;
    bool has_paths;
    bool *is_ignored; /* per site; NULL: none is */
    bool *is_meant;   /* per site: what the limit at hand is about */
};

/* What they are loaded from, and those that are. */
struct judged_sources {
    const struct trace *trace;
    const struct selection *selection;
    const struct budget *budget;
    struct stacks *stacks;
    struct stack_tree *tree;    /* made when functions are first asked for */
    struct judged_sites *first; /* the budget's own: of the selection, with its kinds of leaks */
    struct map ignored_stacks;  /* of that one, as keys */
    const char **idle_patterns; /* of `ignore`: those that fit nothing; the budget's texts */
    size_t idle_count;
    size_t idle_capacity;
};

/* Returns 0 and *out_sites, which lives until judged_sources_fini(), or a negative errno.
 * leak_kinds 0: the budget's. */
int judged_sites_reach(struct judged_sources *sources, uint32_t process_id, unsigned leak_kinds,
                       struct judged_sites **out_sites, struct err *err);

/* Sets mask[place] of sites with a function, or of a module, like the pattern. */
int judged_sites_mask(struct judged_sources *sources, const struct judged_sites *sites,
                      const char *pattern, bool is_module, bool *mask, struct err *err);

/* Names those that count by their paths, once. */
int judged_sites_name(const struct judged_sources *sources, struct judged_sites *sites,
                      struct err *err);

/* Ends what it holds, but for trace, selection, budget and stacks. */
void judged_sources_fini(struct judged_sources *sources);

#endif
