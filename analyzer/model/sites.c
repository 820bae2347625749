#include "sites.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "../base/vec.h"

enum {
    NO_COLUMN = SITE_COLUMN_COUNT,
};

/* Columns stand apart, each in an array of its own: a ranking runs through one of them. */
struct sites {
    const struct trace *trace;
    uint32_t process_id;
    uint32_t *stack_ids;                  /* ascending */
    uint64_t *values[SITE_KEY_COUNT_ALL]; /* NULL: not loaded */
    size_t count;
    size_t capacity;
    size_t cursor;               /* where the last stack was found: rows come in order */
    struct site_row *block_rows; /* complete, when a part of the run is selected; else NULL */
    size_t block_row_count;
    size_t block_row_capacity;
    unsigned key_set;
    uint64_t totals[SITE_KEY_COUNT_ALL];
    enum site_key loaded_keys[SITE_KEY_COUNT_ALL]; /* in the order of the columns being read */
    size_t loaded_count;
};

const char *const site_key_words[] = {
#define X(name, word) [SITE_KEY_##name] = word,
    SITE_KEYS(X)
#undef X
        [SITE_KEY_COUNT_ALL] = NULL,
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
    WHOLE_KEYS = SITE_KEY_BIT(SITE_KEY_TEMPORARY) | SITE_KEY_BIT(SITE_KEY_REALLOC) |
                 SITE_KEY_BIT(SITE_KEY_MOVED) | SITE_KEY_BIT(SITE_KEY_LIVE), /* not by a sample */
    CALL_KEYS = SITE_KEY_BIT(SITE_KEY_TEMPORARY) | SITE_KEY_BIT(SITE_KEY_REALLOC) |
                SITE_KEY_BIT(SITE_KEY_MOVED) | SITE_KEY_BIT(SITE_KEY_TIME) |
                SITE_KEY_BIT(SITE_KEY_LARGE) | SITE_KEY_BIT(SITE_KEY_FAILED), /* not imported */
};

static unsigned unknown_keys(const struct selection *selection)
{
    return (selection->is_sample ? WHOLE_KEYS : 0u) | (selection->is_import ? CALL_KEYS : 0u);
}

const char *site_key_word(enum site_key key)
{
    return site_key_words[key];
}

bool site_key_is_known(enum site_key key, const struct selection *selection)
{
    bool is_in_part = !selection->is_part_of_run || (BLOCK_KEYS & SITE_KEY_BIT(key)) != 0;
    return is_in_part && (unknown_keys(selection) & SITE_KEY_BIT(key)) == 0;
}

/* Appends a site with zeros. Returns its place, or SIZE_MAX. */
static size_t append_site(struct sites *sites, uint32_t stack_id)
{
    if (sites->count == sites->capacity) {
        size_t capacity = sites->capacity;
        if (vec_reserve((void **)&sites->stack_ids, &capacity, sites->count + 1,
                        sizeof(*sites->stack_ids)) < 0) {
            return SIZE_MAX;
        }
        for (size_t key = 0; key < SITE_KEY_COUNT_ALL; key++) {
            size_t value_capacity = sites->capacity;
            if ((sites->key_set & SITE_KEY_BIT(key)) != 0 &&
                vec_reserve((void **)&sites->values[key], &value_capacity, capacity,
                            sizeof(*sites->values[key])) < 0) {
                return SIZE_MAX;
            }
        }
        sites->capacity = capacity;
    }
    size_t place = sites->count++;
    sites->stack_ids[place] = stack_id;
    for (size_t key = 0; key < SITE_KEY_COUNT_ALL; key++) {
        if (sites->values[key] != NULL) {
            sites->values[key][place] = 0;
        }
    }
    return place;
}

static int take_rank(void *context, uint32_t stack_id, const uint64_t *values)
{
    struct sites *sites = context;
    size_t place = append_site(sites, stack_id);
    if (place == SIZE_MAX) {
        return -ENOMEM;
    }
    for (size_t i = 0; i < sites->loaded_count; i++) {
        sites->values[sites->loaded_keys[i]][place] = values[i];
    }
    return 0;
}

