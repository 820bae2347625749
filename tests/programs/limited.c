/*
 * Tests with limits on allocations; arguments name those that shall fail.
 *
 *   limited [allocs|leak|peak]
 *
 * build: -lcmocka
 */
#include <stdlib.h>
#include <string.h>

#include "../../interposer/allocaudit_cmocka.h"

static const char *wrong = "";
static void *volatile kept;

static int is_wrong(const char *what)
{
    return strcmp(wrong, what) == 0;
}

static void allocs_are_counted(void **state)
{
    (void)state;
    assert_max_allocs(2)
    {
        free(malloc(10));
        free(malloc(20));
        if (is_wrong("allocs")) {
            kept = strdup("one too many");
        }
    }
    assert_no_allocs
    {
        kept = NULL;
    }
}

static void balance_is_checked(void **state)
{
    (void)state;
    assert_balanced
    {
        void *volatile block = malloc(30);
        kept = is_wrong("leak") ? malloc(40) : NULL;
        free(block);
    }
}

static int left_early(int by_break)
{
    assert_max_peak(100)
    {
        free(malloc(60));
        free(malloc(is_wrong("peak") ? 101 : 60));
        if (by_break) {
            break;
        }
        return 1;
    }
    return 2;
}

static void peak_is_checked_however_the_block_is_left(void **state)
{
    (void)state;
    assert_int_equal(left_early(0), 1);
    assert_int_equal(left_early(1), 2);
}

static void limits_nest(void **state)
{
    (void)state;
    assert_max_allocs(1)
    {
        void *volatile block = malloc(8);
        assert_no_allocs
        {
            free(block);
        }
    }
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        allocaudit_unit_test(allocs_are_counted),
        allocaudit_unit_test(balance_is_checked),
        allocaudit_unit_test(peak_is_checked_however_the_block_is_left),
        allocaudit_unit_test(limits_nest),
    };
    wrong = argc > 1 ? argv[1] : "";
    return cmocka_run_group_tests(tests, NULL, NULL);
}
