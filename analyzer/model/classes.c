#include "classes.h"

#include <stdbool.h>
#include <stdlib.h>

#include "../base/vec.h"

static int take_size_class(void *context, const struct size_class_row *row)
{
    struct class_table *classes = context;
    int result = vec_reserve((void **)&classes->rows, &classes->capacity, classes->count + 1,
                             sizeof(*classes->rows));
    if (result < 0) {
        return result;
    }
    classes->rows[classes->count++] = *row;
    classes->allocation_count += row->allocation_count;
    classes->allocated_bytes += row->allocated_bytes;
    return 0;
}

static int compare_classes(const void *left, const void *right)
{
    const struct size_class_row *a = left;
    const struct size_class_row *b = right;
    if (a->allocation_count != b->allocation_count) {
        return a->allocation_count > b->allocation_count ? -1 : 1;
    }
    return (a->size_min_bytes > b->size_min_bytes) - (a->size_min_bytes < b->size_min_bytes);
}

int class_table_load(struct db *db, uint32_t process_id, struct class_table *out_classes,
                     struct err *err)
{
    struct class_table classes = {0};
    int result = query_size_classes(db, process_id, take_size_class, &classes, err);
    if (result < 0) {
        class_table_fini(&classes);
        return result;
    }
    if (classes.count > 0) {
        qsort(classes.rows, classes.count, sizeof(*classes.rows), compare_classes);
    }
    *out_classes = classes;
    return 0;
}

void class_table_fini(struct class_table *classes)
{
    free(classes->rows);
    *classes = (struct class_table){0};
}

/* Powers of two, as the recorded classes are: about 1 us, 10 us, 0.1 ms ... 10 s. */
static const uint64_t group_bounds_ns[] = {
    UINT64_C(1) << 10, UINT64_C(1) << 13, UINT64_C(1) << 17, UINT64_C(1) << 20,
    UINT64_C(1) << 23, UINT64_C(1) << 27, UINT64_C(1) << 30, UINT64_C(1) << 33,
};

static void find_group(uint64_t lifetime_ns, struct lifetime_group *group)
{
    group->lifetime_min_ns = 0;
    group->lifetime_end_ns = UINT64_MAX;
    for (size_t i = 0; i < sizeof(group_bounds_ns) / sizeof(group_bounds_ns[0]); i++) {
        if (lifetime_ns < group_bounds_ns[i]) {
            group->lifetime_end_ns = group_bounds_ns[i];
            return;
        }
        group->lifetime_min_ns = group_bounds_ns[i];
    }
}

/* Rows come shortest first, so a row falls into the last group or into a new one. */
static int take_lifetime_class(void *context, const struct lifetime_class_row *row)
{
    struct lifetime_groups *groups = context;
    struct lifetime_group group = {0};
    find_group(row->lifetime_min_ns, &group);
    bool is_new = groups->count == 0 ||
                  groups->rows[groups->count - 1].lifetime_min_ns != group.lifetime_min_ns;
    if (is_new) {
        int result = vec_reserve((void **)&groups->rows, &groups->capacity, groups->count + 1,
                                 sizeof(*groups->rows));
        if (result < 0) {
            return result;
        }
        groups->rows[groups->count++] = group;
    }
    groups->rows[groups->count - 1].free_count += row->free_count;
    groups->rows[groups->count - 1].freed_bytes += row->freed_bytes;
    groups->free_count += row->free_count;
    return 0;
}

int lifetime_groups_load(struct db *db, uint32_t process_id, struct lifetime_groups *out_groups,
                         struct err *err)
{
    struct lifetime_groups groups = {0};
    int result = query_lifetime_classes(db, process_id, take_lifetime_class, &groups, err);
    if (result < 0) {
        lifetime_groups_fini(&groups);
        return result;
    }
    *out_groups = groups;
    return 0;
}

void lifetime_groups_fini(struct lifetime_groups *groups)
{
    free(groups->rows);
    *groups = (struct lifetime_groups){0};
}
