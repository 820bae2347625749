#include "block_database.h"

#include <errno.h>
#include <signal.h>
#include <sys/wait.h>
#include <time.h>

enum {
    PAGE = DATABASE_PAGE_BYTES,
    ROW_COUNT = 9000,
    SEED = 6
};

static struct err err;

/* A file of which the writer died: whole leaves, no root. Returns the rows in those leaves. */
static uint64_t make_unsealed(struct block_database *database, uint64_t count)
{
    block_database_create(database);
    struct rowpack *pack = NULL;
    assert_int_equal(rowpack_create(database->fd, database->root_page, &pack, &err), 0);
    uint64_t written_count = 0;
    off_t size_bytes = block_database_size(database);
    for (uint64_t i = 0; i < count; i++) {
        block_database_append(pack, SEED, 1);
        if (block_database_size(database) > size_bytes) {
            size_bytes = block_database_size(database);
            written_count = i;
        }
    }
    rowpack_destroy(pack);
    return written_count;
}

static void make_sealed(struct block_database *database, uint64_t count)
{
    block_database_create(database);
    struct rowpack *pack = NULL;
    assert_int_equal(rowpack_create(database->fd, database->root_page, &pack, &err), 0);
    block_database_append(pack, SEED, count);
    assert_int_equal(rowpack_seal(pack, &err), 0);
    rowpack_destroy(pack);
}

static uint64_t recover(const struct block_database *database)
{
    uint64_t row_count = UINT64_MAX;
    if (rowpack_recover(database->fd, database->root_page, &row_count, &err) < 0) {
        fail_msg("%s", err.text);
    }
    return row_count;
}

static void rowpack_recover_unsealed_file_gives_the_written_leaves(void **state)
{
    (void)state;
    struct block_database database;
    uint64_t written_count = make_unsealed(&database, ROW_COUNT);
    assert_in_range(written_count, ROW_COUNT - 4700, ROW_COUNT - 1);
    block_database_check(&database, SEED, 0); /* valid before, without the rows */

    assert_int_equal(recover(&database), written_count);

    block_database_check(&database, SEED, written_count);
    assert_int_equal(recover(&database), written_count); /* once more changes nothing */
    block_database_check(&database, SEED, written_count);
    block_database_remove(&database);
}

static void rowpack_recover_file_cut_short_ignores_the_torn_leaf(void **state)
{
    (void)state;
    struct block_database database;
    uint64_t whole_count = make_unsealed(&database, ROW_COUNT);
    off_t whole_bytes = block_database_size(&database);
    block_database_remove(&database);
    static const int cuts_bytes[] = {1, 4095, 4096, 30000, 65535};

    for (size_t i = 0; i < sizeof(cuts_bytes) / sizeof(cuts_bytes[0]); i++) {
        make_unsealed(&database, ROW_COUNT);
        assert_int_equal(ftruncate(database.fd, whole_bytes - cuts_bytes[i]), 0);

        uint64_t row_count = recover(&database);

        assert_in_range(row_count, whole_count - 4700, whole_count - 500);
        block_database_check(&database, SEED, row_count);
        block_database_remove(&database);
    }
}

static void rowpack_recover_leaf_with_a_lost_sector_ignores_it_and_what_follows(void **state)
{
    (void)state;
    enum {
        SECTOR = 4096
    };
    static const char zeros[SECTOR];

    for (int sector = 0; sector < PAGE / SECTOR; sector++) {
        struct block_database database;
        uint64_t whole_count = make_unsealed(&database, ROW_COUNT);
        off_t leaf_offset = block_database_size(&database) - 2 * PAGE;
        block_database_write(&database, zeros, SECTOR, leaf_offset + sector * SECTOR);

        uint64_t row_count = recover(&database);

        assert_in_range(row_count, 500, whole_count - 1000);
        block_database_check(&database, SEED, row_count);
        block_database_remove(&database);
    }
}

