/*
 * test_rowpack_kept.c - the leaf that is being filled outlives its writer.
 */
#include "block_database.h"

#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>

enum {
    SEED = 6
};

static struct err err;

static int make_kept_file(void)
{
    char path[] = "/tmp/allocaudit-kept-XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(unlink(path), 0);
    return fd;
}

static struct rowpack *begin(struct block_database *database, int kept_fd)
{
    struct rowpack *pack = NULL;
    block_database_create(database);
    assert_int_equal(rowpack_create(database->fd, database->root_page, &pack, &err), 0);
    assert_int_equal(rowpack_keep_leaf(pack, kept_fd, &err), 0);
    return pack;
}

static uint64_t recover(const struct block_database *database, int kept_fd)
{
    uint64_t row_count = UINT64_MAX;
    if (rowpack_recover_kept(database->fd, database->root_page, kept_fd, &row_count, &err) < 0) {
        fail_msg("%s", err.text);
    }
    return row_count;
}

static void rowpack_recover_kept_gives_every_row(void **state)
{
    (void)state;
    static const uint64_t counts[] = {0, 1, 2, 499, 500, 1000, 4000, 9000, 9001, 20000};
    for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
        struct block_database database;
        int kept_fd = make_kept_file();
        struct rowpack *pack = begin(&database, kept_fd);
        block_database_append(pack, SEED, counts[i]);
        rowpack_destroy(pack);

        assert_int_equal(recover(&database, kept_fd), counts[i]);

        block_database_check(&database, SEED, counts[i]);
        assert_int_equal(recover(&database, kept_fd), counts[i]); /* once more changes nothing */
        block_database_check(&database, SEED, counts[i]);
        block_database_remove(&database);
        assert_int_equal(close(kept_fd), 0);
    }
}

static void rowpack_recover_kept_at_each_row_around_a_page_gives_every_row(void **state)
{
    (void)state;
    struct block_database database;
    int kept_fd = make_kept_file();
    struct rowpack *pack = begin(&database, kept_fd);
    off_t empty_bytes = block_database_size(&database);
    uint64_t per_page = 0;
    while (block_database_size(&database) == empty_bytes) {
        block_database_append(pack, SEED, 1);
        per_page++;
    }
    rowpack_destroy(pack);
    block_database_remove(&database);
    assert_int_equal(close(kept_fd), 0);

    for (uint64_t count = per_page - 2; count <= per_page + 2; count++) {
        kept_fd = make_kept_file();
        pack = begin(&database, kept_fd);
        block_database_append(pack, SEED, count);
        rowpack_destroy(pack);

        assert_int_equal(recover(&database, kept_fd), count);

        block_database_check(&database, SEED, count);
        block_database_remove(&database);
        assert_int_equal(close(kept_fd), 0);
    }
}

/* The kill came while the full leaf was on its way into the file. */
static void rowpack_recover_kept_of_a_torn_write_gives_every_row(void **state)
{
    (void)state;
    static const int cuts_bytes[] = {1, 4096, 30000, 65535};
    for (size_t i = 0; i < sizeof(cuts_bytes) / sizeof(cuts_bytes[0]); i++) {
        struct block_database database;
        int kept_fd = make_kept_file();
        struct rowpack *pack = begin(&database, kept_fd);
        off_t size_bytes = block_database_size(&database);
        static char kept[4096 + DATABASE_PAGE_BYTES];
        uint64_t count = 0;
        while (block_database_size(&database) == size_bytes) {
            assert_int_equal(pread(kept_fd, kept, sizeof(kept), 0), sizeof(kept));
            block_database_append(pack, SEED, 1);
            count++;
        }
        rowpack_destroy(pack);
        assert_int_equal(pwrite(kept_fd, kept, sizeof(kept), 0), sizeof(kept));
        assert_int_equal(ftruncate(database.fd, block_database_size(&database) - cuts_bytes[i]), 0);

        assert_int_equal(recover(&database, kept_fd), count - 1);

        block_database_check(&database, SEED, count - 1);
        block_database_remove(&database);
        assert_int_equal(close(kept_fd), 0);
    }
}

