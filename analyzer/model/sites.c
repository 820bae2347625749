#include "sites.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "../base/vec.h"

enum {
    NO_COLUMN = SITE_COLUMN_COUNT,
    INSERTION_LIMIT = 256, /* more than that is sorted as a whole */
};

struct ranked_site {
    uint32_t stack_id;
    uint32_t block_row; /* its place among block_rows, when a part of the run is selected */
    uint64_t values[SITE_KEY_COUNT_ALL];
};

struct sites {
    const struct recording *recording;
    uint32_t process_id;
    struct ranked_site *items; /* by stack_id */
    size_t count;
    size_t capacity;
    struct site_row *block_rows; /* complete, when a part of the run is selected; else NULL */
    size_t block_row_count;
    size_t block_row_capacity;
    unsigned key_set;
    uint64_t totals[SITE_KEY_COUNT_ALL];
    enum site_key loaded_keys[SITE_KEY_COUNT_ALL]; /* in the order of the columns being read */
    size_t loaded_count;
};

static const char *const key_words[SITE_KEY_COUNT_ALL] = {
#define X(name, word) [SITE_KEY_##name] = word,
    SITE_KEYS(X)
#undef X
};

/* The column that ranks; temporary comes from a table of its own. */
static const enum site_column key_columns[SITE_KEY_COUNT_ALL] = {
    [SITE_KEY_COUNT] = SITE_COLUMN_ALLOCATION_COUNT,
    [SITE_KEY_BYTES] = SITE_COLUMN_ALLOCATED_BYTES,
    [SITE_KEY_PEAK] = SITE_COLUMN_PEAK_BYTES,
    [SITE_KEY_TIME] = SITE_COLUMN_TIME_NS,
    [SITE_KEY_LEAKED] = SITE_COLUMN_LEAKED_BYTES,
    [SITE_KEY_LEAKED_COUNT] = SITE_COLUMN_LEAKED_COUNT,
    [SITE_KEY_TEMPORARY] = (enum site_column)NO_COLUMN,
    [SITE_KEY_LARGE] = SITE_COLUMN_LARGE_SHORT_LIVED_BYTES,
    [SITE_KEY_REALLOC] = SITE_COLUMN_REALLOC_COUNT,
    [SITE_KEY_MOVED] = SITE_COLUMN_REALLOC_MOVED_BYTES,
    [SITE_KEY_LIVE] = SITE_COLUMN_LIVE_BYTES_MAX,
    [SITE_KEY_FAILED] = SITE_COLUMN_FAILED_COUNT,
};

enum {
    BLOCK_KEYS = SITE_KEY_BIT(SITE_KEY_COUNT) | SITE_KEY_BIT(SITE_KEY_BYTES) |
                 SITE_KEY_BIT(SITE_KEY_LEAKED) | SITE_KEY_BIT(SITE_KEY_LEAKED_COUNT) |
                 SITE_KEY_BIT(SITE_KEY_LARGE) | SITE_KEY_BIT(SITE_KEY_REALLOC),
};

const char *site_key_word(enum site_key key)
{
    return key_words[key];
}

bool site_key_is_known(enum site_key key, const struct selection *selection)
{
    return !selection->is_part_of_run || (BLOCK_KEYS & SITE_KEY_BIT(key)) != 0;
}

static struct ranked_site *append_site(struct sites *sites, uint32_t stack_id)
{
    if (vec_reserve((void **)&sites->items, &sites->capacity, sites->count + 1,
                    sizeof(*sites->items)) < 0) {
        return NULL;
    }
    struct ranked_site *site = &sites->items[sites->count++];
    *site = (struct ranked_site){.stack_id = stack_id};
    return site;
}

static int take_rank(void *context, uint32_t stack_id, const uint64_t *values)
{
    struct sites *sites = context;
    struct ranked_site *site = append_site(sites, stack_id);
    if (site == NULL) {
        return -ENOMEM;
    }
    for (size_t i = 0; i < sites->loaded_count; i++) {
        site->values[sites->loaded_keys[i]] = values[i];
    }
    return 0;
}

static int take_temporary(void *context, uint32_t stack_id, uint64_t free_count)
{
    struct ranked_site *site = append_site(context, stack_id);
    if (site == NULL) {
        return -ENOMEM;
    }
    site->values[SITE_KEY_TEMPORARY] = free_count;
    return 0;
}