static void rowpack_recover_damaged_bytes_never_gives_a_damaged_database(void **state)
{
    (void)state;
    uint64_t random_state = 99;
    struct block_database database;
    make_unsealed(&database, ROW_COUNT);
    size_t size_bytes = (size_t)block_database_size(&database);
    char *original = malloc(size_bytes);
    block_database_read(&database, original, size_bytes, 0);

    for (int round = 0; round < 100; round++) {
        block_database_write(&database, original, size_bytes, 0);
        off_t leaf_offset = (off_t)size_bytes - PAGE * (1 + (off_t)(round % 3));
        uint64_t random = block_row_random(&random_state);
        off_t within = round % 2 ? (off_t)(random >> 8) % 3000 : (off_t)(random >> 8) % (PAGE - 8);
        block_database_write(&database, &random, 1 + random % 8, leaf_offset + within);

        recover(&database);

        block_database_check_integrity(&database);
        block_database_remove(&database);
        database.fd = open(database.path, O_RDWR | O_CREAT | O_EXCL, 0600);
        assert_true(database.fd >= 0);
    }
    free(original);
    block_database_remove(&database);
}

static void append_until_killed(const struct block_database *database)
{
    struct rowpack *pack = NULL;
    uint64_t id;
    if (rowpack_create(database->fd, database->root_page, &pack, NULL) < 0) {
        _exit(1);
    }
    for (uint64_t i = 1;; i++) {
        const struct block_row row = block_row_make(SEED, i);
        if (rowpack_append(pack, &row, &id, NULL) < 0) {
            _exit(1);
        }
    }
}

static void rowpack_recover_after_the_writer_was_killed_gives_a_prefix(void **state)
{
    (void)state;
    for (int round = 0; round < 5; round++) {
        struct block_database database;
        block_database_create(&database);
        off_t empty_bytes = block_database_size(&database);
        pid_t pid = fork();
        if (pid == 0) {
            append_until_killed(&database);
        }
        while (block_database_size(&database) < empty_bytes + 3 * PAGE) {
            const struct timespec pause = {.tv_nsec = 200000 + round * 50000};
            nanosleep(&pause, NULL);
        }
        kill(pid, SIGKILL);
        int status;
        waitpid(pid, &status, 0);
        assert_true(WIFSIGNALED(status));
        off_t leaf_count = (block_database_size(&database) - empty_bytes) / PAGE;

        uint64_t row_count = recover(&database);

        assert_true(row_count >= (uint64_t)(leaf_count - 1) * 500);
        block_database_check(&database, SEED, row_count);
        block_database_remove(&database);
    }
}

/* A seal that ended just before it wrote the header, or within its write of the root. */
static void rowpack_recover_interrupted_seal_gives_all_rows(void **state)
{
    (void)state;
    static const size_t root_bytes[] = {0, 4096, PAGE};
    for (size_t i = 0; i < sizeof(root_bytes) / sizeof(root_bytes[0]); i++) {
        static char header[100];
        static char empty_root[PAGE];
        struct block_database database;
        block_database_create(&database);
        off_t root_offset = (off_t)(database.root_page - 1) * PAGE;
        block_database_read(&database, header, sizeof(header), 0);
        block_database_read(&database, empty_root, PAGE, root_offset);
        block_database_remove(&database);

        make_sealed(&database, ROW_COUNT);
        block_database_write(&database, header, sizeof(header), 0);
        block_database_write(&database, empty_root + root_bytes[i], PAGE - root_bytes[i],
                             root_offset + (off_t)root_bytes[i]);

        assert_int_equal(recover(&database), ROW_COUNT);
        block_database_check(&database, SEED, ROW_COUNT);
        block_database_remove(&database);
    }
}

