/*
 * tuning.h - one setting of an allocator: values of some of its knobs, how the environment spells
 * them, and which ones a search tries.
 *
 * What can end a program, deny it memory, or fill memory for debugging has no values to try
 * (knobs.h), so no setting can hold it. No state. Any thread.
 */
#ifndef ALLOCAUDIT_TUNING_H
#define ALLOCAUDIT_TUNING_H

#include <stdbool.h>
#include <stddef.h>

#include "../base/str.h"
#include "knobs.h"

enum {
    TUNING_KNOBS_MAX = 8,
    TUNING_VALUE_BYTES = 24,
};

struct tuning_value {
    const struct knob *knob;
    char text[TUNING_VALUE_BYTES];
};

/* Zeroed: as the allocator comes. All knobs are of one family. */
struct tuning {
    struct tuning_value values[TUNING_KNOBS_MAX];
    size_t count;
};

/* What of time the search can see. */
enum tuning_clock {
    TUNING_NO_TIME,    /* calls at full speed */
    TUNING_CLOCK_ONLY, /* clocks show the recorded time, which does not pass */
    TUNING_REAL_TIME,
};

struct tuning_space {
    enum knob_family family;
    enum tuning_clock clock;
    bool has_threads; /* several threads allocate */
};

/* The family whose knobs an allocator of the catalog has: "glibc", "jemalloc", "tcmalloc",
 * "mimalloc". KNOB_FAMILY_COUNT: it is none of them. */
enum knob_family tuning_family(const char *allocator);

/* Why no value of this knob is tried in that space, in words; NULL: some are. */
const char *tuning_exclusion(const struct tuning_space *space, const struct knob *knob);

/* True if its values that work as time passes are tried. */
bool tuning_has_timed(const struct tuning_space *space, const struct knob *knob);

/* Settings of one knob each. Fills at most `capacity`; returns how many there are. */
size_t tuning_singles(const struct tuning_space *space, struct tuning *out_tunings,
                      size_t capacity);

/* Reads "NAME=VALUE" as the family's allocator would. False: it has a knob that is not known, or
 * too many. */
bool tuning_read(enum knob_family family, const char *pair, struct tuning *out_tuning);

/* Both in one. False: they set the same knob, or there are too many. */
bool tuning_merge(const struct tuning *a, const struct tuning *b, struct tuning *out_tuning);

/* True if both hold the same values, in whatever order. */
bool tuning_is_same(const struct tuning *a, const struct tuning *b);

/* "narenas:1,tcache:false": as short as can be read. Returns 0 or -ENOMEM. */
int tuning_append_label(const struct tuning *tuning, struct str *text);

/* How many variables it takes. */
size_t tuning_pair_count(const struct tuning *tuning);

/* The variable of that place, "MALLOC_CONF=narenas:1,tcache:false". Returns 0 or -ENOMEM. */
int tuning_append_pair(const struct tuning *tuning, size_t place, struct str *text);

#endif
