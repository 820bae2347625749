#include "rowinsert.h"

#include <errno.h>

#include "../../../schema/leak_kind.h"

enum {
    COLUMN_COUNT = 11,
};

static void rowinsert_bind(sqlite3_stmt *insert, int column, uint64_t value, uint64_t null_value)
{
    if (value == null_value) {
        sqlite3_bind_null(insert, column);
    } else {
        sqlite3_bind_int64(insert, column, (sqlite3_int64)value);
    }
}

static int rowinsert_append(struct row_sink *sink, const struct block_row *row, uint64_t *out_id,
                            struct err *err)
{
    struct rowinsert *rows = (struct rowinsert *)sink;
    *out_id = rows->next_id++;
    if (*out_id <= rows->row_count) {
        return 0;
    }
    const uint64_t always[] = {
        row->born_ns, row->lifetime_ns, row->address_offset, row->size_bytes, row->context_id,
    };
    const int always_count = sizeof(always) / sizeof(always[0]);
    for (int i = 0; i < always_count; i++) {
        rowinsert_bind(rows->insert, i + 1, always[i], BLOCK_ROW_LIVE);
    }
    rowinsert_bind(rows->insert, always_count + 1, row->realloc_of_id, 0);
    rowinsert_bind(rows->insert, always_count + 2, row->slack_bytes, 0);
    rowinsert_bind(rows->insert, always_count + 3, row->alignment, 0);
    sqlite3_bind_text(rows->insert, always_count + 4, leak_kind_word(row->leak_kind), -1,
                      SQLITE_STATIC);
    rowinsert_bind(rows->insert, always_count + 5, row->weight, 0);
    rowinsert_bind(rows->insert, COLUMN_COUNT, *out_id, 0);
    int code = sqlite3_step(rows->insert);
    sqlite3_reset(rows->insert);
    if (code != SQLITE_DONE) {
        return err_set(err, code == SQLITE_FULL ? ENOSPC : EIO, "cannot write '%s': %s",
                       rows->writer->path, sqlite3_errmsg(rows->writer->handle));
    }
    rows->row_count = *out_id;
    return 0;
}

int rowinsert_init(struct rowinsert *rows, struct sqlwriter *writer, uint64_t row_count,
                   struct err *err)
{
    *rows = (struct rowinsert){
        .sink = {rowinsert_append},
        .writer = writer,
        .row_count = row_count,
        .next_id = row_count + 1,
    };
    int code =
        sqlite3_prepare_v2(writer->handle, "INSERT INTO block VALUES (?,?,?,?,?,?,?,?,?,?,?)", -1,
                           &rows->insert, NULL);
    return code == SQLITE_OK ? 0
                             : err_set(err, EIO, "cannot write '%s': %s", writer->path,
                                       sqlite3_errmsg(writer->handle));
}

void rowinsert_fini(struct rowinsert *rows)
{
    sqlite3_finalize(rows->insert);
    rows->insert = NULL;
}
