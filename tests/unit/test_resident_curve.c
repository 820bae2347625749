#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "../../analyzer/replay/resident_curve.h"

static const char answer[] = "call_count 12\n"
                             "rss_ready_bytes 1000\n"
                             "reading 0 1000\n"
                             "reading 10 5000\n"
                             "reading 12 9000\n"
                             "reading 20 4000\n"
                             "reading 90 3000\n";

static void resident_curve_read_finds_readings_among_other_lines(void **state)
{
    (void)state;
    struct resident_curve curve;
    struct err err;

    assert_int_equal(resident_curve_read(answer, &curve, &err), 0);

    assert_int_equal(curve.count, 5);
    assert_int_equal(curve.ready_bytes, 1000);
    assert_int_equal(curve.readings[2].at_ns, 12);
    assert_int_equal(curve.readings[2].bytes, 9000);
    resident_curve_fini(&curve);
}

static void resident_curve_read_answer_without_readings_is_refused(void **state)
{
    (void)state;
    struct resident_curve curve;
    struct err err;

    assert_int_equal(resident_curve_read("rss_ready_bytes 5\nreading 7\n", &curve, &err), -EBADMSG);
}

static void resident_curve_most_goes_along_the_readings(void **state)
{
    (void)state;
    static const struct {
        uint64_t from_ns;
        uint64_t to_ns;
        uint64_t most_bytes; /* beyond those at the start */
    } cases[] = {
        {0, 10, 0},                       /* up to the next reading, not with it */
        {10, 11, 4000},   {11, 20, 8000}, /* most within */
        {30, 40, 3000},                   /* none within: as before */
        {40, 100, 3000},                  /* what was before counts, too */
        {100, 200, 2000},
    };
    struct resident_curve curve;
    struct err err;
    size_t cursor = 0;
    assert_int_equal(resident_curve_read(answer, &curve, &err), 0);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        assert_int_equal(resident_curve_most(&curve, &cursor, cases[i].from_ns, cases[i].to_ns),
                         cases[i].most_bytes);
    }
    resident_curve_fini(&curve);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(resident_curve_read_finds_readings_among_other_lines),
        cmocka_unit_test(resident_curve_read_answer_without_readings_is_refused),
        cmocka_unit_test(resident_curve_most_goes_along_the_readings),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
