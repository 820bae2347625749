/*
 * query_leak.h - which blocks that were live at the end could still be reached: the table
 * site_leak and process.leak_check.
 *
 * Sinks and results as in query_run.h. A process_id of 0 stands for all processes. Recordings of
 * older versions have neither: then nothing is told.
 */
#ifndef ALLOCAUDIT_QUERY_LEAK_H
#define ALLOCAUDIT_QUERY_LEAK_H

#include <stdbool.h>
#include <stdint.h>

#include "../../schema/leak_kind.h"
#include "open.h"

struct site_leak_row {
    uint32_t stack_id;
    enum leak_kind kind;
    uint64_t leaked_count;
    uint64_t leaked_bytes;
};

typedef int site_leak_sink(void *context, const struct site_leak_row *row);
typedef int leaked_block_sink(void *context, uint64_t id, enum leak_kind kind);
typedef int leak_check_sink(void *context, const char *leak_check, uint64_t process_count,
                            uint64_t leaked_count);

/* The kind of that word; LEAK_UNKNOWN for any other. */
enum leak_kind query_leak_kind(const char *word);

/* By stack, summed over the processes. */
int query_site_leaks(struct db *db, uint32_t process_id, site_leak_sink *sink, void *context,
                     struct err *err);

/* The blocks that were live at the end. Reads all rows of blocks: 5 million a second. */
int query_leaked_blocks(struct db *db, uint32_t process_id, leaked_block_sink *sink, void *context,
                        struct err *err);

/* Whether any process was to be looked at, so that kinds are told where blocks were left. */
int query_leak_is_checked(struct db *db, bool *out_is_checked, struct err *err);

/* How many of the processes with leaked blocks were looked at, or why not, and their blocks. */
int query_leak_checks(struct db *db, uint32_t process_id, leak_check_sink *sink, void *context,
                      struct err *err);

#endif
