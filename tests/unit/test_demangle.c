#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../../analyzer/elf/demangle.h"

static void check_name(const char *raw, const char *readable)
{
    struct demangler *demangler = demangler_create();
    assert_non_null(demangler);

    assert_string_equal(demangler_name(demangler, raw), readable);
    assert_string_equal(demangler_name(demangler, raw), readable); /* remembered */
    demangler_destroy(demangler);
}

static void demangler_name_of_each_language_is_readable(void **state)
{
    (void)state;

    check_name("main", "main");
    check_name("_Z3addii", "add(int, int)");
    check_name("_ZN4shop4cartIcE3addEc", "shop::cart<char>::add(char)");
    check_name("_Znwm", "operator new(unsigned long)");
    check_name("_ZN4core3fmt5write17h0123456789abcdefE", "core::fmt::write");
    check_name("_RNvCs1234_7mycrate3foo", "mycrate::foo");
}

static void demangler_name_of_clones_and_versions_is_readable(void **state)
{
    (void)state;

    check_name("memcpy@@GLIBC_2.14", "memcpy");
    check_name("_Znwm@GLIBCXX_3.4", "operator new(unsigned long)");
    check_name("_ZL6helperi.constprop.0", "helper(int) [clone .constprop.0]");
    check_name("helper.part.0", "helper.part.0");
}

static void demangler_name_of_what_only_looks_mangled_is_kept(void **state)
{
    (void)state;

    check_name("", "");
    check_name("_Z", "_Z");
    check_name("_ZN", "_ZN");
    check_name("_R", "_R");
    check_name("_Zebra", "_Zebra");
    check_name("@", "@");
    check_name("_Z9999999999999999999x", "_Z9999999999999999999x");
}

static void demangler_name_of_endless_input_is_kept(void **state)
{
    (void)state;
    enum {
        SIZE_BYTES = 100000
    };
    char *raw = malloc(SIZE_BYTES + 1);
    memset(raw, 'P', SIZE_BYTES);
    memcpy(raw, "_Z1f", 4);
    raw[SIZE_BYTES] = '\0';

    check_name(raw, raw);
    raw[30000] = '\0';
    check_name(raw, raw);
    free(raw);
}

static void demangler_name_of_many_names_stays_valid(void **state)
{
    (void)state;
    enum {
        COUNT = 3000
    };
    static char raw[COUNT][24];
    static const char *readable[COUNT];
    struct demangler *demangler = demangler_create();
    for (int i = 0; i < COUNT; i++) {
        snprintf(raw[i], sizeof(raw[i]), "_Z5f%04dv", i);
        readable[i] = demangler_name(demangler, raw[i]);
    }

    for (int i = 0; i < COUNT; i++) {
        char expected[24];
        snprintf(expected, sizeof(expected), "f%04d()", i);
        assert_string_equal(readable[i], expected);
        assert_ptr_equal(demangler_name(demangler, raw[i]), readable[i]);
    }
    demangler_destroy(demangler);
    demangler_destroy(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(demangler_name_of_each_language_is_readable),
        cmocka_unit_test(demangler_name_of_clones_and_versions_is_readable),
        cmocka_unit_test(demangler_name_of_what_only_looks_mangled_is_kept),
        cmocka_unit_test(demangler_name_of_endless_input_is_kept),
        cmocka_unit_test(demangler_name_of_many_names_stays_valid),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
