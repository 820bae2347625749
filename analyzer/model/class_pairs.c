#include "class_pairs.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "../base/vec.h"
#include "classes.h"

/* Rows of one side, while they are read. */
struct pair_reader {
    struct class_pairs *pairs;
    enum recording_side side;
};

static int out_of_memory(struct err *err)
{
    return err_set_errno(err, ENOMEM, "cannot compare");
}

/* Adds to the class of that name and beginning, which is made if it is not there. */
static int add_class(struct class_pairs *pairs, const struct class_pair *key,
                     enum recording_side side, uint64_t value)
{
    for (size_t i = 0; i < pairs->count; i++) {
        struct class_pair *pair = &pairs->rows[i];
        bool is_same_name = key->name == NULL || strcmp(key->name, pair->name) == 0;
        if (is_same_name && pair->min == key->min) {
            pair->values[side] += value;
            return 0;
        }
    }
    if (vec_reserve((void **)&pairs->rows, &pairs->capacity, pairs->count + 1,
                    sizeof(*pairs->rows)) < 0) {
        return -ENOMEM;
    }
    struct class_pair pair = {.min = key->min, .end = key->end};
    pair.name = key->name != NULL ? strdup(key->name) : NULL;
    pair.values[side] = value;
    if (key->name != NULL && pair.name == NULL) {
        return -ENOMEM;
    }
    pairs->rows[pairs->count++] = pair;
    return 0;
}

int64_t class_pair_change(const struct class_pair *pair)
{
    return (int64_t)pair->values[SIDE_NEW] - (int64_t)pair->values[SIDE_OLD];
}

static int compare_changes(const void *left, const void *right)
{
    const struct class_pair *a = left;
    const struct class_pair *b = right;
    int64_t a_change = llabs(class_pair_change(a));
    int64_t b_change = llabs(class_pair_change(b));
    if (a_change != b_change) {
        return a_change > b_change ? -1 : 1;
    }
    return (a->min > b->min) - (a->min < b->min);
}

static int compare_places(const void *left, const void *right)
{
    const struct class_pair *a = left;
    const struct class_pair *b = right;
    if (a->name != NULL) {
        return strcmp(a->name, b->name);
    }
    return (a->min > b->min) - (a->min < b->min);
}

static int finish(struct class_pairs *pairs, int (*compare)(const void *, const void *), int result,
                  struct class_pairs *out_pairs)
{
    if (result < 0) {
        class_pairs_fini(pairs);
        return result;
    }
    if (pairs->count > 1) {
        qsort(pairs->rows, pairs->count, sizeof(*pairs->rows), compare);
    }
    *out_pairs = *pairs;
    return 0;
}

int size_pairs_load(const struct matched_side sides[SIDE_COUNT], struct class_pairs *out_pairs,
                    struct err *err)
{
    struct class_pairs pairs = {0};
    int result = 0;
    for (unsigned side = 0; side < SIDE_COUNT && result == 0; side++) {
        struct class_table classes = {0};
        result = class_table_load(sides[side].trace->db, sides[side].selection->process_id,
                                  &classes, err);
        for (size_t i = 0; i < classes.count && result == 0; i++) {
            const struct size_class_row *row = &classes.rows[i];
            const struct class_pair key = {.min = row->size_min_bytes, .end = row->size_max_bytes};
            if (add_class(&pairs, &key, (enum recording_side)side, row->allocation_count) < 0) {
                result = out_of_memory(err);
            }
        }
        class_table_fini(&classes);
    }
    return finish(&pairs, compare_changes, result, out_pairs);
}

int lifetime_pairs_load(const struct matched_side sides[SIDE_COUNT], struct class_pairs *out_pairs,
                        struct err *err)
{
    struct class_pairs pairs = {0};
    int result = 0;
    for (unsigned side = 0; side < SIDE_COUNT && result == 0; side++) {
        struct lifetime_groups groups = {0};
        result = lifetime_groups_load(sides[side].trace->db, sides[side].selection->process_id,
                                      &groups, err);
        for (size_t i = 0; i < groups.count && result == 0; i++) {
            const struct lifetime_group *row = &groups.rows[i];
            const struct class_pair key = {.min = row->lifetime_min_ns,
                                           .end = row->lifetime_end_ns};
            if (add_class(&pairs, &key, (enum recording_side)side, row->free_count) < 0) {
                result = out_of_memory(err);
            }
        }
        lifetime_groups_fini(&groups);
    }
    return finish(&pairs, compare_places, result, out_pairs);
}

static int take_counter(void *context, const struct counter_row *row)
{
    const struct pair_reader *reader = context;
    const struct class_pair key = {.name = (char *)row->name};
    return add_class(reader->pairs, &key, reader->side, row->value);
}

int counter_pairs_load(const struct matched_side sides[SIDE_COUNT], struct class_pairs *out_pairs,
                       struct err *err)
{
    struct class_pairs pairs = {0};
    int result = 0;
    for (unsigned side = 0; side < SIDE_COUNT && result == 0; side++) {
        struct pair_reader reader = {&pairs, (enum recording_side)side};
        result = query_counters(sides[side].trace->db, sides[side].selection->process_id,
                                take_counter, &reader, err);
        if (result == -ENOMEM) {
            (void)out_of_memory(err);
        }
    }
    return finish(&pairs, compare_places, result, out_pairs);
}

void class_pairs_fini(struct class_pairs *pairs)
{
    for (size_t i = 0; i < pairs->count; i++) {
        free(pairs->rows[i].name);
    }
    free(pairs->rows);
    *pairs = (struct class_pairs){0};
}
