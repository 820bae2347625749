/*
 * analysed_rows.h - for tests of analyses: one of them, run over blocks that are written by hand.
 */
#ifndef ALLOCAUDIT_ANALYSED_ROWS_H
#define ALLOCAUDIT_ANALYSED_ROWS_H

#include "block_rows.h"

#include "../../analyzer/analyses/analysis.h"

struct analysed_rows {
    struct fixture_recording fixture;
    struct trace *trace;
    struct analysis_run run;
    struct err err;
};

/* rows: as block_rows_make() takes them. sql: changes more; "" for nothing. Process 1. */
static inline const void *analysed_rows_make(struct analysed_rows *rows_made,
                                             const struct analysis *analysis, const char *rows,
                                             const char *sql)
{
    *rows_made = (struct analysed_rows){.run = {.analysis = analysis}};
    block_rows_make(&rows_made->fixture, rows);
    fixture_recording_change(&rows_made->fixture, sql);
    if (trace_open(rows_made->fixture.path, &rows_made->trace, &rows_made->err) < 0 ||
        analyses_run(rows_made->trace, 1, &rows_made->run, 1, NULL, NULL, &rows_made->err) < 0) {
        fail_msg("%s", rows_made->err.text);
    }
    return rows_made->run.state;
}

static inline void analysed_rows_end(struct analysed_rows *rows_made)
{
    analyses_end(&rows_made->run, 1);
    trace_close(rows_made->trace);
    fixture_recording_remove(&rows_made->fixture);
}

#endif
