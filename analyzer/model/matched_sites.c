#include "matched_sites.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>

#include "../base/vec.h"

#define MARGIN_ERRORS 1.96 /* standard errors to each side that hold 95 of 100 true values */

/* While pairs are made: which one a path has. */
struct matcher {
    struct matched_sites *matched;
    uint32_t *pair_of_path; /* its place + 1; 0: none yet */
    size_t pair_capacity;
};

/* Of one recording, while it is read. */
struct side_stacks {
    struct stack_tree *tree;
    struct frame_table *frames;
    uint32_t *path_ids;
};

static const enum site_key keys_of_sampled[SAMPLED_FIGURE_COUNT] = {
    [SAMPLED_COUNT] = SITE_KEY_COUNT,
    [SAMPLED_BYTES] = SITE_KEY_BYTES,
    [SAMPLED_LEAKED] = SITE_KEY_LEAKED,
    [SAMPLED_LEAKED_COUNT] = SITE_KEY_LEAKED_COUNT,
};

enum sampled_figure sampled_figure_of(enum site_key key)
{
    unsigned figure = 0;
    while (figure < SAMPLED_FIGURE_COUNT && keys_of_sampled[figure] != key) {
        figure++;
    }
    return (enum sampled_figure)figure;
}

static void side_stacks_fini(struct side_stacks *stacks)
{
    free(stacks->path_ids);
    frame_table_destroy(stacks->frames);
    stack_tree_destroy(stacks->tree);
}

static int load_stacks(struct function_paths *paths, const struct trace *trace,
                       const struct trace *other, struct side_stacks *stacks, struct err *err)
{
    int result = stack_tree_load(trace->db, &stacks->tree, err);
    if (result == 0) {
        result = frame_table_load(trace->db, &stacks->frames, err);
    }
    if (result == 0) {
        result = function_paths_add(paths, trace, stacks->tree, stacks->frames, other,
                                    &stacks->path_ids, err);
    }
    return result;
}

/* The pair of a path, made if need be. NULL: no memory. */
static struct site_pair *find_pair(struct matcher *matcher, uint32_t path_id)
{
    struct matched_sites *matched = matcher->matched;
    if (matcher->pair_of_path[path_id] == 0) {
        if (vec_reserve((void **)&matched->pairs, &matcher->pair_capacity, matched->count + 1,
                        sizeof(*matched->pairs)) < 0) {
            return NULL;
        }
        matched->pairs[matched->count++] = (struct site_pair){.path_id = path_id};
        matcher->pair_of_path[path_id] = (uint32_t)matched->count;
    }
    return &matched->pairs[matcher->pair_of_path[path_id] - 1];
}

/* The errors of a sample stand in rows that ranking does not read. */
static int add_variances(struct sites *sites, size_t place, struct path_figures *figures,
                         struct err *err)
{
    struct site_row row;
    int result = sites_read(sites, place, &row, err);
    if (result < 0) {
        return result;
    }
    const uint64_t errors[SAMPLED_FIGURE_COUNT] = {
        [SAMPLED_COUNT] = row.allocation_count_stderr,
        [SAMPLED_BYTES] = row.allocated_bytes_stderr,
        [SAMPLED_LEAKED] = row.leaked_bytes_stderr,
        [SAMPLED_LEAKED_COUNT] = row.leaked_count_stderr,
    };
    for (unsigned i = 0; i < SAMPLED_FIGURE_COUNT; i++) {
        figures->variances[i] += (double)errors[i] * (double)errors[i];
    }
    return 0;
}

static int add_site(struct sites *sites, size_t place, bool is_sample, struct path_figures *figures,
                    struct err *err)
{
    for (unsigned key = 0; key < SITE_KEY_COUNT_ALL; key++) {
        figures->values[key] += sites_value(sites, place, (enum site_key)key);
    }
    uint64_t count = sites_value(sites, place, SITE_KEY_COUNT);
    if (figures->stack_count == 0 || count > figures->stack_allocation_count) {
        figures->stack_id = sites_stack_id(sites, place);
        figures->stack_allocation_count = count;
    }
    figures->stack_count++;
    return is_sample ? add_variances(sites, place, figures, err) : 0;
}