/* Rows come by process, then by stack, as the sites stand: mostly the next site is meant. */
static int take_temporary(void *context, uint32_t stack_id, uint64_t free_count)
{
    struct sites *sites = context;
    size_t place = sites->cursor;
    if (place >= sites->count || sites->stack_ids[place] > stack_id) {
        place = 0;
    }
    while (place < sites->count && sites->stack_ids[place] < stack_id) {
        place++;
    }
    if (place < sites->count && sites->stack_ids[place] == stack_id) {
        sites->values[SITE_KEY_TEMPORARY][place] += free_count;
        sites->cursor = place;
    }
    return 0;
}

static int take_block_site(void *context, const struct site_row *row)
{
    struct sites *sites = context;
    int result = vec_reserve((void **)&sites->block_rows, &sites->block_row_capacity,
                             sites->block_row_count + 1, sizeof(*sites->block_rows));
    size_t place = result == 0 ? append_site(sites, row->stack_id) : SIZE_MAX;
    if (place == SIZE_MAX) {
        return -ENOMEM;
    }
    sites->block_rows[sites->block_row_count++] = *row;
    const uint64_t values[SITE_KEY_COUNT_ALL] = {
        [SITE_KEY_COUNT] = row->allocation_count,
        [SITE_KEY_BYTES] = row->allocated_bytes,
        [SITE_KEY_LEAKED] = row->leaked_bytes,
        [SITE_KEY_LEAKED_COUNT] = row->leaked_count,
        [SITE_KEY_LARGE] = row->large_short_lived_bytes,
        [SITE_KEY_REALLOC] = row->realloc_count,
    };
    for (size_t key = 0; key < SITE_KEY_COUNT_ALL; key++) {
        if (sites->values[key] != NULL) {
            sites->values[key][place] = values[key];
        }
    }
    return 0;
}

static void move_site(struct sites *sites, size_t to, size_t from)
{
    sites->stack_ids[to] = sites->stack_ids[from];
    for (size_t key = 0; key < SITE_KEY_COUNT_ALL; key++) {
        if (sites->values[key] != NULL) {
            sites->values[key][to] = sites->values[key][from];
        }
    }
    if (sites->block_rows != NULL) {
        sites->block_rows[to] = sites->block_rows[from];
    }
}

static bool is_ascending(const struct sites *sites)
{
    for (size_t i = 1; i < sites->count; i++) {
        if (sites->stack_ids[i - 1] >= sites->stack_ids[i]) {
            return false;
        }
    }
    return true;
}

struct site_order {
    uint32_t stack_id;
    uint32_t place;
};

static int compare_order(const void *left, const void *right)
{
    const struct site_order *a = left;
    const struct site_order *b = right;
    return (a->stack_id > b->stack_id) - (a->stack_id < b->stack_id);
}

/* Several processes give several rows for a stack: they become one site. */
static int merge_by_stack(struct sites *sites)
{
    if (is_ascending(sites)) {
        return 0;
    }
    struct site_order *order = calloc(sites->count, sizeof(*order));
    uint64_t *sorted = calloc(sites->count, sizeof(*sorted));
    if (order == NULL || sorted == NULL) {
        free(order);
        free(sorted);
        return -ENOMEM;
    }
    for (size_t i = 0; i < sites->count; i++) {
        order[i] = (struct site_order){sites->stack_ids[i], (uint32_t)i};
    }
    qsort(order, sites->count, sizeof(*order), compare_order);
    size_t merged_count = 0;
    for (size_t key = 0; key < SITE_KEY_COUNT_ALL; key++) {
        if (sites->values[key] == NULL) {
            continue;
        }
        size_t to = 0;
        sorted[0] = 0;
        for (size_t i = 0; i < sites->count; i++) {
            if (i > 0 && order[i].stack_id != order[i - 1].stack_id) {
                sorted[++to] = 0;
            }
            sorted[to] += sites->values[key][order[i].place];
        }
        memcpy(sites->values[key], sorted, (to + 1) * sizeof(*sorted));
    }
    for (size_t i = 0; i < sites->count; i++) {
        if (i == 0 || order[i].stack_id != order[i - 1].stack_id) {
            sites->stack_ids[merged_count++] = order[i].stack_id;
        }
    }
    sites->count = merged_count;
    free(order);
    free(sorted);
    return 0;
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
    struct db *db = sites->trace->db;
    int result = query_site_ranks(db, sites->process_id, columns, sites->loaded_count, take_rank,
                                  sites, err);
    if (result == 0 && merge_by_stack(sites) < 0) {
        result = err_set_errno(err, ENOMEM, "cannot read sites");
    }
    if (result == 0 && (sites->key_set & SITE_KEY_BIT(SITE_KEY_TEMPORARY)) != 0) {
        result = query_temporary(db, sites->process_id, within, take_temporary, sites, err);
    }
    return result;
}

