#include "../../analyzer/go/gctrace.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static const char whole[] = "gc 14 @1.932s 41%: 13+84+0.007 ms clock, 26+48/59/0+0.014 ms cpu, "
                            "181->214->90 MB, 213 MB goal, 1 MB stacks, 2 MB globals, 4 P\n";
static const char forced[] = "gc 1 @120.5s 0%: 0.025+3.1+0.006 ms clock, 0.05+0/2.9/7+0.013 ms "
                             "cpu, 26->27->14 MB, 27 MB goal, 8 P (forced)\n";

static enum gctrace_match match(const char *text, struct gc_cycle *cycle)
{
    return gctrace_match(text, strlen(text), cycle);
}

static void gctrace_match_line_of_go_1_19_is_read(void **state)
{
    (void)state;
    struct gc_cycle cycle;

    assert_int_equal(match(whole, &cycle), GCTRACE_COMPLETE);

    assert_int_equal(cycle.cycle, 14);
    assert_int_equal(cycle.since_start_ns, 1932000000);
    assert_int_equal(cycle.gc_cpu_pct, 41);
    assert_int_equal(cycle.sweep_stop_ns, 13000000);
    assert_int_equal(cycle.mark_ns, 84000000);
    assert_int_equal(cycle.mark_stop_ns, 7000);
    assert_int_equal(cycle.sweep_stop_cpu_ns, 26000000);
    assert_int_equal(cycle.assist_cpu_ns, 48000000);
    assert_int_equal(cycle.background_cpu_ns, 59000000);
    assert_int_equal(cycle.idle_cpu_ns, 0);
    assert_int_equal(cycle.mark_stop_cpu_ns, 14000);
    assert_int_equal(cycle.heap_start_bytes, 181 << 20);
    assert_int_equal(cycle.heap_end_bytes, 214 << 20);
    assert_int_equal(cycle.heap_live_bytes, 90 << 20);
    assert_int_equal(cycle.heap_goal_bytes, 213 << 20);
    assert_int_equal(cycle.stack_bytes, 1 << 20);
    assert_int_equal(cycle.global_bytes, 2 << 20);
    assert_int_equal(cycle.processor_count, 4);
    assert_false(cycle.is_forced);
}

static void gctrace_match_forced_line_of_old_go_is_read(void **state)
{
    (void)state;
    struct gc_cycle cycle;

    assert_int_equal(match(forced, &cycle), GCTRACE_COMPLETE);

    assert_true(cycle.is_forced);
    assert_int_equal(cycle.since_start_ns, UINT64_C(120500000000));
    assert_int_equal(cycle.idle_cpu_ns, 7000000);
    assert_int_equal(cycle.processor_count, 8);
    assert_true(cycle.stack_bytes == GCTRACE_UNKNOWN);
    assert_true(cycle.global_bytes == GCTRACE_UNKNOWN);
}

static void gctrace_match_every_part_of_a_line_may_go_on(void **state)
{
    (void)state;
    const char *lines[] = {whole, forced};
    struct gc_cycle cycle;

    for (size_t i = 0; i < 2; i++) {
        for (size_t length = 0; length < strlen(lines[i]); length++) {
            assert_int_equal(gctrace_match(lines[i], length, &cycle), GCTRACE_BEGIN);
        }
    }
}

static void gctrace_match_other_text_is_none(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "hello\n",
        "gc\n",
        "gc is slow\n",
        "gc 1 @\n",
        "gc 1 @0.1s 2%: 0.1+0.2 ms clock\n",
        "gc 1234567890123456 @0.1s",
        "gc 1 @0.1s 0%: 0+0+0 ms clock, 0+0/0/0+0 ms cpu, 1->1->1 MB, 4 MB goal, 2 P \n",
    };
    struct gc_cycle cycle;
    char text[2 * sizeof(whole)];

    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        assert_int_equal(match(texts[i], &cycle), GCTRACE_NONE);
    }
    snprintf(text, sizeof(text), "%s%s", whole, "x");
    assert_int_equal(match(text, &cycle), GCTRACE_NONE);
}

