/*
 * allocaudit_cmocka.h - limits on allocations in tests that use cmocka. C, gcc or clang.
 *
 *     assert_no_allocs { frame_draw(world); }
 *     assert_max_allocs(3) { message = message_parse(text); }
 *     assert_balanced { message_free(message_parse(text)); }
 *     assert_max_peak(4096) { document_print(document); }
 *
 * A limit holds for the thread that runs the block, and is checked however the block is left but by
 * longjmp. One that is broken fails the test at its line and prints the stacks that allocated in
 * the block, or whose blocks were left, with functions, files and lines, most first. The block is a
 * scope of the recording, too. Where nobody records (allocaudit_count()) limits are skipped, and
 * one line on stderr says so: tests pass where allocaudit is not installed. */
#ifndef ALLOCAUDIT_CMOCKA_H
#define ALLOCAUDIT_CMOCKA_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "allocaudit.h"

enum allocaudit_limit_kind {
    ALLOCAUDIT_LIMIT_ALLOCATIONS,
    ALLOCAUDIT_LIMIT_LIVE_BLOCKS,
    ALLOCAUDIT_LIMIT_PEAK_BYTES,
};

struct allocaudit_limit {
    struct allocaudit_measure measure;
    enum allocaudit_limit_kind kind;
    uint64_t most;
    const char *scope; /* "FILE:LINE" */
    const char *file;
    int line;
    int turn;
};

#define assert_max_allocs(count) allocaudit_limit_block(ALLOCAUDIT_LIMIT_ALLOCATIONS, (count))
#define assert_no_allocs         allocaudit_limit_block(ALLOCAUDIT_LIMIT_ALLOCATIONS, 0)
/* No block allocated in it is left at its end. */
#define assert_balanced        allocaudit_limit_block(ALLOCAUDIT_LIMIT_LIVE_BLOCKS, 0)
#define assert_max_peak(bytes) allocaudit_limit_block(ALLOCAUDIT_LIMIT_PEAK_BYTES, (bytes))

/* A row of the test table, as cmocka_unit_test(): each test is a scope of its own name. Its *state
 * is that name. */
/* clang-format off */
#define allocaudit_unit_test(function)                                                             \
    {                                                                                              \
        #function, function, allocaudit_test_begin, allocaudit_test_end, (void *)#function         \
    }
/* clang-format on */

/* ---- the rest is for the macros ----------------------------------------------------------------
 */

#define ALLOCAUDIT_TEXT_(text)        #text
#define ALLOCAUDIT_TEXT(text)         ALLOCAUDIT_TEXT_(text)
#define ALLOCAUDIT_JOIN_(left, right) left##right
#define ALLOCAUDIT_JOIN(left, right)  ALLOCAUDIT_JOIN_(left, right)

/* A loop of one turn, whose variable is checked when its life ends. */
#define allocaudit_limit_block(kind, most)                                                         \
    allocaudit_limit_loop(ALLOCAUDIT_JOIN(allocaudit_limit_, __LINE__), kind, most,                \
                          __FILE__ ":" ALLOCAUDIT_TEXT(__LINE__))

#define allocaudit_limit_loop(limit, kind, most, scope)                                            \
    for (__attribute__((cleanup(allocaudit_limit_check))) struct allocaudit_limit limit =          \
             allocaudit_limit_begin((kind), (uint64_t)(most), (scope), __FILE__, __LINE__);        \
         limit.turn == 0; limit.turn++)

static inline void allocaudit_say_skipped(void)
{
    static int is_said;
    if (!is_said) {
        is_said = 1;
        (void)fputs("allocaudit: not recorded, limits on allocations are skipped (run the tests "
                    "under 'allocaudit run')\n",
                    stderr);
    }
}

static inline struct allocaudit_limit allocaudit_limit_begin(enum allocaudit_limit_kind kind,
                                                             uint64_t most, const char *scope,
                                                             const char *file, int line)
{
    struct allocaudit_limit limit = {
        .kind = kind, .most = most, .scope = scope, .file = file, .line = line};
    allocaudit_scope_begin(scope);
    allocaudit_measure_begin_if(&limit.measure);
    return limit;
}

/* Of the block that has just ended. */
static void __attribute__((noinline, unused))
allocaudit_print_stacks(enum allocaudit_limit_kind kind)
{
    static const enum allocaudit_stacks which[] = {ALLOCAUDIT_STACKS_CALLS, ALLOCAUDIT_STACKS_LIVE,
                                                   ALLOCAUDIT_STACKS_BYTES};
    char text[ALLOCAUDIT_STACKS_TEXT_BYTES];
    if (!allocaudit_describe_stacks ||
        allocaudit_describe_stacks(which[kind], text, sizeof(text)) == 0) {
        return;
    }
    for (char *line = text;
         *line != '\0';) { /* one by one: cmocka's own room for a text is small */
        char *end = line + strcspn(line, "\n");
        int is_last = *end == '\0';
        *end = '\0';
        print_error("%s\n", line);
        line = is_last ? end : end + 1;
    }
}

static inline void allocaudit_limit_check(struct allocaudit_limit *limit)
{
    static const char *const words[] = {"allocations", "blocks that were not freed",
                                        "bytes at once"};
    int is_known = allocaudit_measure_end_if(&limit->measure);
    const struct allocaudit_measure *found = &limit->measure;
    allocaudit_scope_end(limit->scope);
    if (!is_known) {
        allocaudit_say_skipped();
        return;
    }
    const uint64_t values[] = {found->allocation_count, found->live_count, found->peak_bytes};
    if (values[limit->kind] > limit->most) {
        print_error("%llu %s, at most %llu allowed (%llu allocations of %llu bytes; %llu blocks, "
                    "%llu bytes left)\n",
                    (unsigned long long)values[limit->kind], words[limit->kind],
                    (unsigned long long)limit->most, (unsigned long long)found->allocation_count,
                    (unsigned long long)found->allocated_bytes,
                    (unsigned long long)found->live_count, (unsigned long long)found->live_bytes);
        allocaudit_print_stacks(limit->kind);
        print_error("more: allocaudit report scopes (scope %s)\n", limit->scope);
        _fail(limit->file, limit->line);
    }
}

static inline int allocaudit_test_begin(void **state)
{
    allocaudit_scope_begin((const char *)*state);
    return 0;
}

static inline int allocaudit_test_end(void **state)
{
    allocaudit_scope_end((const char *)*state);
    return 0;
}

#endif
