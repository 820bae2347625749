#include <fcntl.h>
#include <unistd.h>

#include "fixture_recording.h"

#include "../../analyzer/base/sqlite_head.h"

static void sqlite_head_read_tells_a_recording_from_others(void **state)
{
    (void)state;
    struct fixture_recording fixture;
    uint32_t application_id = 7;
    fixture_recording_make(&fixture);

    int fd = open(fixture.path, O_RDWR | O_CLOEXEC);
    assert_true(sqlite_head_read(fd, &application_id));
    assert_int_equal(application_id, DATABASE_APPLICATION_ID);
    assert_int_equal(lseek(fd, 0, SEEK_CUR), 0);

    assert_int_equal(ftruncate(fd, 99), 0);
    assert_false(sqlite_head_read(fd, &application_id));
    assert_int_equal(pwrite(fd, "SQLite format 4", 16, 0), 16);
    assert_int_equal(ftruncate(fd, 100), 0);
    assert_false(sqlite_head_read(fd, &application_id));
    assert_int_equal(close(fd), 0);
    assert_false(sqlite_head_read(-1, &application_id));
    fixture_recording_remove(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sqlite_head_read_tells_a_recording_from_others),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
