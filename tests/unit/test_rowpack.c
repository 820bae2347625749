#include "block_database.h"

#include <errno.h>
#include <signal.h>
#include <sys/resource.h>

#include "../../analyzer/collect/rows/rowpack_limits.h"

enum {
    PAGE = DATABASE_PAGE_BYTES
};

static struct err err;

static struct rowpack *create_pack(const struct block_database *database)
{
    struct rowpack *pack = NULL;
    if (rowpack_create(database->fd, database->root_page, &pack, &err) < 0) {
        fail_msg("%s", err.text);
    }
    return pack;
}

static void seal_and_destroy(struct rowpack *pack)
{
    if (rowpack_seal(pack, &err) < 0) {
        fail_msg("%s", err.text);
    }
    rowpack_destroy(pack);
}

/* Packs the rows 1 to count and compares them with SQLite's. Returns the file's pages. */
static uint32_t pack_and_check(uint64_t seed, uint64_t count, uint32_t children_max)
{
    struct block_database database;
    block_database_create(&database);

    struct rowpack *pack = create_pack(&database);
    rowpack_limit_children(pack, children_max);
    block_database_append(pack, seed, count);
    assert_int_equal(rowpack_row_count(pack), count);
    seal_and_destroy(pack);

    block_database_check(&database, seed, count);
    uint32_t page_count = (uint32_t)(block_database_size(&database) / PAGE);
    block_database_remove(&database);
    return page_count;
}

static void rowpack_seal_without_rows_changes_nothing(void **state)
{
    (void)state;
    struct block_database database;
    block_database_create(&database);
    size_t size_bytes = (size_t)block_database_size(&database);
    char *before = malloc(size_bytes);
    char *after = malloc(size_bytes);
    block_database_read(&database, before, size_bytes, 0);

    seal_and_destroy(create_pack(&database));

    assert_int_equal(block_database_size(&database), size_bytes);
    block_database_read(&database, after, size_bytes, 0);
    assert_memory_equal(before, after, size_bytes);
    block_database_check(&database, 0, 0);
    free(before);
    free(after);
    block_database_remove(&database);
}

static void rowpack_append_random_rows_equal_inserted_ones(void **state)
{
    (void)state;
    static const uint64_t counts[] = {1, 2, 100, 1000, 5000, 30000};
    for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
        for (uint64_t seed = 0; seed < 3; seed++) {
            pack_and_check(seed, counts[i], 0);
        }
    }
}

static void rowpack_append_extreme_values_equal_inserted_ones(void **state)
{
    (void)state;
    static const uint64_t wide[] = {0,
                                    1,
                                    2,
                                    127,
                                    128,
                                    255,
                                    256,
                                    32767,
                                    32768,
                                    0x7fffff,
                                    0x800000,
                                    0x7fffffff,
                                    1u << 31,
                                    0xffffffff,
                                    0x100000000,
                                    (UINT64_C(1) << 47) - 1,
                                    UINT64_C(1) << 47,
                                    (UINT64_C(1) << 48) - 1,
                                    INT64_MAX,
                                    (uint64_t)INT64_MAX + 1,
                                    UINT64_MAX - 1,
                                    UINT64_MAX};
    enum {
        WIDE_COUNT = sizeof(wide) / sizeof(wide[0]),
        COLUMN_COUNT = 9
    };
    struct block_database database;
    block_database_create(&database);
    struct rowpack *pack = create_pack(&database);
    sqlite3 *expected = block_database_make_reference(0, 0);
    sqlite3_stmt *insert;
    sqlite3_prepare_v2(expected, BLOCK_DATABASE_INSERT, -1, &insert, NULL);

    /* each value in each column, among zeros and among ones */
    for (size_t i = 0; i < (size_t)WIDE_COUNT * COLUMN_COUNT * 2; i++) {
        uint64_t values[COLUMN_COUNT];
        for (size_t column = 0; column < COLUMN_COUNT; column++) {
            values[column] = i % 2;
        }
        values[i / 2 % COLUMN_COUNT] = wide[i / 2 / COLUMN_COUNT];
        const struct block_row row = {values[0],           values[1],
                                      values[2],           values[3],
                                      values[4],           (uint32_t)values[5] & INT32_MAX,
                                      (uint32_t)values[6], (uint32_t)values[7],
                                      (uint32_t)values[8], 0};
        uint64_t id;
        assert_int_equal(rowpack_append(pack, &row, &id, &err), 0);
        block_database_bind(insert, id, &row);
        assert_int_equal(sqlite3_step(insert), SQLITE_DONE);
        sqlite3_reset(insert);
    }
    sqlite3_finalize(insert);
    seal_and_destroy(pack);

    block_database_check_integrity(&database);
    sqlite3 *found = block_database_open(&database);
    block_database_compare(found, expected);
    sqlite3_close(found);
    sqlite3_close(expected);
    block_database_remove(&database);
}

