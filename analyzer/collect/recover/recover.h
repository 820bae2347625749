/*
 * recover.h - completes a recording whose collector was killed, from what it left behind.
 *
 * Nothing is changed for good before everything is there: rows that were in no table yet are sealed
 * first, then one transaction adds the rest; a recovery that fails can be repeated. Nothing at all
 * is touched while the collector lives: its lock on the file (writer_lock.h) is taken first.
 */
#ifndef ALLOCAUDIT_RECOVER_H
#define ALLOCAUDIT_RECOVER_H

#include <stdbool.h>
#include <stdint.h>

#include "../../base/err.h"
#include "../tables/store.h"

struct recover_result {
    bool is_complete_already; /* nothing had to be done */
    bool is_ring_lost;      /* rows were all that was left: no names, no threads, no live blocks */
    bool is_journal_cut;    /* the same for the end of the recording */
    bool is_sites_only;     /* --detail sites: what had been freed before the kill is not counted */
    bool is_go;             /* a Go program: its own heap is known up to the last reading */
    uint64_t gc_count;      /* garbage collections that are kept */
    uint64_t reading_count; /* of its memory profile */
    uint64_t missing_live_count; /* processes whose live blocks could not be read */
    uint64_t row_count;          /* rows in the table when done */
    uint64_t unread_count;       /* events that the collector had not come to */
    uint32_t running_count;      /* processes that still run, unrecorded from now on */
};

/*
 * Returns 0; -EBUSY while the collector lives; or another negative errno, and then the file is as
 * good as it was.
 */
int recover_file(const char *path, const struct store_finish_options *options,
                 struct recover_result *out_result, struct err *err);

#endif
