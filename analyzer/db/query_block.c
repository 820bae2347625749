#include "query_block.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "statement.h"

/* Kinds of blocks that an allocator serves. */
#define FROM_ALLOCATOR                                                                             \
    " alloc_kind_id NOT IN (SELECT id FROM alloc_kind"                                             \
    " WHERE name IN ('mmap', 'mremap', 'brk', 'internal'))"

/* What take_facts() reads. */
#define FACTS                                                                                      \
    " block.id, born_ns, region_address + address_offset, size_bytes,"                             \
    " size_bytes + coalesce(block.slack_bytes, context.slack_bytes), stack_id, thread_id"

enum {
    KIND_ID_LIMIT = 256, /* ids of alloc_kind beyond it are not ours */
};

struct block_cursor {
    struct statement statement;
    uint8_t kind_of_id[KIND_ID_LIMIT]; /* of a birth cursor; ALLOC_KIND_COUNT: no such kind */
};

static int open_cursor(struct db *db, const char *sql, uint32_t process_id,
                       struct block_cursor **out_cursor, struct err *err)
{
    struct block_cursor *cursor = calloc(1, sizeof(*cursor));
    if (cursor == NULL) {
        return err_set_errno(err, ENOMEM, "cannot read '%s'", db_path(db));
    }
    memset(cursor->kind_of_id, ALLOC_KIND_COUNT, sizeof(cursor->kind_of_id));
    statement_begin(&cursor->statement, db, sql);
    if (process_id != 0) {
        statement_bind(&cursor->statement, process_id);
    }
    *out_cursor = cursor;
    return 0;
}

static int take_kind(struct statement *from, void *context)
{
    struct block_cursor *cursor = context;
    uint64_t id = statement_u64(from);
    const char *name = statement_text(from);
    for (unsigned kind = 0; kind < ALLOC_KIND_COUNT && id < KIND_ID_LIMIT; kind++) {
        if (strcmp(name, event_alloc_kind_name(kind)) == 0) {
            cursor->kind_of_id[id] = (uint8_t)kind;
        }
    }
    return 0;
}

int block_births_open(struct db *db, uint32_t process_id, struct block_cursor **out_cursor,
                      struct err *err)
{
    struct block_cursor *cursor = NULL;
    int result =
        open_cursor(db,
                    "SELECT" FACTS ", coalesce(alignment, 0), coalesce(realloc_of_id, 0),"
                    " alloc_kind_id FROM block CROSS JOIN context ON context.id = context_id"
                    " WHERE process_id = ?1 AND" FROM_ALLOCATOR " ORDER BY born_ns, block.id",
                    process_id, &cursor, err);
    if (result < 0) {
        return result;
    }
    struct statement kinds;
    statement_begin(&kinds, db, "SELECT id, name FROM alloc_kind");
    result = statement_each(&kinds, take_kind, cursor, err);
    if (result < 0) {
        block_cursor_close(cursor);
        return result;
    }
    *out_cursor = cursor;
    return 0;
}

int block_deaths_open(struct db *db, uint32_t process_id, struct block_cursor **out_cursor,
                      struct err *err)
{
    return open_cursor(db,
                       "SELECT" FACTS ", born_ns + lifetime_ns,"
                       " coalesce(freed_by_thread_id, thread_id)"
                       " FROM block CROSS JOIN context ON context.id = context_id"
                       " WHERE process_id = ?1 AND lifetime_ns IS NOT NULL AND" FROM_ALLOCATOR
                       " ORDER BY block.id",
                       process_id, out_cursor, err);
}

int block_lives_open(struct db *db, uint32_t process_id, uint64_t at_ns,
                     struct block_cursor **out_cursor, struct err *err)
{
    struct block_cursor *cursor = NULL;
    int result =
        open_cursor(db,
                    "SELECT" FACTS " FROM block CROSS JOIN context ON context.id = context_id"
                    " WHERE process_id = ?1 AND born_ns <= ?2"
                    " AND (lifetime_ns IS NULL OR born_ns + lifetime_ns > ?2)"
                    " AND" FROM_ALLOCATOR " ORDER BY 3",
                    process_id, &cursor, err);
    if (result == 0) {
        statement_bind(&cursor->statement, at_ns);
        *out_cursor = cursor;
    }
    return result;
}

int block_links_open(struct db *db, struct block_cursor **out_cursor, struct err *err)
{
    return open_cursor(db,
                       "SELECT realloc_of_id FROM block WHERE realloc_of_id IS NOT NULL"
                       " ORDER BY realloc_of_id",
                       0, out_cursor, err);
}

int block_finder_open(struct db *db, struct block_cursor **out_cursor, struct err *err)
{
    return open_cursor(db,
                       "SELECT" FACTS " FROM block CROSS JOIN context ON context.id = context_id"
                       " WHERE block.id = ?1",
                       0, out_cursor, err);
}

static struct block_facts take_facts(struct statement *from)
{
    struct block_facts facts = {.id = statement_u64(from)};
    facts.born_ns = statement_u64(from);
    facts.address = statement_u64(from);
    facts.size_bytes = statement_u64(from);
    facts.usable_bytes = statement_u64(from);
    facts.stack_id = statement_u32(from);
    facts.thread_id = statement_u32(from);
    return facts;
}

int block_cursor_find(struct block_cursor *cursor, uint64_t id, struct block_facts *out_block,
                      struct err *err)
{
    struct statement *from = &cursor->statement;
    statement_reset(from);
    statement_bind(from, id);
    int result = statement_next(from, err);
    if (result > 0) {
        *out_block = take_facts(from);
    }
    return result;
}

int block_cursor_birth(struct block_cursor *cursor, struct block_birth *out_birth, struct err *err)
{
    struct statement *from = &cursor->statement;
    int result = statement_next(from, err);
    if (result <= 0) {
        return result;
    }
    struct block_birth birth = {.block = take_facts(from)};
    birth.alignment = statement_u64(from);
    birth.realloc_of_id = statement_u64(from);
    uint64_t kind_id = statement_u64(from);
    unsigned kind = kind_id < KIND_ID_LIMIT ? cursor->kind_of_id[kind_id] : ALLOC_KIND_COUNT;
    if (kind == ALLOC_KIND_COUNT) {
        return err_set(err, EBADMSG, "cannot read '%s': damaged: block %llu is of no known kind",
                       db_path(from->db), (unsigned long long)birth.block.id);
    }
    birth.kind = (enum alloc_kind)kind;
    *out_birth = birth;
    return 1;
}

int block_cursor_death(struct block_cursor *cursor, struct block_death *out_death, struct err *err)
{
    struct statement *from = &cursor->statement;
    int result = statement_next(from, err);
    if (result > 0) {
        out_death->block = take_facts(from);
        out_death->died_ns = statement_u64(from);
        out_death->thread_id = statement_u32(from);
    }
    return result;
}

int block_cursor_life(struct block_cursor *cursor, struct block_facts *out_block, struct err *err)
{
    int result = statement_next(&cursor->statement, err);
    if (result > 0) {
        *out_block = take_facts(&cursor->statement);
    }
    return result;
}

int block_cursor_link(struct block_cursor *cursor, uint64_t *out_id, struct err *err)
{
    int result = statement_next(&cursor->statement, err);
    if (result > 0) {
        *out_id = statement_u64(&cursor->statement);
    }
    return result;
}

void block_cursor_close(struct block_cursor *cursor)
{
    if (cursor != NULL) {
        statement_end(&cursor->statement);
        free(cursor);
    }
}
