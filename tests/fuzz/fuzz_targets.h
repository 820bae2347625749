/*
 * fuzz_targets.h - what is fuzzed: each takes any bytes, and must neither crash nor leak. Used by
 * fuzz_one.c, under a fuzzer, and by tests/unit/test_fuzz_corpora.c, which replays what was found.
 * Those of the recorder's events stand in fuzz_ring.h, those of recovery in fuzz_journal.h.
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

#include "../../analyzer/collect/import/heaptrack_file.h"
#include "../../analyzer/collect/recording/sanitizer_text.h"
#include "../../analyzer/db/query_block.h"
#include "../../analyzer/gate/baseline.h"
#include "../../analyzer/gate/budget.h"
#include "../../analyzer/go/gctrace.h"
#include "../../analyzer/go/pprof_profile.h"
#include "../../analyzer/model/sites.h"
#include "../../analyzer/model/stacks.h"
#include "../../analyzer/model/suppressions.h"
#include "../../analyzer/model/trace.h"
#include "../../analyzer/plan/plan.h"

enum {
    FUZZ_BYTES_MAX = 1 << 20,
    FUZZ_PATH_BYTES = 32,
};

/* The bytes as a file of this process, in place of those before; -1: it could not be made. */
static inline int fuzz_file(const uint8_t *bytes, size_t count, char path[FUZZ_PATH_BYTES])
{
    static int fd = -1;
    fd = fd < 0 ? memfd_create("fuzz", MFD_CLOEXEC) : fd;
    if (fd >= 0 &&
        (ftruncate(fd, (off_t)count) != 0 || pwrite(fd, bytes, count, 0) != (ssize_t)count)) {
        return -1;
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
    struct baseline baseline = {0};
    struct err err;
    (void)baseline_parse(&baseline, "baseline", (const char *)bytes, count, &err);
    baseline_fini(&baseline);
}

static inline void fuzz_plan(const uint8_t *bytes, size_t count)
{
    struct plan plan = {0};
    struct err err;
    if (plan_parse(&plan, "plan", (const char *)bytes, count, &err) == 0) {
        plan_fini(&plan);
    }
}

/* The file, and then its patterns against stacks. */
static inline void fuzz_suppressions(const uint8_t *bytes, size_t count)
{
    static const struct stack_frame font = {.function = "init_font_table",
                                            .file = "/src/fonts/table.c",
                                            .module = "/usr/lib/libfont.so.1"};
    static const struct stack_frame vector = {
        .function = "std::vector<int, std::allocator<int> >::push_back(int const&)"};
    static const struct stack_frame *frames[] = {&font, &vector};
    const struct call_stack stack = {.frames = frames, .count = 2};
    struct suppressions suppressions;
    struct err err;
    FILE *file = count > 0 ? fmemopen((void *)(uintptr_t)bytes, count, "r") : NULL;
    if (file == NULL) {
        return;
    }
    (void)suppressions_read_stream(&suppressions, file, "suppressions", &err);
    (void)suppressions_match(&suppressions, &stack);
    suppressions_fini(&suppressions);
    (void)fclose(file);
}

static inline void fuzz_pprof(const uint8_t *bytes, size_t count)
{
    struct pprof_profile profile;
    struct err err;
    if (pprof_profile_parse(bytes, count, &profile, &err) == 0) {
        pprof_profile_fini(&profile);
    }
}

/* A file of heaptrack, unpacked. */
static inline void fuzz_heaptrack(const uint8_t *bytes, size_t count)
{
    char path[FUZZ_PATH_BYTES];
    struct heaptrack_file *file;
    struct heaptrack_event event;
    struct err err;
    if (fuzz_file(bytes, count, path) < 0 || heaptrack_file_open(path, &file, &err) < 0) {
        return;
    }
    do {
        event.kind = HEAPTRACK_END;
    } while (heaptrack_file_next(file, &event, &err) == 0 && event.kind != HEAPTRACK_END);
    heaptrack_file_close(file);
}

/* A line as the runtime of Go writes them. */
static inline void fuzz_gctrace(const uint8_t *bytes, size_t count)
{
    struct gc_cycle cycle;
    struct scavenge scavenge;
    (void)gctrace_match((const char *)bytes, count, &cycle);
    (void)scavtrace_match((const char *)bytes, count, &scavenge);
    (void)gctrace_has_begun((const char *)bytes, count);
}

/* A sanitizer's report, as the recorded program has printed it. */
static inline void fuzz_sanitizer(const uint8_t *bytes, size_t count)
{
    struct sanitizer_text text;
    (void)sanitizer_text_parse((const char *)bytes, count, &text);
    sanitizer_text_fini(&text);
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
}

#endif
