#include "../../analyzer/base/writer_lock.h"

#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static char path[] = "/tmp/allocaudit-test-XXXXXX";
static int fd = -1;

static int make_file(void **state)
{
    (void)state;
    fd = mkstemp(path);
    return fd < 0;
}

static int remove_file(void **state)
{
    (void)state;
    close(fd);
    unlink(path);
    snprintf(path, sizeof(path), "/tmp/allocaudit-test-XXXXXX");
    return 0;
}

static void writer_lock_is_of_one_descriptor(void **state)
{
    (void)state;
    int other = open(path, O_RDWR);
    assert_true(other >= 0);
    assert_false(writer_lock_is_held(path));
    assert_true(writer_lock_take(fd));
    assert_true(writer_lock_is_held(path));
    assert_true(writer_lock_take(fd));
    assert_false(writer_lock_take(other));
    assert_false(writer_lock_wait(other));
    close(fd);
    fd = other;
    assert_false(writer_lock_is_held(path));
    assert_true(writer_lock_wait(other));
}

static void writer_lock_outlives_other_descriptors_and_transactions(void **state)
{
    (void)state;
    sqlite3 *database = NULL;
    assert_true(writer_lock_take(fd));
    assert_int_equal(sqlite3_open(path, &database), SQLITE_OK);
    assert_int_equal(
        sqlite3_exec(database, "BEGIN EXCLUSIVE; CREATE TABLE t (a); COMMIT", NULL, NULL, NULL),
        SQLITE_OK);
    sqlite3_close(database);
    close(open(path, O_RDWR));
    assert_true(writer_lock_is_held(path));
}

static void writer_lock_ends_with_a_kill(void **state)
{
    (void)state;
    int ready[2];
    char byte;
    assert_int_equal(pipe(ready), 0);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        int own = open(path, O_RDWR);
        if (writer_lock_take(own)) {
            (void)!write(ready[1], "", 1);
        }
        close(ready[1]);
        pause();
        _exit(1);
    }
    close(ready[1]);
    assert_int_equal(read(ready[0], &byte, 1), 1);
    close(ready[0]);
    assert_true(writer_lock_is_held(path));
    assert_false(writer_lock_take(fd));
    kill(pid, SIGKILL);
    assert_true(writer_lock_wait(fd));
    assert_int_equal(waitpid(pid, NULL, 0), pid);
}

static void writer_lock_of_a_missing_file_is_free(void **state)
{
    (void)state;
    assert_false(writer_lock_is_held("/nonexistent/file"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(writer_lock_is_of_one_descriptor, make_file, remove_file),
        cmocka_unit_test_setup_teardown(writer_lock_outlives_other_descriptors_and_transactions,
                                        make_file, remove_file),
        cmocka_unit_test_setup_teardown(writer_lock_ends_with_a_kill, make_file, remove_file),
        cmocka_unit_test(writer_lock_of_a_missing_file_is_free),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
