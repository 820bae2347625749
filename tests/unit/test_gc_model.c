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
    gc_model_fini(&model);
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

    assert_true(fabs(roomy.memory_bytes / (210.0 * MIB) - 1) < 0.05);
    assert_false(roomy.is_starved);
    assert_true(tight.is_starved);
    assert_true(tight.cpu_ns > 5 * roomy.cpu_ns);
    gc_model_fini(&model);
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

/* A program with LIVE_MIB live that allocates as fast as the pacer lets it: marking begins at 45/64
 * of the way to the goal and ends there. The collections of 4 GiB at that GOGC. */
static struct gc_history pace(uint64_t gogc_pct)
{
    struct gc_row *rows = calloc(1000, sizeof(*rows));
    struct gc_history history;
    double marked = LIVE_MIB;
    size_t count = 0;
    for (double allocated = 0; allocated < 4096 && count < 1000; count++) {
        double goal = marked + marked * (double)gogc_pct / 100;
        double trigger = marked + (goal - marked) * 45 / 64;
        allocated += goal - marked;
        marked = LIVE_MIB + goal - trigger;
        rows[count] = (struct gc_row){
            .cycle = count + 1,
            .mark_ns = 4000000,
            .assist_cpu_ns = 2000000,
            .background_cpu_ns = 2000000,
            .heap_start_bytes = (uint64_t)(trigger * (double)MIB),
            .heap_end_bytes = (uint64_t)(goal * (double)MIB),
            .heap_live_bytes = (uint64_t)(marked * (double)MIB),
            .heap_goal_bytes = (uint64_t)(goal * (double)MIB),
            .processor_count = 2,
        };
    }
    assert_int_equal(gc_history_make(rows, count, &history), 0);
    return history;
}

static void gc_model_predict_collections_of_other_settings(void **state)
{
    (void)state;
    static const uint64_t settings[] = {75, 150};
    struct gc_history recorded = pace(100);
    struct gc_model model;
    assert_int_equal(gc_model_fit(&recorded, &common, 0, &model, &err), 0);

    for (size_t i = 0; i < sizeof(settings) / sizeof(settings[0]); i++) {
        struct gc_history truth = pace(settings[i]);
        struct gc_prediction predicted;
        gc_model_predict(&model, &(struct gc_setting){settings[i], GC_LIMIT_NONE}, &predicted);
        assert_true(fabs(predicted.cpu_ns / (double)truth.cpu_ns - 1) < 0.15);
        assert_true(fabs(predicted.heap_mean_bytes / (double)truth.heap_mean_bytes - 1) < 0.15);
        gc_history_fini(&truth);
    }
    gc_model_fini(&model);
    gc_history_fini(&recorded);
}

static void gc_course_make_what_was_allocated_while_marking_is_not_live(void **state)
{
    (void)state;
    struct gc_history history = make_history(CYCLES);
    struct gc_course course;

    assert_int_equal(gc_course_make(&history, &course), 0);

    assert_int_equal((uint64_t)course.points[10].live_bytes, (LIVE_MIB - 10) * MIB);
    assert_int_equal((uint64_t)course.total_bytes, history.allocated_bytes + 25 * MIB);
    assert_true(fabs(course.mean_room - 0.25) < 0.001);
    assert_true(fabs(course.mean_marking - 0.25) < 0.001);
    gc_course_fini(&course);
    gc_history_fini(&history);
}

static void gc_model_predict_forced_collections_stay(void **state)
{
    (void)state;
    struct gc_history history = make_history(CYCLES);
    struct gc_model model;
    struct gc_prediction off;
    for (size_t i = 0; i < 10; i++) {
        history.rows[i * 4].is_forced = true;
    }
    struct gc_history forced;
    assert_int_equal(gc_history_make(history.rows, CYCLES, &forced), 0);
    assert_int_equal(gc_model_fit(&forced, &common, 0, &model, &err), 0);

    gc_model_predict(&model, &(struct gc_setting){GC_GOGC_OFF, GC_LIMIT_NONE}, &off);

    assert_int_equal((int)off.cycle_count, 10);
    gc_model_fini(&model);
    gc_history_fini(&forced);
}

static void gc_setting_parse_reads_what_it_describes(void **state)
{
    (void)state;
    static const char *const texts[] = {"GOGC=150", "GOGC=off GOMEMLIMIT=1024MiB"};
    struct gc_setting setting;
    char text[GC_SETTING_BYTES];

    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        assert_true(gc_setting_parse(texts[i], &setting));
        assert_string_equal(gc_setting_describe(&setting, text), texts[i]);
    }
    assert_true(gc_setting_parse("  GOMEMLIMIT=64MiB ", &setting));
    assert_int_equal(setting.gogc_pct, 100);
    assert_false(gc_setting_parse("", &setting));
    assert_false(gc_setting_parse("GOGC=50 X=1", &setting));
    assert_false(gc_setting_parse("GOGC=1e3", &setting));
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

/* While it starts, other processors mark for nothing; later all work is the collector's. */
static void gc_model_predict_start_up_with_idle_processors_does_not_spread(void **state)
{
    (void)state;
    struct gc_model model;
    struct gc_prediction all;
    struct gc_prediction half;
    const struct gc_setting twice = {200, GC_LIMIT_NONE};
    struct gc_history history = make_history(CYCLES);
    for (size_t i = 0; i < CYCLES / 2; i++) {
        history.rows[i].idle_cpu_ns = COST_NS;
        history.rows[i].assist_cpu_ns = 0;
        history.rows[i].background_cpu_ns = 0;
    }
    history.cpu_ns = (uint64_t)(CYCLES - CYCLES / 2) * COST_NS;

    assert_int_equal(gc_model_fit(&history, &common, 0, &model, &err), 0);
    gc_model_predict(&model, &common, &all);
    gc_model_predict(&model, &twice, &half);

    assert_float_equal(model.cpu_check, 1, 0.03);
    assert_float_equal(all.cpu_ns, (double)history.cpu_ns, 1);
    assert_float_equal(half.cpu_ns / all.cpu_ns, 0.5, 0.05);
    assert_float_equal(
        gc_course_at(&model.course, model.course.points[CYCLES / 2].allocated_bytes, &(size_t){0})
            .idle_share,
        0, 0);
    gc_model_fini(&model);
    gc_history_fini(&history);
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
        cmocka_unit_test(gc_model_predict_collections_of_other_settings),
        cmocka_unit_test(gc_course_make_what_was_allocated_while_marking_is_not_live),
        cmocka_unit_test(gc_model_predict_forced_collections_stay),
        cmocka_unit_test(gc_setting_parse_reads_what_it_describes),
        cmocka_unit_test(gc_model_predict_start_up_with_idle_processors_does_not_spread),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
