/*
 * query_block.h - the blocks of one process, row by row: when they were born, when they died, and
 * which went on as another.
 *
 * Unlike the other queries these are pulled, so that a caller can merge them: a cursor per query.
 * Memory stays bounded whatever the length of the recording; where rows must be sorted, SQLite
 * does it, with files of its own. Mappings (mmap, mremap, brk) and the recorder's own blocks are
 * left out. Single thread.
 */
#ifndef ALLOCAUDIT_QUERY_BLOCK_H
#define ALLOCAUDIT_QUERY_BLOCK_H

#include <stdint.h>

#include "../../schema/event.h"
#include "open.h"

/* A block, as it was while it lived. */
struct block_facts {
    uint64_t id;
    uint64_t born_ns;
    uint64_t address;
    uint64_t size_bytes; /* requested */
    uint64_t usable_bytes;
    uint32_t stack_id;
    uint32_t thread_id; /* that allocated it */
};

struct block_birth {
    struct block_facts block;
    uint64_t alignment;     /* 0: the allocator's own choice */
    uint64_t realloc_of_id; /* 0: a new block */
    enum alloc_kind kind;
};

struct block_death {
    struct block_facts block;
    uint64_t died_ns;
    uint32_t thread_id; /* that freed it */
};

struct block_cursor; /* opaque */

/* Births by time, at one time by id. Returns 0 and *out_cursor is the caller's, or a negative
 * errno. */
int block_births_open(struct db *db, uint32_t process_id, struct block_cursor **out_cursor,
                      struct err *err);

/* Deaths in the order in which they were seen, which is by id; blocks that live on have none. */
int block_deaths_open(struct db *db, uint32_t process_id, struct block_cursor **out_cursor,
                      struct err *err);

/* The ids that rows of any process name in realloc_of_id, ascending. */
int block_links_open(struct db *db, struct block_cursor **out_cursor, struct err *err);

/* The blocks that were live at a time (born then or before, and dying after it), by address. */
int block_lives_open(struct db *db, uint32_t process_id, uint64_t at_ns,
                     struct block_cursor **out_cursor, struct err *err);

/* The next row of a cursor of that kind. 1: there is one; 0: no more; else a negative errno. */
int block_cursor_birth(struct block_cursor *cursor, struct block_birth *out_birth, struct err *err);
int block_cursor_death(struct block_cursor *cursor, struct block_death *out_death, struct err *err);
int block_cursor_life(struct block_cursor *cursor, struct block_facts *out_block, struct err *err);
int block_cursor_link(struct block_cursor *cursor, uint64_t *out_id, struct err *err);

/* The blocks of a process by their ids, one at a time: block_cursor_find(). */
int block_finder_open(struct db *db, struct block_cursor **out_cursor, struct err *err);

/* 1 and *out_block; 0: no row has that id; else a negative errno. */
int block_cursor_find(struct block_cursor *cursor, uint64_t id, struct block_facts *out_block,
                      struct err *err);

/* NULL is fine. */
void block_cursor_close(struct block_cursor *cursor);

#endif
