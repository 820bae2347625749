#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "../../analyzer/cli/options.h"

static void options_read_bytes_knows_the_units(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        uint64_t bytes;
    } cases[] = {
        {"0", 0},
        {"512", 512},
        {"512B", 512},
        {"512k", 512 << 10},
        {"64KiB", 64 << 10},
        {"64 KiB", 64 << 10},
        {"64KB", 64 << 10},
        {"10M", 10 << 20},
        {"1.5MiB", 3 << 19},
        {"2GiB", UINT64_C(2) << 30},
        {"1T", UINT64_C(1) << 40},
        {"0.5TiB", UINT64_C(1) << 39},
        {"18446744073709551615", UINT64_MAX},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        uint64_t bytes = 1;
        assert_int_equal(options_read_bytes(cases[i].text, &bytes, NULL), 0);
        assert_int_equal(bytes, cases[i].bytes);
    }
}

static void options_read_duration_knows_the_units(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        uint64_t ns;
    } cases[] = {
        {"0", 0},
        {"7ns", 7},
        {"100us", 100 * 1000},
        {"10ms", 10 * 1000 * 1000},
        {"2s", UINT64_C(2000000000)},
        {"1.5s", UINT64_C(1500000000)},
        {"0.000000001s", 1},
        {"2min", UINT64_C(120000000000)},
        {"1.25h", UINT64_C(4500000000000)},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        uint64_t ns = 1;
        assert_int_equal(options_read_duration(cases[i].text, &ns, NULL), 0);
        assert_int_equal(ns, cases[i].ns);
    }
}

static void options_read_refuses_what_is_no_value(void **state)
{
    (void)state;
    static const char *const bad_bytes[] = {"",    " 1",   "1 ",  "1  k", "k",  "1.k",
                                            "1.5", "0x10", "1kk", "-1",   "1e3"};
    static const char *const bad_times[] = {"", "1", "1.5ns", "1 s", "s", "1m", "1.s"};
    uint64_t value = 77;

    for (size_t i = 0; i < sizeof(bad_bytes) / sizeof(bad_bytes[0]); i++) {
        assert_int_equal(options_read_bytes(bad_bytes[i], &value, NULL), -EINVAL);
    }
    for (size_t i = 0; i < sizeof(bad_times) / sizeof(bad_times[0]); i++) {
        assert_int_equal(options_read_duration(bad_times[i], &value, NULL), -EINVAL);
    }
    assert_int_equal(options_read_bytes("17000000T", &value, NULL), -ERANGE);
    assert_int_equal(options_read_bytes("16777215.9999999999T", &value, NULL), 0);
    assert_int_equal(value >> 40, 16777215);
    assert_int_equal(options_read_duration("6000000h", &value, NULL), -ERANGE);
    assert_int_equal(options_read_count("18446744073709551616", &value, NULL), -ERANGE);
}

static void options_is_file_name_tells_files_from_words(void **state)
{
    (void)state;
    assert_true(options_is_file_name("a.db"));
    assert_true(options_is_file_name("./x"));
    assert_true(options_is_file_name("/tmp/allocaudit"));
    assert_false(options_is_file_name("sites"));
    assert_false(options_is_file_name(".db"));
    assert_false(options_is_file_name("x.dbx"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(options_read_bytes_knows_the_units),
        cmocka_unit_test(options_read_duration_knows_the_units),
        cmocka_unit_test(options_read_refuses_what_is_no_value),
        cmocka_unit_test(options_is_file_name_tells_files_from_words),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
