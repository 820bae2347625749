#include "../../analyzer/catalog/preload.h"

#include <errno.h>
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static struct err err;

static void preload_check_path_what_the_loader_would_split_is_refused(void **state)
{
    (void)state;

    assert_int_equal(preload_check_path("/usr/lib/liballocaudit.so", &err), 0);
    assert_int_equal(preload_check_path("/my files/lib.so", &err), -EINVAL);
    assert_int_equal(preload_check_path("/a:b/lib.so", &err), -EINVAL);

    assert_string_equal(err.text,
                        "cannot preload '/a:b/lib.so': its path holds a blank or a colon");
}

/* The test program is the only file that is surely beside it. */
static void preload_find_file_looks_beside_the_program(void **state)
{
    (void)state;
    char program[PATH_MAX];
    char found[PATH_MAX];
    const ssize_t length = readlink("/proc/self/exe", program, sizeof(program) - 1);
    assert_true(length > 0);
    program[length] = '\0';

    assert_int_equal(preload_find_file(strrchr(program, '/') + 1, found, sizeof(found), &err), 0);

    assert_string_equal(found, program);
}

static void preload_find_file_tells_where_it_looked(void **state)
{
    (void)state;
    char found[PATH_MAX];

    assert_int_equal(preload_find_file("no_such_file", found, sizeof(found), &err), -ENOENT);

    assert_non_null(strstr(err.text, "cannot find no_such_file beside '/"));
    assert_non_null(strstr(err.text, "test_preload' nor in '/"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(preload_check_path_what_the_loader_would_split_is_refused),
        cmocka_unit_test(preload_find_file_looks_beside_the_program),
        cmocka_unit_test(preload_find_file_tells_where_it_looked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