static int take_block_site(void *context, const struct site_row *row)
{
    struct sites *sites = context;
    int result = vec_reserve((void **)&sites->block_rows, &sites->block_row_capacity,
                             sites->block_row_count + 1, sizeof(*sites->block_rows));
    struct ranked_site *site = result == 0 ? append_site(sites, row->stack_id) : NULL;
    if (site == NULL) {
        return -ENOMEM;
    }
    site->block_row = (uint32_t)sites->block_row_count;
    sites->block_rows[sites->block_row_count++] = *row;
    site->values[SITE_KEY_COUNT] = row->allocation_count;
    site->values[SITE_KEY_BYTES] = row->allocated_bytes;
    site->values[SITE_KEY_LEAKED] = row->leaked_bytes;
    site->values[SITE_KEY_LEAKED_COUNT] = row->leaked_count;
    site->values[SITE_KEY_LARGE] = row->large_short_lived_bytes;
    site->values[SITE_KEY_REALLOC] = row->realloc_count;
    return 0;
}

static int compare_stack_ids(const void *left, const void *right)
{
    uint32_t left_id = ((const struct ranked_site *)left)->stack_id;
    uint32_t right_id = ((const struct ranked_site *)right)->stack_id;
    return (left_id > right_id) - (left_id < right_id);
}

static bool is_ascending(const struct sites *sites)
{
    for (size_t i = 1; i < sites->count; i++) {
        if (sites->items[i - 1].stack_id >= sites->items[i].stack_id) {
            return false;
        }
    }
    return true;
}

/* Rows came by process, and the temporary ones behind the others: one item for each stack is
 * wanted. */
static void merge_by_stack(struct sites *sites)
{
    if (sites->count == 0 || is_ascending(sites)) {
        return;
    }
    qsort(sites->items, sites->count, sizeof(*sites->items), compare_stack_ids);
    size_t last = 0;
    for (size_t i = 1; i < sites->count; i++) {
        if (sites->items[i].stack_id != sites->items[last].stack_id) {
            sites->items[++last] = sites->items[i];
            continue;
        }
        for (size_t key = 0; key < SITE_KEY_COUNT_ALL; key++) {
            sites->items[last].values[key] += sites->items[i].values[key];
        }
    }
    sites->count = last + 1;
}

static int load_whole_run(struct sites *sites, uint64_t within, struct err *err)
{
    enum site_column columns[SITE_KEY_COUNT_ALL];
    for (size_t key = 0; key < SITE_KEY_COUNT_ALL; key++) {
        bool is_wanted = (sites->key_set & SITE_KEY_BIT(key)) != 0;
        if (is_wanted && key != SITE_KEY_TEMPORARY) {
            columns[sites->loaded_count] = key_columns[key];
            sites->loaded_keys[sites->loaded_count++] = (enum site_key)key;
        }
    }
    struct db *db = sites->recording->db;
    int result = query_site_ranks(db, sites->process_id, columns, sites->loaded_count, take_rank,
                                  sites, err);
    if (result == 0 && (sites->key_set & SITE_KEY_BIT(SITE_KEY_TEMPORARY)) != 0) {
        result = query_temporary(db, sites->process_id, within, take_temporary, sites, err);
    }
    if (result == 0) {
        merge_by_stack(sites);
    }
    return result;
}

static int keep_matches(struct sites *sites, const struct selection *selection, struct err *err)
{
    struct stack_tree *tree = NULL;
    bool *is_match = NULL;
    int result = stack_tree_load(sites->recording->db, &tree, err);
    if (result == 0) {
        result = stack_tree_match(tree, selection->function_glob, selection->module_glob, &is_match,
                                  err);
    }
    size_t kept = 0;
    for (size_t i = 0; i < sites->count && result == 0; i++) {
        size_t place = stack_tree_find(tree, sites->items[i].stack_id);
        if (place != STACK_TREE_NONE && is_match[place]) {
            sites->items[kept++] = sites->items[i];
        }
    }
    sites->count = kept;
    free(is_match);
    stack_tree_destroy(tree);
    return result;
}

