/*
 * tune_entries.c - which settings a search begins with, and which it makes from the best of them
 * (tune_make_entries and tune_combine_entries in tune_answer.h).
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tune_answer.h"

#define LIBRARY_EFFORT 0.005 /* as in remedy.c */
#define KNOB_EFFORT    0.001

enum {
    SINGLES_MAX = 64, /* of an allocator; it has fewer */
    BEST_SINGLES = 4, /* of an allocator, which are joined */
};

static bool has_entry(const struct tune_answer *tune, enum knob_family family,
                      const struct tuning *tuning)
{
    for (size_t i = 0; i < tune->entry_count; i++) {
        const struct tune_entry *entry = &tune->entries[i];
        if (entry->family == family && tuning_is_same(&entry->tuning, tuning) &&
            (i > 0 || entry->tried->pairs[0] == NULL)) {
            return true;
        }
    }
    return false;
}

/* Label, variables, and what is replayed. */
static int fill_entry(const struct tune_answer *tune, struct tune_entry *entry, const char *name,
                      struct err *err)
{
    const char *pairs[TUNING_KNOBS_MAX + 1] = {NULL};
    bool is_recorded = entry->family == tune->entries[0].family;
    int result = str_printf(&entry->label, "%s%s", name, entry->tuning.count > 0 ? " " : "");
    if (result == 0) {
        result = tuning_append_label(&entry->tuning, &entry->label);
    }
    for (size_t i = 0; i < tuning_pair_count(&entry->tuning) && result == 0; i++) {
        result = tuning_append_pair(&entry->tuning, i, &entry->pairs[i]);
        pairs[i] = str_text(&entry->pairs[i]);
        if (result == 0) {
            result = str_printf(&entry->setting, "%s%s", i > 0 ? " " : "", pairs[i]);
        }
    }
    if (result < 0) {
        return err_set_errno(err, ENOMEM, "cannot tune");
    }
    struct recommend_tried *tried = entry->tried;
    tried->label = str_text(&entry->label);
    tried->setting = entry->tuning.count > 0 ? str_text(&entry->setting) : NULL;
    tried->effort = (is_recorded ? 0 : LIBRARY_EFFORT) + KNOB_EFFORT * (double)entry->tuning.count;
    (void)snprintf(tried->name, sizeof(tried->name), "%s", name);
    recommend_join_pairs(tune->answer, name, pairs, tried);
    return replay_candidate_init(&tried->candidate, tried->name, tried->pairs, err);
}

static int add_entry(struct tune_answer *tune, const char *name, const struct tuning *tuning,
                     struct err *err)
{
    enum knob_family family = tuning_family(name);
    if (has_entry(tune, family, tuning)) {
        return 0;
    }
    if (tune->entry_count == TUNE_ENTRIES_MAX) {
        tune->untried_count++;
        return 0;
    }
    struct tune_entry *entry = &tune->entries[tune->entry_count++];
    entry->tuning = *tuning;
    entry->family = family;
    entry->is_yardstick = tuning->count == 0;
    entry->tried = calloc(1, sizeof(*entry->tried));
    return entry->tried == NULL ? err_set_errno(err, ENOMEM, "cannot tune")
                                : fill_entry(tune, entry, name, err);
}

/* ---- whose settings ---------------------------------------------------------------------------
 */

static const char *const stock[] = {"glibc", "jemalloc", "tcmalloc", "mimalloc"};
#define STOCK_COUNT (sizeof(stock) / sizeof(stock[0]))

/* The catalog's name of the allocator, also where it is known by its path. */
static const char *name_of(const char *library)
{
    for (size_t i = 0; i < STOCK_COUNT; i++) {
        if (strstr(str_base_name(library), stock[i]) != NULL) {
            return stock[i];
        }
    }
    return NULL;
}

static bool is_chosen(const struct tune_answer *tune, const char *name)
{
    bool is_found = false;
    for (size_t i = 0; i < tune->name_count; i++) {
        is_found = is_found || strcmp(tune->names[i], name) == 0;
    }
    return is_found;
}

/* True if it stands in the list of --allocators, or there is none. */
static bool is_asked_for(const char *list, const char *name)
{
    size_t length = strlen(name);
    for (const char *at = list; at != NULL && *at != '\0'; at += strspn(at, ",")) {
        size_t here = strcspn(at, ",");
        if (here == length && strncmp(at, name, length) == 0) {
            return true;
        }
        at += here;
    }
    return list == NULL;
}

/* The allocators of the best entries so far; those of --allocators are the only ones there. */
static void choose_names(struct tune_answer *tune)
{
    for (size_t n = 0; n < TUNE_ALLOCATORS_MAX; n++) {
        const char *best = NULL;
        double best_score = 0;
        for (size_t i = 0; i < tune->entry_count; i++) {
            const struct recommend_tried *tried = tune->entries[i].tried;
            const char *name = name_of(tried->name);
            double score = decision_score(tune->answer->goal, &tried->contender);
            if (tune->entries[i].repetition_count > 0 && !tried->contender.is_lost &&
                name != NULL && is_asked_for(tune->settings->allocators, name) &&
                !is_chosen(tune, name) && (best == NULL || score < best_score)) {
                best = name;
                best_score = score;
            }
        }
        if (best != NULL) {
            tune->names[tune->name_count++] = best;
        }
    }
}