static void rowpack_seal_with_a_kept_leaf_gives_the_same_table(void **state)
{
    (void)state;
    static const uint64_t counts[] = {0, 1, 400, 9000};
    for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
        struct block_database database;
        int kept_fd = make_kept_file();
        struct rowpack *pack = begin(&database, kept_fd);
        block_database_append(pack, SEED, counts[i]);

        assert_int_equal(rowpack_seal(pack, &err), 0);

        rowpack_destroy(pack);
        block_database_check(&database, SEED, counts[i]);
        assert_int_equal(recover(&database, kept_fd), counts[i]);
        block_database_check(&database, SEED, counts[i]);
        block_database_remove(&database);
        assert_int_equal(close(kept_fd), 0);
    }
}

static void rowpack_recover_kept_ignores_a_file_that_is_none(void **state)
{
    (void)state;
    struct block_database database;
    int kept_fd = make_kept_file();
    struct rowpack *pack = begin(&database, kept_fd);
    block_database_append(pack, SEED, 100);
    rowpack_destroy(pack);
    int short_fd = make_kept_file();
    int zero_fd = make_kept_file();
    int wild_fd = make_kept_file();
    assert_int_equal(ftruncate(zero_fd, 4096 + DATABASE_PAGE_BYTES), 0);
    for (int i = 0; i < (4096 + DATABASE_PAGE_BYTES) / 8; i++) {
        static const uint64_t word = 100;
        assert_int_equal(pwrite(wild_fd, &word, 8, 8 * i), 8);
    }

    assert_int_equal(recover(&database, short_fd), 0);
    assert_int_equal(recover(&database, zero_fd), 0);
    assert_int_equal(recover(&database, wild_fd), 0);
    assert_int_equal(recover(&database, kept_fd), 100);

    block_database_check(&database, SEED, 100);
    block_database_remove(&database);
    assert_int_equal(close(short_fd) | close(zero_fd) | close(wild_fd) | close(kept_fd), 0);
}

static void append_until_killed(const struct block_database *database, int kept_fd,
                                _Atomic uint64_t *told)
{
    struct rowpack *pack = NULL;
    uint64_t id;
    if (rowpack_create(database->fd, database->root_page, &pack, NULL) < 0 ||
        rowpack_keep_leaf(pack, kept_fd, NULL) < 0) {
        _exit(1);
    }
    for (uint64_t i = 1;; i++) {
        const struct block_row row = block_row_make(SEED, i);
        if (rowpack_append(pack, &row, &id, NULL) < 0) {
            _exit(1);
        }
        atomic_store(told, id);
    }
}

static void rowpack_recover_kept_after_a_kill_loses_no_row(void **state)
{
    (void)state;
    _Atomic uint64_t *told =
        mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    assert_true(told != MAP_FAILED);
    for (int round = 0; round < 20; round++) {
        struct block_database database;
        int kept_fd = make_kept_file();
        block_database_create(&database);
        atomic_store(told, 0);
        pid_t pid = fork();
        if (pid == 0) {
            append_until_killed(&database, kept_fd, told);
        }
        while (atomic_load(told) < (uint64_t)round * 777) {
            const struct timespec pause = {.tv_nsec = 1000};
            nanosleep(&pause, NULL);
        }
        kill(pid, SIGKILL);
        assert_int_equal(waitpid(pid, NULL, 0), pid);
        uint64_t last = atomic_load(told);

        uint64_t row_count = recover(&database, kept_fd);

        assert_in_range(row_count, last, last + 1);
        block_database_check(&database, SEED, row_count);
        block_database_remove(&database);
        assert_int_equal(close(kept_fd), 0);
    }
    assert_int_equal(munmap(told, 4096), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rowpack_recover_kept_gives_every_row),
        cmocka_unit_test(rowpack_recover_kept_at_each_row_around_a_page_gives_every_row),
        cmocka_unit_test(rowpack_recover_kept_of_a_torn_write_gives_every_row),
        cmocka_unit_test(rowpack_seal_with_a_kept_leaf_gives_the_same_table),
        cmocka_unit_test(rowpack_recover_kept_ignores_a_file_that_is_none),
        cmocka_unit_test(rowpack_recover_kept_after_a_kill_loses_no_row),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
