#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "../../analyzer/advice/folklore.h"

static const struct saying *saying_of(const char *allocator)
{
    size_t count;
    const struct saying *all = folklore_sayings(&count);
    for (size_t i = 0; i < count; i++) {
        if (strcmp(all[i].allocator, allocator) == 0) {
            return &all[i];
        }
    }
    fail_msg("nobody says %s", allocator);
    return NULL;
}

static bool is_about(const char *allocator, const struct evidence *evidence, enum advice_goal goal)
{
    return saying_of(allocator)->is_about(evidence, goal);
}

static void sayings_are_about_kinds_of_programs(void **state)
{
    (void)state;
    const struct evidence threads = {.thread_count = 4};
    const struct evidence small = {.thread_count = 1, .small_share = 0.9};
    const struct evidence idle = {
        .rss_peak_bytes = 64 << 20, .duration_ns = 1000000000, .cpu_time_ns = 300000000};
    const struct evidence frames = {.has_frames = true};

    assert_true(is_about("tcmalloc", &threads, ADVICE_BALANCED));
    assert_false(is_about("tcmalloc", &small, ADVICE_BALANCED));
    assert_true(is_about("mimalloc", &small, ADVICE_SPEED));
    assert_true(is_about("jemalloc", &idle, ADVICE_MEMORY));
    assert_false(is_about("jemalloc", &threads, ADVICE_MEMORY));
    assert_true(is_about("frame", &frames, ADVICE_SPEED));
    assert_true(is_about("pool", &small, ADVICE_REALTIME));
    assert_false(is_about("pool", &small, ADVICE_SPEED));
    assert_true(is_about("buddy", &small, ADVICE_EMBEDDED));
    assert_false(is_about("mimalloc", &small, ADVICE_EMBEDDED));
}

static void saying_means_its_allocator_with_any_settings(void **state)
{
    (void)state;
    const struct saying *pool = saying_of("pool");

    assert_true(saying_means(pool, "pool"));
    assert_true(saying_means(pool, "pool:chunk_bytes=4096"));
    assert_false(saying_means(pool, "poolish"));
    assert_false(saying_means(pool, "po"));
}

static void saying_holds_near_the_best_that_harms_nothing(void **state)
{
    (void)state;
    const struct goal *goal = goal_of(ADVICE_SPEED);
    const struct contender best = {.changes = {[ADVICE_CPU] = {.value = -0.2, .is_known = true}}};
    struct contender said = {.changes = {[ADVICE_CPU] = {.value = -0.19, .is_known = true}}};

    assert_true(saying_holds(goal, &said, &best));
    said.changes[ADVICE_PEAK] = (struct change){.value = 0.5, .is_known = true};
    assert_false(saying_holds(goal, &said, &best));
    said.changes[ADVICE_PEAK].is_known = false;
    said.changes[ADVICE_CPU].value = -0.1;
    assert_false(saying_holds(goal, &said, &best));
    assert_true(saying_holds(goal, &said, NULL));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sayings_are_about_kinds_of_programs),
        cmocka_unit_test(saying_means_its_allocator_with_any_settings),
        cmocka_unit_test(saying_holds_near_the_best_that_harms_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
