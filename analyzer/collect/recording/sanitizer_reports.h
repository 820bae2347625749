/*
 * sanitizer_reports.h - what sanitizers' runtimes have printed in the recorded processes (tables
 * `sanitizer_report` and `sanitizer_block`).
 *
 * A report comes in parts (EVENT_REPORT). When it is whole, it is read, its stacks become stacks of
 * the recording, and what LeakSanitizer calls leaked is looked for among the sites. Which rows the
 * addresses mean is looked up in the finished rows. Single thread.
 */
#ifndef ALLOCAUDIT_SANITIZER_REPORTS_H
#define ALLOCAUDIT_SANITIZER_REPORTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../../../schema/event.h"
#include "../../base/str.h"
#include "../rows/sqlwriter.h"
#include "sanitizer_text.h"

struct recording;
struct subject;
struct lane_context;

enum {
    SANITIZER_REPORTS_MAX = 1000,         /* of one recording; what comes later is not kept */
    SANITIZER_REPORT_BYTES_MAX = 1 << 20, /* of one; the rest of it is not kept */
};

/* What a report names, in terms of the recording. */
struct sanitizer_block {
    uint32_t stack_id;       /* where it was allocated; 0: not known */
    uint32_t freed_stack_id; /* 0: it was not freed, or it is not known */
    bool is_all;             /* the report names all live blocks of that stack */
};

struct sanitizer_report {
    const struct subject *subject;
    uint32_t thread_id;
    uint64_t at_ns;
    bool is_whole;
    struct str text;
    struct sanitizer_text parsed;
    uint32_t stack_id;              /* of the error; 0: not known */
    struct sanitizer_block *blocks; /* one for each of parsed.named */
};

struct sanitizer_reports {
    struct sanitizer_report *items;
    size_t count;
    size_t capacity;
};

/* A part of a report. Returns 0 or -ENOMEM. */
int sanitizer_reports_add(struct lane_context *lane, const struct event_report *event,
                          uint64_t stamp_ns);

/*
 * The process has ended. If its LeakSanitizer's report still lies in `directory` (report_file.h),
 * it is passed on to our stderr and added. Returns 0 or -ENOMEM.
 */
int sanitizer_reports_take_left(struct subject *subject, const char *ring_path);

void sanitizer_reports_write(struct sqlwriter *writer, const struct recording *recording);

void sanitizer_reports_fini(struct sanitizer_reports *reports);

#endif