int sites_load(const struct recording *recording, const struct selection *selection,
               unsigned key_set, uint64_t within, struct sites **out_sites, struct err *err)
{
    struct sites *sites = calloc(1, sizeof(*sites));
    if (sites == NULL) {
        return err_set_errno(err, ENOMEM, "cannot read sites");
    }
    sites->recording = recording;
    sites->process_id = selection->process_id;
    int result = 0;
    if (selection->is_part_of_run) {
        sites->key_set = key_set & BLOCK_KEYS;
        const struct block_selection blocks = {selection->thread_ids, selection->from_ns,
                                               selection->to_ns};
        result = query_block_sites(recording->db, &blocks, take_block_site, sites, err);
    } else {
        sites->key_set = key_set;
        result = load_whole_run(sites, within, err);
    }
    if (result == 0 && selection_has_frames(selection)) {
        result = keep_matches(sites, selection, err);
    }
    if (result < 0) {
        sites_destroy(sites);
        return result;
    }
    for (size_t i = 0; i < sites->count; i++) {
        for (size_t key = 0; key < SITE_KEY_COUNT_ALL; key++) {
            sites->totals[key] += sites->items[i].values[key];
        }
    }
    *out_sites = sites;
    return 0;
}

size_t sites_count(const struct sites *sites)
{
    return sites->count;
}

uint32_t sites_stack_id(const struct sites *sites, size_t place)
{
    return sites->items[place].stack_id;
}

bool sites_has_key(const struct sites *sites, enum site_key key)
{
    return (sites->key_set & SITE_KEY_BIT(key)) != 0;
}

uint64_t sites_value(const struct sites *sites, size_t place, enum site_key key)
{
    return sites_has_key(sites, key) ? sites->items[place].values[key] : 0;
}

uint64_t sites_total(const struct sites *sites, enum site_key key)
{
    return sites_has_key(sites, key) ? sites->totals[key] : 0;
}

struct rank {
    uint64_t value;
    size_t place;
};

/* Larger values first; of equal ones the lower place, which has the lower stack_id. */
static int compare_ranks(const void *left, const void *right)
{
    const struct rank *a = left;
    const struct rank *b = right;
    if (a->value != b->value) {
        return a->value > b->value ? -1 : 1;
    }
    return (a->place > b->place) - (a->place < b->place);
}

/* Keeps ranks[0..*count) sorted and no longer than limit. Places come in ascending order. */
static void insert_rank(struct rank *ranks, size_t *count, size_t limit, struct rank rank)
{
    if (*count == limit) {
        if (ranks[limit - 1].value >= rank.value) {
            return;
        }
        (*count)--;
    }
    size_t at = *count;
    while (at > 0 && ranks[at - 1].value < rank.value) {
        ranks[at] = ranks[at - 1];
        at--;
    }
    ranks[at] = rank;
    (*count)++;
}

int sites_top(const struct sites *sites, enum site_key key, size_t limit, size_t **out_places,
              struct err *err)
{
    bool is_sorted = limit <= INSERTION_LIMIT;
    size_t room = is_sorted ? limit : sites->count;
    struct rank *ranks = calloc(room + 1, sizeof(*ranks));
    size_t *places = calloc(room + 1, sizeof(*places));
    if (ranks == NULL || places == NULL) {
        free(ranks);
        free(places);
        return err_set_errno(err, ENOMEM, "cannot sort sites");
    }
    size_t count = 0;
    for (size_t place = 0; place < sites->count && room > 0; place++) {
        const struct rank rank = {sites_value(sites, place, key), place};
        if (rank.value == 0) {
            continue;
        }
        if (is_sorted) {
            insert_rank(ranks, &count, limit, rank);
        } else {
            ranks[count++] = rank;
        }
    }
    if (!is_sorted) {
        qsort(ranks, count, sizeof(*ranks), compare_ranks);
        count = count > limit ? limit : count;
    }
    for (size_t i = 0; i < count; i++) {
        places[i] = ranks[i].place;
    }
    free(ranks);
    *out_places = places;
    return count > INT_MAX ? INT_MAX : (int)count;
}

int sites_read(struct sites *sites, size_t place, struct site_row *out_row, struct err *err)
{
    const struct ranked_site *site = &sites->items[place];
    if (sites->block_rows != NULL) {
        *out_row = sites->block_rows[site->block_row];
        return 0;
    }
    return query_site(sites->recording->db, sites->process_id, site->stack_id, out_row, err);
}

void sites_destroy(struct sites *sites)
{
    if (sites == NULL) {
        return;
    }
    free(sites->items);
    free(sites->block_rows);
    free(sites);
}
