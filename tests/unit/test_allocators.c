#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "../../analyzer/catalog/allocators.h"

static void allocators_find_knows_names_and_nothing_else(void **state)
{
    (void)state;
    const struct allocator *jemalloc = allocators_find("jemalloc");

    assert_non_null(jemalloc);
    assert_int_equal(jemalloc->kind, ALLOCATOR_JEMALLOC);
    assert_string_equal(jemalloc->package, "libjemalloc2");
    assert_null(allocators_find("jemallo"));
    assert_null(allocators_find(""));
}

static void allocators_suggest_names_the_nearest(void **state)
{
    (void)state;
    assert_string_equal(allocators_suggest("mimaloc"), "mimalloc");
    assert_string_equal(allocators_suggest("tcmaloc"), "tcmalloc");
    assert_null(allocators_suggest("xyzzy"));
}

static void allocators_list_names_all_and_never_overflows(void **state)
{
    (void)state;
    char names[128];
    char few[8];

    allocators_list(names, sizeof(names));
    allocators_list(few, sizeof(few));

    assert_string_equal(names, "glibc, jemalloc, tcmalloc, mimalloc, pool, frame, buddy, slab");
    assert_string_equal(few, "glibc, ");
}

static void allocators_locate_glibc_and_our_own_need_no_library(void **state)
{
    (void)state;
    static const char *const names[] = {"glibc", "pool", "slab"};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        char path[64] = "?";
        struct err err;

        int result = allocators_locate(allocators_find(names[i]), path, sizeof(path), &err);

        assert_int_equal(result, 0);
        assert_string_equal(path, "");
    }
}

static void allocators_locate_missing_library_names_the_package(void **state)
{
    (void)state;
    static const char *const libraries[] = {"libnowhere.so.9", NULL};
    const struct allocator nowhere = {"nowhere", ALLOCATOR_FILE, libraries, "libnowhere9"};
    char path[64] = "?";
    struct err err;

    int result = allocators_locate(&nowhere, path, sizeof(path), &err);

    assert_true(result < 0);
    assert_string_equal(err.text, "cannot find libnowhere.so.9: install the package libnowhere9");
    assert_string_equal(path, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(allocators_find_knows_names_and_nothing_else),
        cmocka_unit_test(allocators_suggest_names_the_nearest),
        cmocka_unit_test(allocators_list_names_all_and_never_overflows),
        cmocka_unit_test(allocators_locate_glibc_and_our_own_need_no_library),
        cmocka_unit_test(allocators_locate_missing_library_names_the_package),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