/* Appends rows until the leaf in memory is the leaf_count-th: the others are in the file. */
static void append_leaves(struct rowpack *pack, const struct block_database *database,
                          uint64_t seed, uint32_t leaf_count)
{
    off_t start_bytes = block_database_size(database);
    while (block_database_size(database) < start_bytes + (off_t)(leaf_count - 1) * PAGE) {
        block_database_append(pack, seed, 1);
    }
}

static uint64_t first_leaf_row_count(uint64_t seed)
{
    struct block_database database;
    block_database_create(&database);
    struct rowpack *pack = create_pack(&database);
    append_leaves(pack, &database, seed, 2);
    uint64_t count = rowpack_row_count(pack) - 1;
    rowpack_destroy(pack);
    block_database_remove(&database);
    return count;
}

static void rowpack_seal_around_the_first_leaf_boundary_keeps_all_rows(void **state)
{
    (void)state;
    uint64_t full = first_leaf_row_count(4);
    assert_in_range(full, 500, 4700);

    uint32_t page_count = pack_and_check(4, full - 1, 0);

    assert_int_equal(pack_and_check(4, full, 0), page_count);
    assert_int_equal(pack_and_check(4, full + 1, 0), page_count + 2);
    assert_int_equal(pack_and_check(4, full + 2, 0), page_count + 2);
}

static void check_level_boundary(uint32_t leaf_count, uint32_t interior_count)
{
    struct block_database database;
    block_database_create(&database);
    off_t empty_bytes = block_database_size(&database);
    struct rowpack *pack = create_pack(&database);
    rowpack_limit_children(pack, 3);

    append_leaves(pack, &database, leaf_count, leaf_count);
    uint64_t row_count = rowpack_row_count(pack);
    seal_and_destroy(pack);

    off_t page_count = (block_database_size(&database) - empty_bytes) / PAGE;
    assert_int_equal(page_count, leaf_count + interior_count);
    block_database_check(&database, leaf_count, row_count);
    block_database_remove(&database);
}

static void rowpack_seal_at_level_boundaries_keeps_all_rows(void **state)
{
    (void)state;

    check_level_boundary(2, 0);
    check_level_boundary(3, 0);
    check_level_boundary(4, 2);
    check_level_boundary(9, 3);
    check_level_boundary(10, 4 + 2);
    check_level_boundary(27, 9 + 3);
    check_level_boundary(28, 10 + 4 + 2);
}