static int add_side(struct matcher *matcher, const struct matched_side *side,
                    enum recording_side which, const struct side_stacks *stacks, struct err *err)
{
    struct matched_sites *matched = matcher->matched;
    struct sites *sites = NULL;
    int result = sites_load(side->trace, side->selection, SITE_KEY_BIT(SITE_KEY_COUNT_ALL) - 1, 1,
                            &sites, err);
    if (result < 0) {
        return result;
    }
    bool is_sample = side->selection->is_sample;
    for (size_t place = 0; place < sites_count(sites) && result == 0; place++) {
        size_t stack = stack_tree_find(stacks->tree, sites_stack_id(sites, place));
        if (stack == STACK_TREE_NONE) {
            result = err_set(err, EBADMSG, "cannot read '%s': damaged: there is no stack %u",
                             db_path(side->trace->db), sites_stack_id(sites, place));
            break;
        }
        struct site_pair *pair = find_pair(matcher, stacks->path_ids[stack]);
        if (pair == NULL) {
            result = err_set_errno(err, ENOMEM, "cannot compare");
            break;
        }
        result = add_site(sites, place, is_sample, &pair->sides[which], err);
        if (result == 0) {
            result = add_site(sites, place, is_sample, &matched->totals[which], err);
        }
    }
    for (unsigned key = 0; key < SITE_KEY_COUNT_ALL; key++) {
        if (!sites_has_key(sites, (enum site_key)key)) {
            matched->key_set &= ~SITE_KEY_BIT(key);
        }
    }
    sites_destroy(sites);
    return result;
}

int matched_sites_load(const struct matched_side sides[SIDE_COUNT],
                       struct matched_sites *out_matched, struct err *err)
{
    struct matched_sites matched = {.key_set = SITE_KEY_BIT(SITE_KEY_COUNT_ALL) - 1};
    struct matcher matcher = {.matched = &matched};
    struct side_stacks stacks[SIDE_COUNT] = {0};
    int result = function_paths_create(&matched.paths, err);
    for (unsigned side = 0; side < SIDE_COUNT && result == 0; side++) {
        result = load_stacks(matched.paths, sides[side].trace, sides[1 - side].trace, &stacks[side],
                             err);
    }
    if (result == 0) {
        matcher.pair_of_path =
            calloc(function_paths_count(matched.paths), sizeof(*matcher.pair_of_path));
        result = matcher.pair_of_path == NULL ? err_set_errno(err, ENOMEM, "cannot compare") : 0;
    }
    for (unsigned side = 0; side < SIDE_COUNT && result == 0; side++) {
        result = add_side(&matcher, &sides[side], (enum recording_side)side, &stacks[side], err);
    }
    for (unsigned side = 0; side < SIDE_COUNT; side++) {
        side_stacks_fini(&stacks[side]);
    }
    free(matcher.pair_of_path);
    if (result < 0) {
        matched_sites_fini(&matched);
        return result;
    }
    *out_matched = matched;
    return 0;
}

int64_t site_pair_change(const struct site_pair *pair, enum site_key key)
{
    return (int64_t)pair->sides[SIDE_NEW].values[key] - (int64_t)pair->sides[SIDE_OLD].values[key];
}

double site_pair_margin(const struct path_figures sides[SIDE_COUNT], enum site_key key)
{
    enum sampled_figure figure = sampled_figure_of(key);
    if (figure == SAMPLED_FIGURE_COUNT) {
        return 0;
    }
    return MARGIN_ERRORS *
           sqrt(sides[SIDE_OLD].variances[figure] + sides[SIDE_NEW].variances[figure]);
}

static uint64_t size_of_change(const struct site_pair *pair, enum site_key key)
{
    int64_t change = site_pair_change(pair, key);
    return change < 0 ? (uint64_t)-change : (uint64_t)change;
}

/* qsort() hands no context on: the key by which pairs are sorted is theirs, too. */
static int compare_pairs(const void *left, const void *right)
{
    const struct site_pair *a = left;
    const struct site_pair *b = right;
    if (a->sort_value != b->sort_value) {
        return a->sort_value > b->sort_value ? -1 : 1;
    }
    return (a->path_id > b->path_id) - (a->path_id < b->path_id);
}

size_t matched_sites_sort(struct matched_sites *matched, enum site_key key)
{
    size_t changed_count = 0;
    for (size_t i = 0; i < matched->count; i++) {
        matched->pairs[i].sort_value = size_of_change(&matched->pairs[i], key);
        changed_count += matched->pairs[i].sort_value > 0 ? 1 : 0;
    }
    if (matched->count > 1) {
        qsort(matched->pairs, matched->count, sizeof(*matched->pairs), compare_pairs);
    }
    return changed_count;
}

void matched_sites_fini(struct matched_sites *matched)
{
    function_paths_destroy(matched->paths);
    free(matched->pairs);
    *matched = (struct matched_sites){0};
}
