/*
 * analysis_recording.h - for tests of analyses: a recording whose calls and marks are written by
 * hand, and one analysis run over it. Failures end the test.
 */
#ifndef ALLOCAUDIT_ANALYSIS_RECORDING_H
#define ALLOCAUDIT_ANALYSIS_RECORDING_H

#include "block_rows.h"

#include "../../analyzer/analyses/analysis.h"

struct analysis_recording {
    struct fixture_recording fixture;
    struct trace *trace;
    struct analysis_run run;
};

/* A second stack for contexts of block_rows.h: 21 malloc freed by thread 1, 22 malloc live, 23
 * malloc by thread 2 freed by itself. */
#define ANALYSIS_CONTEXTS                                                                          \
    "INSERT INTO context VALUES (21, 1, 1, 5, 0, 0, 1, 0, 0), (22, 1, 1, 5, 0, NULL, NULL, 0, 0)," \
    " (23, 1, 2, 2, 0, 0, 2, 0, 0);"

/*
 * Makes the recording. sql fills the tables `given` (born_ns, died_ns or NULL, size_bytes,
 * context_id) and `mark`.
 */
static inline void analysis_recording_make(struct analysis_recording *recording, const char *sql)
{
    fixture_recording_make(&recording->fixture);
    fixture_recording_change(&recording->fixture, block_rows_contexts);
    char *text = NULL;
    assert_true(asprintf(&text,
                         "%s CREATE TEMP TABLE given (b, d, s, c); %s;"
                         "INSERT INTO block SELECT b, d - b, row_number() OVER w * 64, s, c, NULL,"
                         " NULL, NULL, NULL, NULL, row_number() OVER w FROM given"
                         " WINDOW w AS (ORDER BY d IS NULL, d, b);",
                         ANALYSIS_CONTEXTS, sql) > 0);
    fixture_recording_change(&recording->fixture, text);
    free(text);
}

static inline void *analysis_recording_run(struct analysis_recording *recording,
                                           const struct analysis *analysis)
{
    struct err err = {.text = ""};
    recording->run = (struct analysis_run){.analysis = analysis};
    if (trace_open(recording->fixture.path, &recording->trace, &err) < 0 ||
        analyses_run(recording->trace, 1, &recording->run, 1, NULL, NULL, &err) < 0) {
        fail_msg("%s", err.text);
    }
    return recording->run.state;
}

static inline void analysis_recording_remove(struct analysis_recording *recording)
{
    analyses_end(&recording->run, 1);
    trace_close(recording->trace);
    fixture_recording_remove(&recording->fixture);
}

#endif
