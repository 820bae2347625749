#include "query_sanitizer.h"

#include <stdbool.h>

#include "query_run.h"
#include "statement.h"

struct sanitizer_reader {
    sanitizer_report_sink *report_sink;
    sanitizer_block_sink *block_sink;
    void *context;
};

static int take_report(struct statement *from, void *context)
{
    const struct sanitizer_reader *reader = context;
    struct sanitizer_report_row row = {.id = statement_u32(from)};
    row.process_id = statement_u32(from);
    row.thread_id = statement_u32(from);
    row.at_ns = statement_u64(from);
    row.tool = statement_text(from);
    row.kind = statement_text(from);
    row.address = statement_u64_or(from, QUERY_NULL);
    row.access = statement_text_or_null(from);
    row.access_bytes = statement_u64_or(from, QUERY_NULL);
    row.stack_id = statement_u64_or(from, QUERY_NULL);
    row.text = statement_text(from);
    return reader->report_sink(reader->context, &row);
}

int query_sanitizer_reports(struct db *db, uint32_t process_id, sanitizer_report_sink *sink,
                            void *context, struct err *err)
{
    struct statement statement;
    struct sanitizer_reader reader = {.report_sink = sink, .context = context};
    bool has_table = false;
    int result = statement_find_table(db, "sanitizer_report", &has_table, err);
    if (result < 0 || !has_table) {
        return result;
    }
    statement_begin(&statement, db,
                    "SELECT id, process_id, thread_id, at_ns, tool, kind, address, access,"
                    " access_bytes, stack_id, text FROM sanitizer_report"
                    " WHERE ?1 IN (0, process_id) ORDER BY at_ns, id");
    statement_bind(&statement, process_id);
    return statement_each(&statement, take_report, &reader, err);
}

static int take_block(struct statement *from, void *context)
{
    const struct sanitizer_reader *reader = context;
    struct sanitizer_block_row row = {.role = statement_text(from)};
    row.address = statement_u64_or(from, QUERY_NULL);
    row.size_bytes = statement_u64(from);
    row.block_count = statement_u64(from);
    row.block_id = statement_u64_or(from, QUERY_NULL);
    row.stack_id = statement_u64_or(from, QUERY_NULL);
    row.freed_stack_id = statement_u64_or(from, QUERY_NULL);
    row.freed_ns = statement_u64_or(from, QUERY_NULL);
    row.freed_by_thread_id = statement_u64_or(from, QUERY_NULL);
    return reader->block_sink(reader->context, &row);
}

int query_sanitizer_blocks(struct db *db, uint32_t report_id, sanitizer_block_sink *sink,
                           void *context, struct err *err)
{
    struct statement statement;
    struct sanitizer_reader reader = {.block_sink = sink, .context = context};
    statement_begin(&statement, db,
                    "SELECT s.role, s.address, s.size_bytes, s.block_count, s.block_id, s.stack_id,"
                    " s.freed_stack_id, b.born_ns + b.lifetime_ns, c.freed_by_thread_id"
                    " FROM sanitizer_block AS s LEFT JOIN block AS b ON b.id = s.block_id"
                    " LEFT JOIN context AS c ON c.id = b.context_id"
                    " WHERE s.report_id = ?1 ORDER BY s.place");
    statement_bind(&statement, report_id);
    return statement_each(&statement, take_block, &reader, err);
}