static int keep_matches(struct sites *sites, const struct selection *selection, struct err *err)
{
    struct stack_tree *tree = NULL;
    bool *is_match = NULL;
    int result = stack_tree_load(sites->trace->db, &tree, err);
    if (result == 0) {
        result = stack_tree_match(tree, selection->function_glob, selection->module_glob, &is_match,
                                  err);
    }
    size_t kept = 0;
    for (size_t i = 0; i < sites->count && result == 0; i++) {
        size_t place = stack_tree_find(tree, sites->stack_ids[i]);
        if (place != STACK_TREE_NONE && is_match[place]) {
            move_site(sites, kept++, i);
        }
    }
    sites->count = kept;
    free(is_match);
    stack_tree_destroy(tree);
    return result;
}

int sites_load(const struct trace *trace, const struct selection *selection, unsigned key_set,
               uint64_t within, struct sites **out_sites, struct err *err)
{
    struct sites *sites = calloc(1, sizeof(*sites));
    if (sites == NULL) {
        return err_set_errno(err, ENOMEM, "cannot read sites");
    }
    sites->trace = trace;
    sites->process_id = selection->process_id;
    int result = 0;
    if (selection->is_part_of_run) {
        sites->key_set = key_set & BLOCK_KEYS;
        const struct block_selection blocks = {selection->thread_ids, selection->from_ns,
                                               selection->to_ns};
        result = query_block_sites(trace->db, &blocks, take_block_site, sites, err);
    } else {
        sites->key_set = key_set & ~unknown_keys(selection);
        /* Nothing asked for still means that a selection of sites can be counted. */
        bool is_idle = key_set == 0 && !selection_has_frames(selection);
        result = is_idle ? 0 : load_whole_run(sites, within, err);
    }
    if (result == 0 && selection_has_frames(selection)) {
        result = keep_matches(sites, selection, err);
    }
    if (result < 0) {
        sites_destroy(sites);
        return result;
    }
    for (size_t key = 0; key < SITE_KEY_COUNT_ALL; key++) {
        for (size_t i = 0; i < sites->count && sites->values[key] != NULL; i++) {
            sites->totals[key] += sites->values[key][i];
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
    return sites->stack_ids[place];
}

bool sites_has_key(const struct sites *sites, enum site_key key)
{
    return (sites->key_set & SITE_KEY_BIT(key)) != 0;
}

uint64_t sites_value(const struct sites *sites, size_t place, enum site_key key)
{
    return sites->values[key] != NULL ? sites->values[key][place] : 0;
}

void sites_reduce(struct sites *sites, size_t place, enum site_key key, uint64_t by)
{
    if (sites->values[key] != NULL) {
        uint64_t *value = &sites->values[key][place];
        by = by < *value ? by : *value;
        *value -= by;
        sites->totals[key] -= by;
    }
}

uint64_t sites_total(const struct sites *sites, enum site_key key)
{
    return sites_has_key(sites, key) ? sites->totals[key] : 0;
}

int sites_read(struct sites *sites, size_t place, struct site_row *out_row, struct err *err)
{
    if (sites->block_rows != NULL) {
        *out_row = sites->block_rows[place];
        return 0;
    }
    return query_site(sites->trace->db, sites->process_id, sites->stack_ids[place], out_row, err);
}

void sites_destroy(struct sites *sites)
{
    if (sites == NULL) {
        return;
    }
    free(sites->stack_ids);
    for (size_t key = 0; key < SITE_KEY_COUNT_ALL; key++) {
        free(sites->values[key]);
    }
    free(sites->block_rows);
    free(sites);
}
