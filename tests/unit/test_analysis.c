#include <errno.h>

#include "analysis_recording.h"

#include "../../analyzer/analyses/frames.h"

static bool stop(void *context, uint64_t done, uint64_t total)
{
    uint64_t *calls = context;
    (void)done;
    (void)total;
    (*calls)++;
    return false;
}

static void analyses_run_stops_where_the_watcher_says_so(void **state)
{
    (void)state;
    struct analysis_recording recording;
    struct analysis_run run = {.analysis = &frames_analysis};
    struct err err;
    uint64_t calls = 0;
    analysis_recording_make(&recording, "INSERT INTO given VALUES (10, 20, 8, 1), (30, 40, 8, 1)");
    (void)analysis_recording_run(&recording, &frames_analysis);

    assert_int_equal(analyses_run(recording.trace, 1, &run, 1, stop, &calls, &err), -ECANCELED);

    assert_int_equal(calls, 1);
    analyses_end(&run, 1);
    analysis_recording_remove(&recording);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(analyses_run_stops_where_the_watcher_says_so),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
