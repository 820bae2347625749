#include "query_memory.h"

#include <errno.h>
#include <string.h>

#include "statement.h"

struct memory_target {
    struct db *db;
    memory_sink *take_memory;
    resident_sink *take_resident;
    allocator_sink *take_allocator;
    void *context;
    struct err *err;
};

/* Runs the query if there is the table. */
static int each_row(struct memory_target *target, const char *table, const char *sql,
                    uint32_t process_id, statement_reader *reader)
{
    struct statement statement;
    bool has_table = false;
    int result = statement_find_table(target->db, table, &has_table, target->err);
    if (result < 0 || !has_table) {
        return result;
    }
    statement_begin(&statement, target->db, sql);
    statement_bind(&statement, process_id);
    return statement_each(&statement, reader, target, target->err);
}

static int read_memory(struct statement *from, void *context)
{
    const struct memory_target *target = context;
    struct memory_row row = {.at_ns = statement_u64(from)};
    row.kind = statement_text(from);
    row.mapped_bytes = statement_u64(from);
    row.rss_bytes = statement_u64(from);
    row.pss_bytes = statement_u64(from);
    row.lazy_free_bytes = statement_u64(from);
    row.swap_bytes = statement_u64(from);
    return target->take_memory(target->context, &row);
}

int query_memory_samples(struct db *db, uint32_t process_id, memory_sink *sink, void *context,
                         struct err *err)
{
    struct memory_target target = {.db = db, .take_memory = sink, .context = context, .err = err};
    return each_row(&target, "memory_sample",
                    "SELECT at_ns, kind, mapped_bytes, rss_bytes, pss_bytes, lazy_free_bytes,"
                    " swap_bytes FROM memory_sample WHERE process_id = ?1 ORDER BY at_ns, kind",
                    process_id, read_memory);
}

static int read_resident(struct statement *from, void *context)
{
    const struct memory_target *target = context;
    struct resident_row row = {.at_ns = statement_u64(from)};
    row.start_address = statement_u64(from);
    row.end_address = statement_u64(from);
    row.resident_bytes = statement_u64(from);
    row.mapping_address = statement_u64(from);
    row.is_heap = strcmp(statement_text(from), "heap") == 0;
    if (row.end_address <= row.start_address || row.mapping_address > row.start_address ||
        row.resident_bytes > row.end_address - row.start_address) {
        return err_set(target->err, EBADMSG,
                       "cannot read '%s': damaged: a resident range ends before it begins",
                       db_path(target->db));
    }
    return target->take_resident(target->context, &row);
}

int query_resident_ranges(struct db *db, uint32_t process_id, resident_sink *sink, void *context,
                          struct err *err)
{
    struct memory_target target = {.db = db, .take_resident = sink, .context = context, .err = err};
    return each_row(&target, "resident_range",
                    "SELECT at_ns, start_address, end_address, resident_bytes, mapping_address,"
                    " kind FROM resident_range WHERE process_id = ?1"
                    " ORDER BY at_ns, start_address",
                    process_id, read_resident);
}

static int read_allocator(struct statement *from, void *context)
{
    const struct memory_target *target = context;
    struct allocator_row row = {.at_ns = statement_u64(from)};
    row.name = statement_text(from);
    row.value = statement_u64(from);
    return target->take_allocator(target->context, &row);
}

int query_allocator_samples(struct db *db, uint32_t process_id, allocator_sink *sink, void *context,
                            struct err *err)
{
    struct memory_target target = {
        .db = db, .take_allocator = sink, .context = context, .err = err};
    return each_row(&target, "allocator_sample",
                    "SELECT at_ns, name, value FROM allocator_sample WHERE process_id = ?1"
                    " ORDER BY at_ns, name",
                    process_id, read_allocator);
}
