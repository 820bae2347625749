/*
 * report_answer.h - the report of a recording, for `report` and for those whose page holds one.
 */
#ifndef ALLOCAUDIT_REPORT_ANSWER_H
#define ALLOCAUDIT_REPORT_ANSWER_H

#include "../cli/options.h"
#include "../report/report.h"

#define REPORT_SETTINGS_DEFAULT                                                                    \
    {                                                                                              \
        .from_ns = OPTION_NOT_GIVEN, .to_ns = OPTION_NOT_GIVEN, .within = 1,                       \
        .top_count = OPTION_NOT_GIVEN, .stack_id = OPTION_NOT_GIVEN,                               \
        .limit_bytes = OPTION_NOT_GIVEN, .sort = REPORT_UNSORTED,                                  \
    }

/* Reports on what the words name, with something before it (NULL: nothing), and returns the exit
 * status. */
int report_answer(const struct report_settings *settings, struct option_arguments *arguments,
                  const struct report_extra *extra);

#endif
