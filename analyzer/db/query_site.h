/*
 * query_site.h - what call stacks did: the tables site and temporary, and block for a part of the
 * run.
 *
 * Sinks and results as in query_run.h. A process_id of 0 stands for all processes.
 */
#ifndef ALLOCAUDIT_QUERY_SITE_H
#define ALLOCAUDIT_QUERY_SITE_H

#include <stddef.h>
#include <stdint.h>

#include "open.h"

/* The columns of `site` that sites are ranked by; the table is too wide to read it all for that. */
enum site_column {
    SITE_COLUMN_ALLOCATION_COUNT,
    SITE_COLUMN_ALLOCATED_BYTES,
    SITE_COLUMN_PEAK_BYTES,
    SITE_COLUMN_TIME_NS,
    SITE_COLUMN_LEAKED_COUNT,
    SITE_COLUMN_LEAKED_BYTES,
    SITE_COLUMN_FAILED_COUNT,
    SITE_COLUMN_LIVE_BYTES_MAX,
    SITE_COLUMN_REALLOC_COUNT,
    SITE_COLUMN_REALLOC_MOVED_BYTES,
    SITE_COLUMN_LARGE_SHORT_LIVED_COUNT,
    SITE_COLUMN_LARGE_SHORT_LIVED_BYTES,
    SITE_COLUMN_COUNT /* how many there are */
};

/* Figures of one stack, summed over processes (a _max is the largest, a _min the smallest). */
struct site_row {
    uint32_t stack_id;
    char kind[20];
    uint64_t process_count;
    uint64_t allocation_count;
    uint64_t allocated_bytes;
    uint64_t usable_bytes;
    uint64_t free_count;
    uint64_t failed_count;
    uint64_t size_min_bytes;
    uint64_t size_max_bytes;
    uint64_t live_count_max;
    uint64_t live_bytes_max;
    uint64_t peak_count;
    uint64_t peak_bytes;
    uint64_t leaked_count;
    uint64_t leaked_bytes;
    uint64_t time_ns;
    uint64_t timed_count;
    uint64_t lifetime_sum_ns;
    uint64_t lifetime_max_ns;
    uint64_t remote_free_count;
    uint64_t realloc_count;
    uint64_t realloc_moved_count;
    uint64_t realloc_moved_bytes;
    uint64_t realloc_chain_max;
    uint64_t large_short_lived_count;
    uint64_t large_short_lived_bytes;
    uint64_t allocation_count_stderr; /* these are 0 unless the run was sampled */
    uint64_t allocated_bytes_stderr;
    uint64_t leaked_count_stderr;
    uint64_t leaked_bytes_stderr;
};

/* Which blocks: those of the given threads that were born in [from_ns, to_ns). */
struct block_selection {
    const char *thread_ids; /* a JSON array of thread.id; NULL: all */
    uint64_t from_ns;
    uint64_t to_ns;
};

/* values[] stand in the order of the columns asked for. Rows come by process, then by stack. */
typedef int site_rank_sink(void *context, uint32_t stack_id, const uint64_t *values);
typedef int site_sink(void *context, const struct site_row *row);
typedef int temporary_sink(void *context, uint32_t stack_id, uint64_t free_count);

int query_site_ranks(struct db *db, uint32_t process_id, const enum site_column *columns,
                     size_t column_count, site_rank_sink *sink, void *context, struct err *err);

/* Fills *out_row, zeroed but for stack_id where that stack allocated nothing itself. */
int query_site(struct db *db, uint32_t process_id, uint32_t stack_id, struct site_row *out_row,
               struct err *err);

/*
 * The same figures counted anew from the blocks selected, a row per stack, by stack. Fields that
 * blocks cannot tell (failed, live, peak, time, moved, chain) are 0. Reads every block of the
 * recording.
 */
int query_block_sites(struct db *db, const struct block_selection *selection, site_sink *sink,
                      void *context, struct err *err);

/* Temporary allocations by stack and process: rows of `temporary` with within < `within`, summed.
 */
int query_temporary(struct db *db, uint32_t process_id, uint64_t within, temporary_sink *sink,
                    void *context, struct err *err);

#endif