/* About 450 MB: more leaves than one interior page of full size holds. */
static void rowpack_seal_more_leaves_than_a_page_has_children_makes_two_levels(void **state)
{
    (void)state;
    struct block_database database;
    block_database_create(&database);
    off_t empty_bytes = block_database_size(&database);
    struct rowpack *pack = create_pack(&database);
    const uint64_t large = INT64_MAX;
    const struct block_row row = {large, large, large, large, large, INT32_MAX, ~0u, ~0u, ~0u, 4};
    enum {
        LEAF_COUNT = 7000
    };

    uint64_t id = 0;
    uint64_t row_limit = UINT64_MAX;
    while (id < row_limit) {
        if (rowpack_append(pack, &row, &id, &err) < 0) {
            fail_msg("%s", err.text);
        }
        if (row_limit == UINT64_MAX && block_database_size(&database) > empty_bytes) {
            row_limit = (id - 1) * LEAF_COUNT;
        }
    }
    seal_and_destroy(pack);

    unsigned char root[12];
    unsigned char last_child;
    off_t root_offset = (off_t)(database.root_page - 1) * PAGE;
    block_database_read(&database, root, sizeof(root), root_offset);
    assert_int_equal(root[0], 5);                /* interior */
    assert_int_equal(root[3] << 8 | root[4], 1); /* cells: two children */
    off_t last_child_page = (off_t)root[8] << 24 | root[9] << 16 | root[10] << 8 | root[11];
    block_database_read(&database, &last_child, 1, (last_child_page - 1) * PAGE);
    assert_int_equal(last_child, 5);
    block_database_check_integrity(&database);
    sqlite3 *db = block_database_open(&database);
    assert_int_equal(block_database_number(db, "SELECT count(*) FROM block"), id);
    assert_int_equal(block_database_number(db, "SELECT max(id) FROM block"), id);
    assert_int_equal(block_database_number(db, "SELECT count(*) FROM block WHERE id = 3000000"), 1);
    sqlite3_close(db);
    block_database_remove(&database);
}

static void store_be32(unsigned char *to, uint32_t value)
{
    for (int i = 0; i < 4; i++) {
        to[i] = (unsigned char)(value >> (24 - 8 * i));
    }
}

/*
 * Gives the database page_count pages, almost all of them on SQLite's list of free pages, which
 * are never written: the file takes no room on the disk.
 */
static void grow_sparsely(const struct block_database *database, uint32_t page_count)
{
    uint32_t trunk_page = (uint32_t)(block_database_size(database) / PAGE) + 1;
    uint32_t free_count = page_count - trunk_page;
    assert_in_range(free_count, 1, PAGE / 4 - 8);
    unsigned char *trunk = calloc(1, PAGE);
    store_be32(trunk + 4, free_count);
    for (uint32_t i = 0; i < free_count; i++) {
        store_be32(trunk + 8 + 4 * i, trunk_page + 1 + i);
    }
    unsigned char counts[12];
    store_be32(counts, page_count);
    store_be32(counts + 4, trunk_page);
    store_be32(counts + 8, free_count + 1);
    block_database_write(database, trunk, PAGE, (off_t)(trunk_page - 1) * PAGE);
    block_database_write(database, counts, sizeof(counts), 28);
    assert_int_equal(ftruncate(database->fd, (off_t)page_count * PAGE), 0);
    free(trunk);
}

static void rowpack_append_across_the_lock_byte_page_leaves_it_alone(void **state)
{
    (void)state;
    enum {
        LOCK_PAGE = (1 << 30) / PAGE + 1
    };
    static const uint64_t zeros[PAGE / 8];
    static uint64_t lock_page[PAGE / 8];

    /* the lock page comes first, between leaves, between leaf and interior pages, last */
    for (uint32_t before = 0; before <= 12; before++) {
        struct block_database database;
        block_database_create(&database);
        grow_sparsely(&database, LOCK_PAGE - 1 - before);
        block_database_check(&database, 0, 0);
        struct rowpack *pack = create_pack(&database);
        rowpack_limit_children(pack, 3);

        block_database_append(pack, before, 13000);
        seal_and_destroy(pack);

        assert_true(block_database_size(&database) > (off_t)LOCK_PAGE * PAGE || before > 7);
        if (block_database_size(&database) >= (off_t)LOCK_PAGE * PAGE) {
            block_database_read(&database, lock_page, PAGE, (off_t)(LOCK_PAGE - 1) * PAGE);
            assert_memory_equal(lock_page, zeros, PAGE);
        }
        block_database_check(&database, before, 13000);
        block_database_remove(&database);
    }
}

