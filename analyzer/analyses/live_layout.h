/*
 * live_layout.h - how the live blocks lay at one moment: the holes between them, and what would be
 * left without the blocks of a site.
 *
 * Reads the rows of the blocks that were live then once more, sorted by address (SQLite sorts, with
 * files of its own), so memory does not grow with them. Single thread.
 */
#ifndef ALLOCAUDIT_LIVE_LAYOUT_H
#define ALLOCAUDIT_LIVE_LAYOUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../base/err.h"
#include "../db/query_block.h"
#include "../model/memory_moments.h"

enum {
    LAYOUT_SIZES = 4,
    LAYOUT_SITES_MAX = 16,
};

struct layout_request {
    uint64_t at_ns;
    uint64_t header_bytes; /* before each block */
    const struct resident_row
        *ranges; /* holes lie in resident pages; NULL: between blocks anywhere */
    size_t range_count;
    uint64_t sizes[LAYOUT_SIZES]; /* requests that might be served from holes */
    uint32_t stack_ids[LAYOUT_SITES_MAX];
    size_t site_count;
    uint64_t below_address; /* 0, or: the highest block below it is wanted */
};

struct live_layout {
    uint64_t block_count;
    uint64_t page_count; /* with a live block */
    uint64_t hole_count;
    uint64_t hole_bytes; /* free between blocks */
    uint64_t hole_largest_bytes;
    uint64_t too_small_bytes[LAYOUT_SIZES];   /* in holes smaller than that request */
    uint64_t pages_without[LAYOUT_SITES_MAX]; /* left if the site's blocks are taken away */
    struct block_facts highest;               /* below below_address; id 0: none */
};

/* Returns 0 or a negative errno. */
int live_layout_read(struct db *db, uint32_t process_id, const struct layout_request *request,
                     struct live_layout *out_layout, struct err *err);

#endif
