/*
 * sites.h - allocation sites, one per call stack, ranked by what they cost.
 *
 * Figures are summed over the processes selected. Only the columns asked for are read for all
 * sites: the table is wide, and a report shows a few rows of it. Sites are told by their place, 0
 * to sites_count()-1. Single thread.
 */
#ifndef ALLOCAUDIT_SITES_H
#define ALLOCAUDIT_SITES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../base/err.h"
#include "../db/query_site.h"
#include "selection.h"
#include "stack_tree.h"
#include "trace.h"

/* What sites are sorted by. The words are those of --sort. */
#define SITE_KEYS(X)                                                                               \
    X(COUNT, "count")                                                                              \
    X(BYTES, "bytes")                                                                              \
    X(PEAK, "peak")                                                                                \
    X(TIME, "time")                                                                                \
    X(LEAKED, "leaked")                                                                            \
    X(LEAKED_COUNT, "leaked-count")                                                                \
    X(TEMPORARY, "temporary")                                                                      \
    X(LARGE, "large")                                                                              \
    X(REALLOC, "realloc")                                                                          \
    X(MOVED, "moved")                                                                              \
    X(LIVE, "live")                                                                                \
    X(FAILED, "failed")

enum site_key {
#define X(name, word) SITE_KEY_##name,
    SITE_KEYS(X)
#undef X
    SITE_KEY_COUNT_ALL
};

#define SITE_KEY_BIT(key) (1u << (key))

struct sites; /* opaque */

/* The words of --sort, in the order of the keys, NULL-ended. */
extern const char *const site_key_words[];

/* The word of one. */
const char *site_key_word(enum site_key key);

/* False for keys that need the whole run, where a part of it is selected or only a sample is there.
 */
bool site_key_is_known(enum site_key key, const struct selection *selection);

/*
 * Reads the sites of the selection with the keys of the set (SITE_KEY_BIT); keys that the selection
 * cannot know are left out. Temporary means freed by the allocating thread before its `within`-th
 * next allocation. Returns 0 and *out_sites is the caller's.
 */
int sites_load(const struct trace *trace, const struct selection *selection, unsigned key_set,
               uint64_t within, struct sites **out_sites, struct err *err);

size_t sites_count(const struct sites *sites);
uint32_t sites_stack_id(const struct sites *sites, size_t place);
bool sites_has_key(const struct sites *sites, enum site_key key);

/* 0 for a key that was not loaded. */
uint64_t sites_value(const struct sites *sites, size_t place, enum site_key key);
uint64_t sites_total(const struct sites *sites, enum site_key key);

/* Takes `by` (at most its value) off a site's figure and the total; not of a key that was not
 * loaded. */
void sites_reduce(struct sites *sites, size_t place, enum site_key key, uint64_t by);

/*
 * The places of the `limit` sites with the largest values above 0, largest first, ties by stack_id.
 * Returns how many there are, up to limit, or -ENOMEM; *out_places is the caller's to free().
 */
int sites_top(const struct sites *sites, enum site_key key, size_t limit, size_t **out_places,
              struct err *err);

/* All figures of a site; those that the selection cannot know are 0. */
int sites_read(struct sites *sites, size_t place, struct site_row *out_row, struct err *err);

/* NULL is fine. */
void sites_destroy(struct sites *sites);

#endif
