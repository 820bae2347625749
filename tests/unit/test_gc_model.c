#include "../../analyzer/model/gc_model.h"

#include <errno.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#define MIB (UINT64_C(1) << 20)

static struct err err;

enum {
    CYCLES = 40,
    LIVE_MIB = 50,
    COST_NS = 5000000, /* 1 ms + 80 us for each MiB that is live */
};

/* A program with 50 MiB live, collected at GOGC=100 whenever its heap reaches 100. */
static struct gc_history make_history(size_t count)
{
    struct gc_history history;
    struct gc_row *rows = calloc(count, sizeof(*rows));
    for (size_t i = 0; i < count; i++) {
        rows[i] = (struct gc_row){
            .cycle = i + 1,
            .since_start_ns = i * 100000000,
            .sweep_stop_ns = 10000 + i,
            .mark_stop_ns = 20000,
            .mark_ns = 4000000,
            .assist_cpu_ns = COST_NS / 5,
            .background_cpu_ns = COST_NS - COST_NS / 5,
            .heap_start_bytes = 90 * MIB,
            .heap_end_bytes = 100 * MIB,
            .heap_live_bytes = LIVE_MIB * MIB,
            .heap_goal_bytes = 100 * MIB,
            .processor_count = 4,
        };
    }
    assert_int_equal(gc_history_make(rows, count, &history), 0);
    return history;
}

static const struct gc_setting common = {GC_GOGC_COMMON, GC_LIMIT_NONE};

static void gc_history_make_sums_up(void **state)
{
    (void)state;
    struct gc_history history = make_history(CYCLES);

    assert_int_equal(history.cpu_ns, (uint64_t)CYCLES * COST_NS);
    assert_int_equal(history.assist_cpu_ns, (uint64_t)CYCLES * COST_NS / 5);
    assert_int_equal(history.allocated_bytes, (100 + (CYCLES - 1) * 50) * MIB);
    assert_int_equal(history.stop_max_ns, 20000);
    assert_int_equal(history.stop_p50_ns, 10000 + CYCLES - 1);
    assert_int_equal(history.stop_p99_ns, 20000);
    assert_int_equal(history.periodic_count, 0);
    gc_history_fini(&history);
}

static void gc_history_make_collections_by_the_clock_are_told_apart(void **state)
{
    (void)state;
    struct gc_row *rows = calloc(3, sizeof(*rows));
    struct gc_history history;
    rows[0] = (struct gc_row){.cycle = 1, .heap_goal_bytes = 100 * MIB};
    rows[1] = (struct gc_row){.cycle = 2,
                              .since_start_ns = GC_PERIOD_NS + 5000000,
                              .heap_start_bytes = 60 * MIB,
                              .heap_goal_bytes = 100 * MIB};
    rows[2] = (struct gc_row){.cycle = 3,
                              .since_start_ns = 2 * GC_PERIOD_NS + 10000000,
                              .heap_start_bytes = 100 * MIB}; /* it was time anyway */

    assert_int_equal(gc_history_make(rows, 3, &history), 0);

    assert_int_equal(history.periodic_count, 1);
    gc_history_fini(&history);
}

static void gc_model_predict_doubling_gogc_halves_the_cost(void **state)
{
    (void)state;
    struct gc_history history = make_history(CYCLES);
    struct gc_model model;
    struct gc_prediction same;
    struct gc_prediction twice;
    assert_int_equal(gc_model_fit(&history, &common, 130 * MIB, &model, &err), 0);

    gc_model_predict(&model, &common, &same);
    gc_model_predict(&model, &(struct gc_setting){200, GC_LIMIT_NONE}, &twice);

    assert_true(fabs(same.cpu_ns / (double)history.cpu_ns - 1) < 0.01);
    assert_true(fabs(same.heap_bytes / (100.0 * MIB) - 1) < 0.01);
    assert_true(fabs(same.memory_bytes / (130.0 * MIB) - 1) < 0.01);
    assert_true(fabs(twice.cpu_ns / same.cpu_ns - 0.5) < 0.05);
    assert_true(fabs(twice.heap_bytes / (150.0 * MIB) - 1) < 0.05);
    gc_history_fini(&history);
}

static void gc_model_predict_limit_holds_memory_or_starves(void **state)
{
    (void)state;
    struct gc_history history = make_history(CYCLES);
    struct gc_model model;
    struct gc_prediction roomy;
    struct gc_prediction tight;
    assert_int_equal(gc_model_fit(&history, &common, 110 * MIB, &model, &err), 0);

    gc_model_predict(&model, &(struct gc_setting){GC_GOGC_OFF, 210 * MIB}, &roomy);
    gc_model_predict(&model, &(struct gc_setting){GC_GOGC_OFF, 55 * MIB}, &tight);

    assert_true(fabs(roomy.memory_bytes / (210.0 * MIB) - 1) < 0.02);
    assert_false(roomy.is_starved);
    assert_true(tight.is_starved);
    assert_true(tight.cpu_ns > 5 * roomy.cpu_ns);
    gc_history_fini(&history);
}

static void gc_model_fit_few_collections_are_refused(void **state)
{
    (void)state;
    struct gc_history history = make_history(3);
    struct gc_model model;

    assert_int_equal(gc_model_fit(&history, &common, 0, &model, &err), -ENODATA);
    gc_history_fini(&history);
}

static void gc_settings_are_read_as_go_reads_them(void **state)
{
    (void)state;
    uint64_t value;

    assert_true(gc_gogc_parse(NULL, &value) && value == 100);
    assert_true(gc_gogc_parse("off", &value) && value == GC_GOGC_OFF);
    assert_true(gc_gogc_parse("50", &value) && value == 50);
    assert_false(gc_gogc_parse("50%", &value));
    assert_true(gc_limit_parse("", &value) && value == GC_LIMIT_NONE);
    assert_true(gc_limit_parse("off", &value) && value == GC_LIMIT_NONE);
    assert_true(gc_limit_parse("512MiB", &value) && value == 512 * MIB);
    assert_true(gc_limit_parse("1048576", &value) && value == MIB);
    assert_true(gc_limit_parse("3B", &value) && value == 3);
    assert_false(gc_limit_parse("512M", &value));
    assert_false(gc_limit_parse("-1", &value));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(gc_history_make_sums_up),
        cmocka_unit_test(gc_history_make_collections_by_the_clock_are_told_apart),
        cmocka_unit_test(gc_model_predict_doubling_gogc_halves_the_cost),
        cmocka_unit_test(gc_model_predict_limit_holds_memory_or_starves),
        cmocka_unit_test(gc_model_fit_few_collections_are_refused),
        cmocka_unit_test(gc_settings_are_read_as_go_reads_them),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
