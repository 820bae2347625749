/*
 * heap_map.h - a picture of the heap: address by time, each cell the share of its bytes that live
 * blocks take.
 *
 * A column is the state at the end of its slice of time. Addresses where no block ever lay in any
 * column are left out where a gap is longer than a row, so that far regions stand side by side:
 * rows are equal parts of what is left. Memory is bounded: where there would be too many cells they
 * grow. Single thread.
 */
#ifndef ALLOCAUDIT_HEAP_MAP_H
#define ALLOCAUDIT_HEAP_MAP_H

#include <stddef.h>
#include <stdint.h>

#include "page_map.h"

enum {
    HEAP_MAP_COLUMNS = 64,
    HEAP_MAP_ROWS = 48, /* at most */
};

struct heap_map; /* opaque: what was seen so far */

/* The picture. Row 0 holds the lowest addresses. */
struct heap_picture {
    uint64_t address_min;
    uint64_t address_max; /* exclusive */
    uint64_t at_ns_min;
    uint64_t at_ns_max;
    uint64_t row_bytes;     /* of addresses in a row */
    uint64_t skipped_bytes; /* of addresses between address_min and address_max */
    size_t columns;
    size_t rows;                                     /* 0: nothing was ever live */
    uint64_t row_addresses[HEAP_MAP_ROWS];           /* where each begins */
    uint8_t cells[HEAP_MAP_ROWS * HEAP_MAP_COLUMNS]; /* [row * columns + column] */
};

/* NULL: out of memory. */
struct heap_map *heap_map_create(uint64_t at_ns_min, uint64_t at_ns_max);

/* Before a call at now_ns: takes the columns that have ended. Returns 0 or -ENOMEM. */
int heap_map_observe(struct heap_map *heap_map, const struct page_map *pages, uint64_t now_ns);

/* True if heap_map_observe() would take a column. */
bool heap_map_is_due(const struct heap_map *heap_map, uint64_t now_ns);

/* After the last call: takes the rest, and paints. Returns 0 or -ENOMEM. */
int heap_map_paint(struct heap_map *heap_map, const struct page_map *pages,
                   struct heap_picture *out_picture);

/* NULL is fine. */
void heap_map_destroy(struct heap_map *heap_map);

#endif
