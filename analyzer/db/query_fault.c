#include "query_fault.h"

#include <stdbool.h>

#include "query_run.h"
#include "statement.h"

struct fault_reader {
    fault_sink *sink;
    void *context;
};

static int take_fault(struct statement *from, void *context)
{
    const struct fault_reader *reader = context;
    struct fault_row row = {.kind = statement_text(from)};
    row.call = statement_text(from);
    row.process_id = statement_u32(from);
    row.thread_id = statement_u32(from);
    row.at_ns = statement_u64(from);
    row.address = statement_u64_or(from, QUERY_NULL);
    row.given = statement_u64_or(from, QUERY_NULL);
    row.stack_id = statement_u64_or(from, QUERY_NULL);
    row.block_address = statement_u64_or(from, QUERY_NULL);
    row.block_id = statement_u64_or(from, QUERY_NULL);
    row.block_stack_id = statement_u64_or(from, QUERY_NULL);
    row.block_freed_ns = statement_u64_or(from, QUERY_NULL);
    return reader->sink(reader->context, &row);
}

static int take_has_faults(struct statement *from, void *context)
{
    *(bool *)context = statement_u64(from) != 0;
    return 0;
}

int query_faults(struct db *db, uint32_t process_id, fault_sink *sink, void *context,
                 struct err *err)
{
    struct statement statement;
    struct fault_reader reader = {.sink = sink, .context = context};
    bool has_table = false;
    statement_begin(&statement, db,
                    "SELECT count(*) FROM sqlite_schema WHERE type = 'table' AND name = 'fault'");
    int result = statement_each(&statement, take_has_faults, &has_table, err);
    if (result < 0 || !has_table) {
        return result;
    }
    statement_begin(&statement, db,
                    "SELECT f.kind, f.call, f.process_id, f.thread_id, f.at_ns, f.address, f.given,"
                    " f.stack_id, f.block_address, f.block_id, f.block_stack_id,"
                    " b.born_ns + b.lifetime_ns"
                    " FROM fault AS f LEFT JOIN block AS b ON b.id = f.block_id"
                    " WHERE ?1 IN (0, f.process_id) ORDER BY f.at_ns, f.id");
    statement_bind(&statement, process_id);
    return statement_each(&statement, take_fault, &reader, err);
}