static void rowpack_seal_lets_sqlite_go_on_with_the_file(void **state)
{
    (void)state;
    struct block_database database;
    block_database_create(&database);
    struct rowpack *pack = create_pack(&database);
    block_database_append(pack, 1, 20000);
    seal_and_destroy(pack);

    sqlite3 *db = block_database_open(&database);
    block_database_exec(db, "INSERT INTO block VALUES (1,2,3,4,5,6,7,8,'direct',NULL,NULL)");
    block_database_exec(db, "WITH n(i) AS (VALUES(1) UNION ALL SELECT i + 1 FROM n LIMIT 50000)"
                            "INSERT INTO mark SELECT i, 1, 1, i, 'mark', 'name' || i FROM n");
    block_database_exec(db, "UPDATE block SET leak_kind = 'indirect' WHERE id % 3 = 0");
    block_database_exec(db, "DELETE FROM block WHERE id BETWEEN 3000 AND 9000");

    assert_int_equal(block_database_number(db, "SELECT max(id) FROM block"), 20001);
    assert_int_equal(block_database_number(db, "SELECT count(*) FROM block"), 20001 - 6001);
    assert_int_equal(block_database_number(db, "SELECT count(*) FROM mark"), 50000);
    assert_int_equal(
        block_database_number(db, "SELECT count(*) FROM block WHERE leak_kind = 'indirect'"),
        (2999 / 3) + (20001 / 3 - 9000 / 3));
    sqlite3_close(db);
    block_database_check_integrity(&database);
    block_database_remove(&database);
}

static void rowpack_seal_is_seen_by_a_connection_that_was_open(void **state)
{
    (void)state;
    struct block_database database;
    block_database_create(&database);
    sqlite3 *db = block_database_open(&database);
    assert_int_equal(block_database_number(db, "SELECT count(*) FROM block"), 0);

    struct rowpack *pack = create_pack(&database);
    block_database_append(pack, 1, 7000);
    assert_int_equal(block_database_number(db, "SELECT count(*) FROM block"), 0);
    seal_and_destroy(pack);

    assert_int_equal(block_database_number(db, "SELECT count(*) FROM block"), 7000);
    sqlite3_close(db);
    block_database_remove(&database);
}