static void gctrace_has_begun_line_of_another_wording_is_known(void **state)
{
    (void)state;
    static const char later[] = "gc 7 @0.5s 3%: phases 1 ms";

    assert_true(gctrace_has_begun(later, strlen(later)));
    assert_true(gctrace_has_begun("gc 7 @0.5s", 10));
    assert_false(gctrace_has_begun("gc 7 @", 6));
    assert_false(gctrace_has_begun("gc 7 ran\n", 9));
    assert_false(gctrace_has_begun("", 0));
}

static void scavtrace_match_lines_of_each_version_are_read(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        struct scavenge scavenge;
    } cases[] = {
        {"scav 8 KiB work, 2968 KiB total, 87% util\n", {0, 8192, GCTRACE_UNKNOWN, 3039232, 87, 0}},
        {"scav 65536 KiB work, 67000 KiB total, 3% util (forced)\n",
         {0, 64 << 20, GCTRACE_UNKNOWN, 67000 << 10, 3, true}},
        {"scav 0 KiB work, 1 KiB total, 100% util [controller reset]\n",
         {0, 0, GCTRACE_UNKNOWN, 1024, 100, false}},
        {"scav 4 KiB work (bg), 12 KiB work (eager), 16 KiB now, 50% util\n",
         {0, 4096, 12288, 16384, 50, false}},
        {"scav 4 KiB work (bg), 0 KiB work (eager), 16 KiB now, 50% util (forced)\n",
         {0, 4096, 0, 16384, 50, true}},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct scavenge scavenge = {.at_ns = 1};
        const struct scavenge *expected = &cases[i].scavenge;
        const char *text = cases[i].text;
        assert_int_equal(scavtrace_match(text, strlen(text), &scavenge), GCTRACE_COMPLETE);
        assert_int_equal(scavenge.at_ns, 0);
        assert_int_equal(scavenge.released_bytes, expected->released_bytes);
        assert_true(scavenge.eager_bytes == expected->eager_bytes);
        assert_int_equal(scavenge.returned_bytes, expected->returned_bytes);
        assert_int_equal(scavenge.in_use_pct, expected->in_use_pct);
        assert_int_equal(scavenge.is_forced, expected->is_forced);
        for (size_t length = 1; length < strlen(text); length++) {
            assert_int_equal(scavtrace_match(text, length, &scavenge), GCTRACE_BEGIN);
        }
    }
}

static void scavtrace_match_other_text_is_none(void **state)
{
    (void)state;
    static const char *const others[] = {
        "scavenger ",
        "scav 8 MiB work",
        "scav x KiB work, ",
        "scav 8 KiB work, 2968 KiB total, 87% util (later)\n",
        "scav 3 8 KiB work, 2968 KiB total, 87% util\n", /* before Go 1.19 */
        "gc 1 ",
    };
    struct scavenge scavenge;
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
        assert_int_equal(scavtrace_match(others[i], strlen(others[i]), &scavenge), GCTRACE_NONE);
    }
}

static void gctrace_has_begun_scavenge_of_another_wording_is_known(void **state)
{
    (void)state;
    static const char later[] = "scav 8 KiB taken, 3 KiB left\n";
    assert_true(gctrace_has_begun(later, strlen(later)));
    assert_false(gctrace_has_begun("scav 8 things\n", 14));
    assert_false(gctrace_has_begun("scav ", 5));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(gctrace_match_line_of_go_1_19_is_read),
        cmocka_unit_test(gctrace_match_forced_line_of_old_go_is_read),
        cmocka_unit_test(gctrace_match_every_part_of_a_line_may_go_on),
        cmocka_unit_test(gctrace_match_other_text_is_none),
        cmocka_unit_test(gctrace_has_begun_line_of_another_wording_is_known),
        cmocka_unit_test(scavtrace_match_lines_of_each_version_are_read),
        cmocka_unit_test(scavtrace_match_other_text_is_none),
        cmocka_unit_test(gctrace_has_begun_scavenge_of_another_wording_is_known),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
