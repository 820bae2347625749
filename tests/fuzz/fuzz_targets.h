/*
 * fuzz_targets.h - what is fuzzed: each takes any bytes, and must neither crash nor leak. Used by
 * fuzz_one.c, under a fuzzer, and by tests/unit/test_fuzz_corpora.c, which replays what was found.
 */
#ifndef ALLOCAUDIT_FUZZ_TARGETS_H
#define ALLOCAUDIT_FUZZ_TARGETS_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "../../analyzer/collect/recording.h"
#include "../../analyzer/db/query_block.h"
#include "../../analyzer/gate/baseline.h"
#include "../../analyzer/gate/budget.h"
#include "../../analyzer/model/sites.h"
#include "../../analyzer/model/stacks.h"
#include "../../analyzer/model/trace.h"
#include "../../analyzer/plan/plan.h"

enum {
    FUZZ_BYTES_MAX = 1 << 20,
    FUZZ_PATH_BYTES = 32,
};

/* The bytes as a file of this process; -1: it could not be made. */
static inline int fuzz_file(const uint8_t *bytes, size_t count, char path[FUZZ_PATH_BYTES])
{
    int fd = memfd_create("fuzz", MFD_CLOEXEC);
    if (fd >= 0 && write(fd, bytes, count) != (ssize_t)count) {
        close(fd);
        fd = -1;
    }
    (void)snprintf(path, FUZZ_PATH_BYTES, "/proc/self/fd/%d", fd);
    return fd;
}

static inline void fuzz_budget(const uint8_t *bytes, size_t count)
{
    struct budget budget = {0};
    struct err err;
    (void)budget_parse(&budget, "budget", (const char *)bytes, count, &err);
    budget_fini(&budget);
}

static inline void fuzz_baseline(const uint8_t *bytes, size_t count)
{
    struct err err;
    struct baseline baseline = {0};
    char path[FUZZ_PATH_BYTES];
    int fd = fuzz_file(bytes, count, path);
    if (fd >= 0) {
        (void)baseline_read(&baseline, path, &err);
        baseline_fini(&baseline);
        close(fd);
    }
}

static inline void fuzz_plan(const uint8_t *bytes, size_t count)
{
    struct err err;
    struct plan plan = {0};
    char path[FUZZ_PATH_BYTES];
    int fd = fuzz_file(bytes, count, path);
    if (fd >= 0) {
        if (plan_read(&plan, path, &err) == 0) {
            plan_fini(&plan);
        }
        close(fd);
    }
}

/* What `report` reads first of a recording: its tables, its sites, and some of their stacks. */
static inline void fuzz_database(const uint8_t *bytes, size_t count)
{
    enum {
        STACKS_MOST = 20,
    };
    struct err err;
    struct trace *trace = NULL;
    char path[FUZZ_PATH_BYTES];
    int fd = fuzz_file(bytes, count, path);
    if (fd >= 0 && trace_open(path, &trace, &err) == 0) {
        const struct selection all = {.to_ns = UINT64_MAX};
        struct sites *sites = NULL;
        struct stacks *stacks = NULL;
        struct totals totals;
        trace_totals(trace, 0, &totals);
        if (sites_load(trace, &all, SITE_KEY_BIT(SITE_KEY_COUNT), 1, &sites, &err) == 0 &&
            stacks_create(trace->db, &stacks, &err) == 0) {
            for (size_t i = 0; i < sites_count(sites) && i < STACKS_MOST; i++) {
                struct call_stack stack = {0};
                if (stacks_expand(stacks, sites_stack_id(sites, i), &stack, &err) == 0) {
                    call_stack_fini(&stack);
                }
            }
        }
        stacks_destroy(stacks);
        sites_destroy(sites);
        trace_close(trace);
    }
    if (fd >= 0) {
        close(fd);
    }
}

static inline int fuzz_drop_row(struct row_sink *sink, const struct block_row *row,
                                uint64_t *out_id, struct err *err)
{
    (void)sink;
    (void)row;
    (void)err;
    *out_id = 1;
    return 0;
}

/* The bytes as the records of two threads in turn, as the reader of a lane would hand them on. */
static inline void fuzz_events(const uint8_t *bytes, size_t count)
{
    struct recording recording = {0};
    struct row_sink sink = {.append = fuzz_drop_row};
    struct subject *subject = NULL;
    struct lane_context lanes[2] = {{0}};
    struct err err;
    uint64_t *words = calloc(count / 8 + 1, sizeof(*words));
    if (words == NULL || recording_init(&recording, NULL) < 0) {
        free(words);
        return;
    }
    recording.sink = &sink;
    recording.clock = (struct clock){.ns_per_tick_32 = UINT64_C(1) << 32};
    memcpy(words, bytes, count / 8 * 8);
    bool is_open = recording_subject(&recording, 1, 4000000, 0, &subject) == 0;
    for (unsigned i = 0; i < 2 && is_open; i++) {
        lanes[i].subject = subject;
        is_open = subject_open_thread(subject, 10 + i, 0, &lanes[i].thread) == 0;
    }
    uint64_t stamp_ns = 0;
    for (size_t at = 0; at < count / 8 && is_open;) {
        size_t record_bytes = event_bytes(words + at, (count / 8 - at) * 8);
        if (record_bytes == 0) {
            at++;
            continue;
        }
        stamp_ns += event_ticks(words[at]) & 0xffff;
        is_open = subject_apply(&lanes[stamp_ns & 1], words + at, stamp_ns, &err) == 0;
        at += record_bytes / 8;
    }
    if (subject != NULL) {
        (void)subject_finish(subject, &err);
    }
    free(lanes[0].sites);
    free(lanes[1].sites);
    recording_fini(&recording);
    free(words);
}

#endif