/* ---- which settings ---------------------------------------------------------------------------
 */

/* What `recommend` would try of it. */
static int add_known(struct tune_answer *tune, const char *name, struct err *err)
{
    size_t count;
    const struct remedy *all = remedies(&count);
    int result = 0;
    for (size_t i = 0; i < count && result == 0; i++) {
        struct tuning tuning;
        bool is_meant = strcmp(all[i].allocator, name) == 0 && all[i].pair != NULL &&
                        (all[i].suits == NULL || all[i].suits(&tune->answer->evidence));
        if (is_meant && tuning_read(tuning_family(name), all[i].pair, &tuning)) {
            result = add_entry(tune, name, &tuning, err);
        }
    }
    return result;
}

/* Those of one knob each, of the allocators in turn: if time is short, it is for all of them. */
static int add_singles(struct tune_answer *tune, struct err *err)
{
    struct tuning singles[TUNE_ALLOCATORS_MAX][SINGLES_MAX];
    size_t counts[TUNE_ALLOCATORS_MAX] = {0};
    int result = 0;
    for (size_t i = 0; i < tune->name_count; i++) {
        size_t count = tuning_singles(&tune->spaces[i], singles[i], SINGLES_MAX);
        counts[i] = count < SINGLES_MAX ? count : SINGLES_MAX;
    }
    for (size_t place = 0; place < SINGLES_MAX; place++) {
        for (size_t i = 0; i < tune->name_count && result == 0; i++) {
            if (place < counts[i]) {
                result = add_entry(tune, tune->names[i], &singles[i][place], err);
            }
        }
    }
    return result;
}

static void add_recorded(struct tune_answer *tune)
{
    const char *name = name_of(tune->answer->tried[0].name);
    tune->entries[tune->entry_count++] = (struct tune_entry){
        .family = name != NULL ? tuning_family(name) : KNOB_FAMILY_COUNT,
        .tried = &tune->answer->tried[0],
        .is_yardstick = true,
    };
}

int tune_begin_entries(struct tune_answer *tune, struct err *err)
{
    int result = 0;
    add_recorded(tune);
    for (size_t i = 0; i < STOCK_COUNT && result == 0; i++) {
        struct allocator allocator;
        if (is_asked_for(tune->settings->allocators, stock[i]) &&
            allocators_find(stock[i], &allocator, NULL) == 0) {
            result = add_entry(tune, stock[i], &(struct tuning){.count = 0}, err);
        }
    }
    return result;
}

int tune_make_entries(struct tune_answer *tune, struct err *err)
{
    int result = 0;
    choose_names(tune);
    for (size_t i = 1; i < tune->entry_count; i++) {
        tune->entries[i].is_yardstick = is_chosen(tune, tune->entries[i].tried->name);
    }
    for (size_t i = 0; i < tune->name_count && result == 0; i++) {
        tune->spaces[i].family = tuning_family(tune->names[i]);
        result = add_known(tune, tune->names[i], err);
    }
    return result == 0 ? add_singles(tune, err) : result;
}

/* ---- what the best have in common -------------------------------------------------------------
 */

/* The best settings of that allocator that better something, at most BEST_SINGLES. */
static size_t find_best(const struct tune_answer *tune, enum knob_family family, size_t *out_places)
{
    struct contender contenders[TUNE_ENTRIES_MAX];
    size_t order[TUNE_ENTRIES_MAX];
    size_t count = 0;
    for (size_t i = 0; i < tune->entry_count; i++) {
        contenders[i] = tune->entries[i].tried->contender;
        contenders[i].is_lost |= tune->entries[i].repetition_count == 0;
    }
    front_sort(tune->answer->goal, contenders, tune->entry_count, order);
    for (size_t i = 0; i < tune->entry_count && count < BEST_SINGLES; i++) {
        const struct tune_entry *entry = &tune->entries[order[i]];
        if (!contenders[order[i]].is_lost && entry->family == family && entry->tuning.count > 0) {
            out_places[count++] = order[i];
        }
    }
    return count;
}

int tune_combine_entries(struct tune_answer *tune, struct err *err)
{
    size_t before = tune->entry_count;
    int result = 0;
    for (size_t n = 0; n < tune->name_count; n++) {
        size_t places[BEST_SINGLES];
        size_t count = find_best(tune, tune->spaces[n].family, places);
        for (size_t i = 0; i < count; i++) {
            for (size_t j = i + 1; j < count && result == 0; j++) {
                struct tuning merged;
                if (tune->entry_count - before < TUNE_COMBINED_MAX &&
                    tuning_merge(&tune->entries[places[i]].tuning, &tune->entries[places[j]].tuning,
                                 &merged)) {
                    result = add_entry(tune, tune->names[n], &merged, err);
                }
            }
        }
    }
    return result;
}

void tune_end_entries(struct tune_answer *tune)
{
    for (size_t i = 0; i < tune->entry_count; i++) {
        struct tune_entry *entry = &tune->entries[i];
        for (size_t j = 0; j < TUNING_KNOBS_MAX; j++) {
            str_fini(&entry->pairs[j]);
        }
        str_fini(&entry->label);
        str_fini(&entry->setting);
        if (i > 0) {
            free(entry->tried);
        }
    }
}
