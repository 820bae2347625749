#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "../../analyzer/gate/amount.h"

static void expect(const char *text, bool is_bytes, uint64_t at_least, uint64_t at_most)
{
    struct amount_range range = {7, 7};
    struct err err = {0};

    int result = amount_parse(text, is_bytes, &range, &err);

    if (result != 0) {
        fail_msg("'%s': %s", text, err.text);
    }
    assert_int_equal(range.at_least, at_least);
    assert_int_equal(range.at_most, at_most);
}

static void refuse(const char *text, bool is_bytes, const char *why)
{
    struct amount_range range;
    struct err err = {0};

    int result = amount_parse(text, is_bytes, &range, &err);

    assert_true(result == -EINVAL || result == -ERANGE);
    if (strstr(err.text, why) == NULL) {
        fail_msg("'%s' is refused by: %s", text, err.text);
    }
}

static void amount_parse_plain_is_an_upper_limit(void **state)
{
    (void)state;
    expect("250000", false, 0, 250000);
    expect("  0 ", false, 0, 0);
    expect("<= 12", false, 0, 12);
    expect("1.5KiB", true, 0, 1536);
}

static void amount_parse_equals_is_exact(void **state)
{
    (void)state;
    expect("= 12", false, 12, 12);
    expect("=64KiB", true, 65536, 65536);
}

static void amount_parse_tolerance_widens(void **state)
{
    (void)state;
    expect("100 + 5%", false, 0, 105);
    expect("100+7", false, 0, 107);
    expect("= 100 + 5", false, 100, 105);
    expect("100 +- 2%", false, 98, 102);
    expect("100 ± 2", false, 98, 102);
    expect("64MiB +/- 1MiB", true, 63 << 20, 65 << 20);
    expect("5 +- 10", false, 0, 15);
}

static void amount_parse_percentage_is_rounded_down(void **state)
{
    (void)state;
    expect("101 + 0.5%", false, 0, 101);
    expect("200 + 0.5%", false, 0, 201);
    expect("0 + 5%", false, 0, 0);
}

static void amount_parse_nonsense_is_refused(void **state)
{
    (void)state;
    refuse("", false, "missing");
    refuse("=", false, "missing");
    refuse("100 +", false, "missing");
    refuse("100 + x%", false, "percentage");
    refuse("100 + -1%", false, "percentage");
    refuse("100 + 5000%", false, "percentage");
    refuse("-3", false, "no number");
    refuse("12KiB", false, "no number");
    refuse("12kx", true, "unknown unit");
    refuse("18446744073709551615 + 1", false, "too large");
    refuse("99999999999999999999", false, "too large");
    refuse("0000000000000000000000000000000000000000000000000000000000000000000000000001", false,
           "no amount");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(amount_parse_plain_is_an_upper_limit),
        cmocka_unit_test(amount_parse_equals_is_exact),
        cmocka_unit_test(amount_parse_tolerance_widens),
        cmocka_unit_test(amount_parse_percentage_is_rounded_down),
        cmocka_unit_test(amount_parse_nonsense_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