static void set_file_size_limit(off_t size_bytes)
{
    struct rlimit limit;
    getrlimit(RLIMIT_FSIZE, &limit);
    limit.rlim_cur = size_bytes < 0 ? RLIM_INFINITY : (rlim_t)size_bytes;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

/* The room grows by an odd number of bytes at a time: every write is cut short, then tried again.
 */
static void rowpack_append_and_seal_can_be_retried_when_the_disk_is_full(void **state)
{
    (void)state;
    enum {
        STEP_BYTES = 23456,
        ROW_COUNT = 9000
    };
    struct block_database database;
    block_database_create(&database);
    struct rowpack *pack = create_pack(&database);
    rowpack_limit_children(pack, 3);
    off_t limit_bytes = block_database_size(&database);
    unsigned failure_count = 0;
    set_file_size_limit(limit_bytes);

    for (uint64_t i = 1; i <= ROW_COUNT; i++) {
        const struct block_row row = block_row_make(8, i);
        uint64_t id = 0;
        int r;
        while (r = rowpack_append(pack, &row, &id, &err), r < 0) {
            assert_int_equal(r, -EFBIG);
            assert_non_null(strstr(err.text, "cannot write page"));
            assert_int_equal(id, 0);
            set_file_size_limit(limit_bytes += STEP_BYTES);
            failure_count++;
        }
        assert_int_equal(id, i);
    }
    unsigned append_failure_count = failure_count;
    while (rowpack_seal(pack, &err) < 0) {
        set_file_size_limit(limit_bytes += STEP_BYTES);
        failure_count++;
    }
    set_file_size_limit(-1);

    assert_in_range(append_failure_count, 5, 100);
    assert_in_range(failure_count, append_failure_count + 5, 200);
    rowpack_destroy(pack);
    block_database_check(&database, 8, ROW_COUNT);
    block_database_remove(&database);
}

static void check_refusal(const struct block_database *database, uint32_t root_page,
                          const char *reason)
{
    struct rowpack *pack = NULL;
    assert_int_equal(rowpack_create(database->fd, root_page, &pack, &err), -EINVAL);
    assert_non_null(strstr(err.text, reason));
    assert_null(pack);
}

static void rowpack_create_refuses_what_it_cannot_append_to(void **state)
{
    (void)state;
    struct block_database database;
    block_database_create(&database);
    sqlite3 *db = block_database_open(&database);

    check_refusal(&database, 0, "no table at page 0");
    check_refusal(&database, 1, "no table at page 1");
    check_refusal(&database, 999, "no table at page 999");

    block_database_exec(db, "INSERT INTO block VALUES (1,2,3,4,5,6,7,8,'direct',NULL,NULL)");
    check_refusal(&database, database.root_page, "not empty");

    block_database_exec(db, "PRAGMA page_size = 4096; VACUUM");
    check_refusal(&database, database.root_page, "not of 65536 bytes");

    block_database_exec(db, "PRAGMA page_size = 65536; PRAGMA auto_vacuum = 1; VACUUM");
    check_refusal(&database, database.root_page, "auto_vacuum");
    sqlite3_close(db);

    assert_int_equal(ftruncate(database.fd, 2 * PAGE), 0);
    check_refusal(&database, database.root_page, "auto_vacuum");
    assert_int_equal(ftruncate(database.fd, 50), 0);
    check_refusal(&database, database.root_page, "not a SQLite database");
    block_database_remove(&database);
}

static void rowpack_create_refuses_a_file_shorter_than_its_header(void **state)
{
    (void)state;
    struct block_database database;
    block_database_create(&database);
    assert_int_equal(ftruncate(database.fd, block_database_size(&database) - 1), 0);

    check_refusal(&database, database.root_page, "shorter");
    block_database_remove(&database);
}

static void rowpack_create_on_an_unreadable_file_gives_its_errno(void **state)
{
    (void)state;
    struct rowpack *pack = NULL;

    assert_int_equal(rowpack_create(-1, 2, &pack, &err), -EBADF);
    assert_null(pack);
}

int main(void)
{
    signal(SIGXFSZ, SIG_IGN);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rowpack_seal_without_rows_changes_nothing),
        cmocka_unit_test(rowpack_append_random_rows_equal_inserted_ones),
        cmocka_unit_test(rowpack_append_extreme_values_equal_inserted_ones),
        cmocka_unit_test(rowpack_seal_around_the_first_leaf_boundary_keeps_all_rows),
        cmocka_unit_test(rowpack_seal_at_level_boundaries_keeps_all_rows),
        cmocka_unit_test(rowpack_seal_more_leaves_than_a_page_has_children_makes_two_levels),
        cmocka_unit_test(rowpack_append_across_the_lock_byte_page_leaves_it_alone),
        cmocka_unit_test(rowpack_seal_lets_sqlite_go_on_with_the_file),
        cmocka_unit_test(rowpack_seal_is_seen_by_a_connection_that_was_open),
        cmocka_unit_test(rowpack_append_and_seal_can_be_retried_when_the_disk_is_full),
        cmocka_unit_test(rowpack_create_refuses_what_it_cannot_append_to),
        cmocka_unit_test(rowpack_create_refuses_a_file_shorter_than_its_header),
        cmocka_unit_test(rowpack_create_on_an_unreadable_file_gives_its_errno),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
