/*
 * tune_answer.h - what `allocaudit tune` was asked, which settings it tried, and what came out. For
 * cmd_tune.c and tune_*.c alone.
 *
 * It begins as `recommend` does, whose answer holds the program, the evidence, the recorded
 * allocator and the verdict. Functions return 0 or a negative errno if they return int.
 */
#ifndef ALLOCAUDIT_TUNE_ANSWER_H
#define ALLOCAUDIT_TUNE_ANSWER_H

#include "../advice/front.h"
#include "../advice/tuning.h"
#include "recommend_replay.h"

enum {
    TUNE_ALLOCATORS_MAX = 2,
    TUNE_ENTRIES_MAX = 160,
    TUNE_COMBINED_MAX = 12, /* settings that are made from the best ones of a knob each */
};

struct tune_settings {
    struct recommend_settings base;
    const char *allocators; /* whose settings to search; NULL: of the two best */
    const char *html;       /* where to write the page; NULL: nowhere */
    bool is_paced;          /* replay at the recorded times */
};

/* A setting that is tried. */
struct tune_entry {
    struct tuning tuning; /* of no knob: as recorded, or as the allocator comes */
    struct str label;     /* "jemalloc narenas:1" */
    struct str setting;   /* its variables, as a shell takes them */
    struct str pairs[TUNING_KNOBS_MAX];
    enum knob_family family;
    struct recommend_tried *tried; /* of the first entry: the answer's first */
    uint64_t round_ns;             /* what replaying it once took */
    unsigned repetition_count;     /* of what is known of it; 0: nothing is */
    bool is_yardstick;             /* no setting of the search: is replayed in every rung */
    bool is_alive;                 /* was in the last rung */
    struct front_standing standing;
};

struct tune_answer {
    const struct tune_settings *settings;
    struct recommend_answer *answer;
    const char *names[TUNE_ALLOCATORS_MAX]; /* of the catalog: whose settings were searched */
    struct tuning_space spaces[TUNE_ALLOCATORS_MAX];
    size_t name_count;
    struct tune_entry entries[TUNE_ENTRIES_MAX]; /* the first: as recorded */
    size_t entry_count;
    size_t tried_count; /* how many of them were replayed */
    size_t untried_count;
    uint64_t replay_count;
    int page_status; /* of --html: how writing the page ended */
};

/* ---- tune_entries.c --------------------------------------------------------------------------
 */

/* Makes entries for the recorded allocator, and for those there are as they come. */
int tune_begin_entries(struct tune_answer *tune, struct err *err);

/* Chooses the allocators, and makes an entry for each setting of theirs that a search begins with.
 */
int tune_make_entries(struct tune_answer *tune, struct err *err);

/* Makes entries that join the knobs of the best ones so far. */
int tune_combine_entries(struct tune_answer *tune, struct err *err);

void tune_end_entries(struct tune_answer *tune);

/* ---- tune_search.c ---------------------------------------------------------------------------
 */

/* Replays the entries by halves, and says where each of the last ones stands. */
int tune_search(struct tune_answer *tune, struct recommend_replay *replay, struct err *err);

/* ---- tune_run.c ------------------------------------------------------------------------------
 */

/* From the evidence to the verdict. */
int tune_run(struct tune_answer *tune, struct err *err);

/* ---- tune_print.c ----------------------------------------------------------------------------
 */

void tune_print(struct tune_answer *tune, struct out *out);

/* ---- tune_space.c ----------------------------------------------------------------------------
 */

/* What was searched, and what was not and why. */
void tune_print_space(const struct tune_answer *tune, struct out *out);

#endif
