#include "query_leak.h"

#include <string.h>

#include "statement.h"

static const char leak_outcome_off[] = "off"; /* process.leak_check */

struct leak_target {
    site_leak_sink *take_site;
    leak_check_sink *take_check;
    void *context;
};

enum leak_kind query_leak_kind(const char *word)
{
    unsigned kind = LEAK_KIND_COUNT - 1;
    while (kind > LEAK_UNKNOWN && strcmp(leak_kind_word(kind), word) != 0) {
        kind--;
    }
    return (enum leak_kind)kind;
}

static int read_site_leak(struct statement *from, void *context)
{
    const struct leak_target *target = context;
    struct site_leak_row row = {.stack_id = statement_u32(from)};
    row.kind = query_leak_kind(statement_text(from));
    row.leaked_count = statement_u64(from);
    row.leaked_bytes = statement_u64(from);
    return target->take_site(target->context, &row);
}

static int read_check(struct statement *from, void *context)
{
    const struct leak_target *target = context;
    const char *check = statement_text(from);
    uint64_t process_count = statement_u64(from);
    return target->take_check(target->context, check, process_count, statement_u64(from));
}

static int each_leak(struct db *db, const char *sql, uint32_t process_id, statement_reader *reader,
                     struct leak_target *target, struct err *err)
{
    bool has_table = false;
    int result = statement_find_table(db, "site_leak", &has_table, err);
    if (result < 0 || !has_table) {
        return result;
    }
    struct statement statement;
    statement_begin(&statement, db, sql);
    statement_bind(&statement, process_id);
    return statement_each(&statement, reader, target, err);
}

int query_site_leaks(struct db *db, uint32_t process_id, site_leak_sink *sink, void *context,
                     struct err *err)
{
    struct leak_target target = {.take_site = sink, .context = context};
    return each_leak(db,
                     "SELECT stack_id, leak_kind, sum(leaked_count), sum(leaked_bytes)"
                     " FROM site_leak WHERE ?1 = 0 OR process_id = ?1"
                     " GROUP BY stack_id, leak_kind ORDER BY stack_id",
                     process_id, read_site_leak, &target, err);
}

struct leaked_block_target {
    leaked_block_sink *sink;
    void *context;
};

static int read_leaked_block(struct statement *from, void *context)
{
    const struct leaked_block_target *target = context;
    uint64_t id = statement_u64(from);
    return target->sink(target->context, id, query_leak_kind(statement_text(from)));
}

int query_leaked_blocks(struct db *db, uint32_t process_id, leaked_block_sink *sink, void *context,
                        struct err *err)
{
    struct leaked_block_target target = {sink, context};
    struct statement statement;
    statement_begin(&statement, db,
                    "SELECT id, leak_kind FROM allocation"
                    " WHERE lifetime_ns IS NULL AND (?1 = 0 OR process_id = ?1)");
    statement_bind(&statement, process_id);
    return statement_each(&statement, read_leaked_block, &target, err);
}

static int count_checked(void *context, const char *leak_check, uint64_t process_count,
                         uint64_t leaked_count)
{
    (void)leaked_count;
    *(bool *)context =
        *(const bool *)context || (process_count > 0 && strcmp(leak_check, leak_outcome_off) != 0);
    return 0;
}

int query_leak_is_checked(struct db *db, bool *out_is_checked, struct err *err)
{
    struct leak_target target = {.take_check = count_checked, .context = out_is_checked};
    *out_is_checked = false;
    return each_leak(db,
                     "SELECT leak_check, count(*), 0 FROM process WHERE leak_check IS NOT NULL"
                     " AND (?1 = 0 OR id = ?1) GROUP BY 1",
                     0, read_check, &target, err);
}

int query_leak_checks(struct db *db, uint32_t process_id, leak_check_sink *sink, void *context,
                      struct err *err)
{
    struct leak_target target = {.take_check = sink, .context = context};
    return each_leak(db,
                     "SELECT leak_check, count(*), sum(leaked_count) FROM process"
                     " WHERE leaked_count > 0 AND leak_check IS NOT NULL AND (?1 = 0 OR id = ?1) "
                     "GROUP BY 1 ORDER BY 1",
                     process_id, read_check, &target, err);
}
