/*
 * classes.h - blocks by requested size and by lifetime.
 */
#ifndef ALLOCAUDIT_CLASSES_H
#define ALLOCAUDIT_CLASSES_H

#include <stddef.h>
#include <stdint.h>

#include "../base/err.h"
#include "../db/query_class.h"

struct class_table {
    struct size_class_row *rows;
    size_t count;
    size_t capacity;
    uint64_t allocation_count; /* of all rows */
    uint64_t allocated_bytes;
};

/* Blocks that lived at least lifetime_min_ns and less than lifetime_end_ns. */
struct lifetime_group {
    uint64_t lifetime_min_ns;
    uint64_t lifetime_end_ns; /* UINT64_MAX: no bound */
    uint64_t free_count;
    uint64_t freed_bytes;
};

struct lifetime_groups {
    struct lifetime_group *rows; /* shortest first, without empty ones */
    size_t count;
    size_t capacity;
    uint64_t free_count; /* of all rows */
};

/* Most allocations first, ties by size. A process_id of 0: all. */
int class_table_load(struct db *db, uint32_t process_id, struct class_table *out_classes,
                     struct err *err);
void class_table_fini(struct class_table *classes);

/* The recorded classes double; three or four of them make a group, so that a group spans about a
 * factor of ten. */
int lifetime_groups_load(struct db *db, uint32_t process_id, struct lifetime_groups *out_groups,
                         struct err *err);
void lifetime_groups_fini(struct lifetime_groups *groups);

#endif
