/*
 * pair_costs.h - what a pair of an allocation and a free costs on this machine, by allocator and
 * size, and what a block takes of memory, as it was measured (replay/pair_calibration.h). No state.
 */
#ifndef ALLOCAUDIT_PAIR_COSTS_H
#define ALLOCAUDIT_PAIR_COSTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "block_costs.h"

enum pair_cost_kind {
    PAIR_COST_STOCK,  /* glibc, jemalloc ..., or the library that served the recorded program */
    PAIR_COST_POLICY, /* the pool of interposer/policy/, put into the program by `run --policy` */
    PAIR_COST_LIST,   /* a list of free blocks in the program's own code: a pool at its best */
};

enum {
    PAIR_COST_SIZES = 9,
    PAIR_COST_NAME_BYTES = 64,
    PAIR_COST_ROWS_MAX = 8,
};

/* Measured sizes: 16, 32 ... 4096 bytes. */
static inline uint64_t pair_cost_size(size_t place)
{
    return UINT64_C(16) << place;
}

/* Of several runs. */
struct pair_cost {
    double median_ns;
    double low_ns;
    double high_ns;
};

struct pair_cost_row {
    char name[PAIR_COST_NAME_BYTES];
    enum pair_cost_kind kind;
    bool is_in_use; /* it served the recorded program */
    struct pair_cost costs[PAIR_COST_SIZES];
    struct block_costs blocks; /* not measured of a list */
};

struct pair_costs {
    struct pair_cost_row rows[PAIR_COST_ROWS_MAX]; /* of those that could be measured */
    size_t count;
    uint32_t run_count; /* of each */
};

/* For blocks of that size: as measured for the next larger size. NULL: larger than what was. */
const struct pair_cost *pair_cost_of(const struct pair_cost_row *row, uint64_t size_bytes);

/* The row that served the program, or the row of that kind; NULL: it was not measured. */
const struct pair_cost_row *pair_costs_in_use(const struct pair_costs *costs);
const struct pair_cost_row *pair_costs_of_kind(const struct pair_costs *costs,
                                               enum pair_cost_kind kind);

/* The cheapest stock allocator for blocks of that size. NULL: none, or the size is too large. */
const struct pair_cost_row *pair_costs_best_stock(const struct pair_costs *costs,
                                                  uint64_t size_bytes);

#endif
