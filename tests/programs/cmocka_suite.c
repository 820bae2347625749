/*
 * cmocka_suite.c - tests that know nothing of us: one makes three blocks, one none, one fails, one
 * forgets a block.
 * build: -lcmocka
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

static void *volatile sink;

static void test_three(void **state)
{
    (void)state;
    for (int i = 0; i < 3; i++) {
        sink = malloc(10);
        free(sink);
    }
}

static void test_none(void **state)
{
    (void)state;
}

static void test_fails(void **state)
{
    (void)state;
    assert_int_equal(getenv("SUITE_FAILS") != NULL, 0);
}

static void test_forgets(void **state)
{
    (void)state;
    sink = malloc(7);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_three),
        cmocka_unit_test(test_fails),
        cmocka_unit_test(test_none),
        cmocka_unit_test(test_forgets),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