/* A lone leaf is copied into the root and cut off afterwards. */
static void rowpack_recover_torn_copy_of_a_lone_leaf_gives_all_rows(void **state)
{
    (void)state;
    enum {
        FEW_ROWS = 400
    };
    static const size_t kept_bytes[] = {0, 4096, 61440, PAGE};
    for (size_t i = 0; i < sizeof(kept_bytes) / sizeof(kept_bytes[0]); i++) {
        static char leaf[PAGE];
        static const char zeros[PAGE];
        struct block_database database;
        make_sealed(&database, FEW_ROWS);
        off_t root_offset = (off_t)(database.root_page - 1) * PAGE;
        off_t end = block_database_size(&database);
        block_database_read(&database, leaf, PAGE, root_offset);
        block_database_write(&database, leaf, PAGE, end);
        block_database_write(&database, zeros, PAGE - kept_bytes[i],
                             root_offset + (off_t)kept_bytes[i]);

        assert_int_equal(recover(&database), FEW_ROWS);

        assert_int_equal(block_database_size(&database), end);
        block_database_check(&database, SEED, FEW_ROWS);
        block_database_remove(&database);
    }
}

static void rowpack_recover_sealed_file_changes_nothing(void **state)
{
    (void)state;
    static const uint64_t counts[] = {0, 1, 400, ROW_COUNT};
    for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
        struct block_database database;
        make_sealed(&database, counts[i]);
        size_t size_bytes = (size_t)block_database_size(&database);
        char *before = malloc(size_bytes);
        char *after = malloc(size_bytes);
        block_database_read(&database, before, size_bytes, 0);

        assert_int_equal(recover(&database), counts[i]);

        assert_int_equal(block_database_size(&database), size_bytes);
        block_database_read(&database, after, size_bytes, 0);
        assert_memory_equal(before, after, size_bytes);
        free(before);
        free(after);
        block_database_remove(&database);
    }
}

static void rowpack_recover_of_no_table_is_refused(void **state)
{
    (void)state;
    struct block_database database;
    block_database_create(&database);
    sqlite3 *db = block_database_open(&database);
    uint32_t index_page = (uint32_t)block_database_number(
        db, "SELECT rootpage FROM sqlite_schema WHERE name = 'site'");
    sqlite3_close(db);
    uint64_t row_count = 77;

    assert_int_equal(rowpack_recover(database.fd, index_page, &row_count, &err), -EINVAL);
    assert_int_equal(rowpack_recover(database.fd, 999, &row_count, &err), -EINVAL);
    assert_int_equal(row_count, 77);
    block_database_remove(&database);
}

static void rowpack_create_where_rows_wait_for_recovery_is_refused(void **state)
{
    (void)state;
    struct block_database database;
    uint64_t written_count = make_unsealed(&database, ROW_COUNT);
    struct rowpack *pack = NULL;

    assert_int_equal(rowpack_create(database.fd, database.root_page, &pack, &err), -EINVAL);

    assert_non_null(strstr(err.text, "recover"));
    assert_int_equal(recover(&database), written_count);
    block_database_remove(&database);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rowpack_recover_unsealed_file_gives_the_written_leaves),
        cmocka_unit_test(rowpack_recover_file_cut_short_ignores_the_torn_leaf),
        cmocka_unit_test(rowpack_recover_leaf_with_a_lost_sector_ignores_it_and_what_follows),
        cmocka_unit_test(rowpack_recover_damaged_bytes_never_gives_a_damaged_database),
        cmocka_unit_test(rowpack_recover_after_the_writer_was_killed_gives_a_prefix),
        cmocka_unit_test(rowpack_recover_interrupted_seal_gives_all_rows),
        cmocka_unit_test(rowpack_recover_torn_copy_of_a_lone_leaf_gives_all_rows),
        cmocka_unit_test(rowpack_recover_sealed_file_changes_nothing),
        cmocka_unit_test(rowpack_recover_of_no_table_is_refused),
        cmocka_unit_test(rowpack_create_where_rows_wait_for_recovery_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
