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

/* The figures of `site`, in the order of its columns, and how those of several processes become
 * one. */
#define SITE_FIGURES(X)                                                                            \
    X(allocation_count, sum)                                                                       \
    X(allocated_bytes, sum)                                                                        \
    X(usable_bytes, sum)                                                                           \
    X(free_count, sum)                                                                             \
    X(failed_count, sum)                                                                           \
    X(size_min_bytes, min)                                                                         \
    X(size_max_bytes, max)                                                                         \
    X(live_count_max, sum)                                                                         \
    X(live_bytes_max, sum)                                                                         \
    X(peak_count, sum)                                                                             \
    X(peak_bytes, sum)                                                                             \
    X(leaked_count, sum)                                                                           \
    X(leaked_bytes, sum)                                                                           \
    X(time_ns, sum)                                                                                \
    X(timed_count, sum)                                                                            \
    X(lifetime_sum_ns, sum)                                                                        \
    X(lifetime_max_ns, max)                                                                        \
    X(remote_free_count, sum)                                                                      \
    X(realloc_count, sum)                                                                          \
    X(realloc_moved_count, sum)                                                                    \
    X(realloc_moved_bytes, sum)                                                                    \
    X(realloc_chain_max, max)                                                                      \
    X(large_short_lived_count, sum)                                                                \
    X(large_short_lived_bytes, sum)

/* Their standard errors, of which the squares are summed; 0 unless the run was sampled. */
#define SITE_STDERRS(X)                                                                            \
    X(allocation_count_stderr, squares)                                                            \
    X(allocated_bytes_stderr, squares)                                                             \
    X(leaked_count_stderr, squares)                                                                \
    X(leaked_bytes_stderr, squares)

/* Figures of one stack in one process, or in all of them. */
struct site_row {
    uint32_t process_id; /* 0: summed over process_count of them */
    uint32_t stack_id;
    char kind[20];
    uint64_t process_count;
#define X(name, how) uint64_t name;
    SITE_FIGURES(X)
    SITE_STDERRS(X)
#undef X
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

/* All figures, a row per process and stack, in that order. */
int query_sites(struct db *db, uint32_t process_id, site_sink *sink, void *context,
                struct err *err);

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
