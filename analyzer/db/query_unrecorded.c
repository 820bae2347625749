#include "query_unrecorded.h"

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include "../../schema/unrecorded_reason.h"
#include "query_run.h"
#include "statement.h"

struct unrecorded_reader {
    unrecorded_sink *sink;
    void *context;
};

static int take_program(struct statement *from, void *context)
{
    const struct unrecorded_reader *reader = context;
    struct unrecorded_row row = {.path = statement_text_or_null(from)};
    row.reason = statement_text_or_null(from);
    row.process_count = statement_u64(from);
    row.pid = statement_u64_or(from, QUERY_NULL);
    row.parent_id = statement_u64_or(from, QUERY_NULL);
    row.at_ns = statement_u64_or(from, QUERY_NULL);
    return reader->sink(reader->context, &row);
}

int query_unrecorded(struct db *db, unrecorded_sink *sink, void *context, struct err *err)
{
    struct statement statement;
    struct unrecorded_reader reader = {.sink = sink, .context = context};
    bool has_table = false;
    int result = statement_find_table(db, "unrecorded", &has_table, err);
    if (result < 0 || !has_table) {
        return result;
    }
    statement_begin(&statement, db,
                    "SELECT path, reason, process_count, pid, parent_id, at_ns FROM unrecorded"
                    " ORDER BY at_ns IS NULL, at_ns, path, reason");
    return statement_each(&statement, take_program, &reader, err);
}

const char *query_unrecorded_why(const char *reason)
{
    static const struct {
        const char *word;
        const char *text;
    } reasons[] = {
#define X(name, word, text) {word, text},
        UNRECORDED_REASONS(X)
#undef X
    };
    for (size_t i = 0; reason != NULL && i < sizeof(reasons) / sizeof(reasons[0]); i++) {
        if (strcmp(reasons[i].word, reason) == 0) {
            return reasons[i].text;
        }
    }
    return reason != NULL ? reason : "not known";
}
