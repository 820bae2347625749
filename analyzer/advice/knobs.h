/*
 * knobs.h - the settings that allocators read from the environment: their names, what values they
 * take, since and until which version, which of them no advice may hold, and which values are worth
 * a try.
 *
 * Names are those of glibc 2.36, jemalloc 5.3.0, gperftools 2.10 and mimalloc 2.0.9, and those that
 * older or newer versions know. No state. Any thread.
 */
#ifndef ALLOCAUDIT_KNOBS_H
#define ALLOCAUDIT_KNOBS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum knob_family {
    KNOB_JEMALLOC,       /* a key in MALLOC_CONF */
    KNOB_GLIBC,          /* a key in GLIBC_TUNABLES, without "glibc.malloc." */
    KNOB_GLIBC_VARIABLE, /* MALLOC_ARENA_MAX and the like */
    KNOB_MIMALLOC,       /* MIMALLOC_ and this */
    KNOB_TCMALLOC,       /* TCMALLOC_ and this */
    KNOB_FAMILY_COUNT,
};

enum knob_kind {
    KNOB_BOOL,
    KNOB_INT,  /* from min to max */
    KNOB_WORD, /* one of words */
    KNOB_TEXT, /* anything */
};

/* Versions are 1000 * major + minor; 0: as far as is known always, or still. */
struct knob {
    enum knob_family family;
    const char *name; /* as its family spells it */
    enum knob_kind kind;
    int64_t min;
    int64_t max;
    const char *words; /* KNOB_WORD: separated by blanks */
    unsigned since;
    unsigned until;      /* the last version that takes it */
    const char *instead; /* what to set now, or why it is without effect; NULL: nothing to say */
    const char *danger;  /* what it can do to a program; NULL: nothing */
    /* What a search for the best settings tries: values, separated by blanks; NULL: none. */
    const char *search;
    const char *search_timed; /* those that do nothing before some time has passed */
    bool is_real_time;        /* such time must really pass; else a clock that shows it will do */
    bool is_for_threads;      /* only where several threads allocate */
    const char *left_out;     /* why nothing is tried, where the fields above do not say it */
};

/* All of them; *out_count are there. */
const struct knob *knobs_all(size_t *out_count);

/* The knob of that name, or NULL. */
const struct knob *knobs_find(enum knob_family family, const char *name);

/* The nearest right name, or NULL. */
const char *knobs_nearest(enum knob_family family, const char *name);

#endif
