#include "query_moment.h"

#include "statement.h"

struct moment_reader {
    moment_sink *sink;
    void *context;
};

static int take_moment(struct statement *from, void *target)
{
    const struct moment_reader *reader = target;
    struct moment_row row;
    row.at_ns = statement_u64(from);
    row.name = statement_text(from);
    return reader->sink(reader->context, &row);
}

int query_moments(struct db *db, uint32_t process_id, uint64_t limit, moment_sink *sink,
                  void *context, struct err *err)
{
    struct moment_reader reader = {sink, context};
    struct statement statement;
    statement_begin(&statement, db,
                    "SELECT at_ns, name FROM mark WHERE process_id = ?1 AND kind = 'mark'"
                    " ORDER BY at_ns, id LIMIT ?2");
    statement_bind(&statement, process_id);
    statement_bind(&statement, limit);
    return statement_each(&statement, take_moment, &reader, err);
}
