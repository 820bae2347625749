/*
 * hooks_test.c - every test of cmocka is a scope of its own, with no change to the tests.
 *
 * cmocka calls a test by a bare pointer, so each of the first 256 tests of a group gets a function
 * that knows its number. A test that fails leaves by longjmp: its scope is ended when the next one
 * begins. What cmocka allocates itself between two tests lies in no scope.
 */
#include <dlfcn.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/mman.h>

#include "allocaudit.h"
#include "emit_notes.h"
#include "hooks.h"
#include "sys.h"

/* As cmocka.h has it since 1.0. */
struct cmocka_test {
    const char *name;
    void (*test)(void **state);
    int (*set_up)(void **state);
    int (*tear_down)(void **state);
    void *initial_state;
};

enum {
    SCOPED_TESTS_MAX = 256,
};

/* The group that runs: groups run one after the other. */
static const struct cmocka_test *group_tests;
static const char *open_scope; /* NULL: none */

static void end_scope(void)
{
    if (open_scope != NULL) {
        emit_mark(ALLOCAUDIT_SCOPE_END, open_scope, HOOK_FRAME);
        open_scope = NULL;
    }
}

static void run_test(unsigned number, void **state)
{
    end_scope();
    open_scope = group_tests[number].name;
    emit_mark(ALLOCAUDIT_SCOPE_BEGIN, open_scope, HOOK_FRAME);
    group_tests[number].test(state);
    end_scope();
}

#define SCOPED(n)                                                                                  \
    static void run_test_##n(void **state)                                                         \
    {                                                                                              \
        run_test(0x##n, state);                                                                    \
    }
#define EACH_16(X, h)                                                                              \
    X(h##0)                                                                                        \
    X(h##1)                                                                                        \
    X(h##2)                                                                                        \
    X(h##3)                                                                                        \
    X(h##4) X(h##5) X(h##6) X(h##7) X(h##8) X(h##9) X(h##a) X(h##b) X(h##c) X(h##d) X(h##e) X(h##f)
#define EACH_256(X)                                                                                \
    EACH_16(X, 0)                                                                                  \
    EACH_16(X, 1)                                                                                  \
    EACH_16(X, 2)                                                                                  \
    EACH_16(X, 3)                                                                                  \
    EACH_16(X, 4)                                                                                  \
    EACH_16(X, 5)                                                                                  \
    EACH_16(X, 6)                                                                                  \
    EACH_16(X, 7)                                                                                  \
    EACH_16(X, 8)                                                                                  \
    EACH_16(X, 9)                                                                                  \
    EACH_16(X, a) EACH_16(X, b) EACH_16(X, c) EACH_16(X, d) EACH_16(X, e) EACH_16(X, f)

EACH_256(SCOPED)

#define ENTRY(n) run_test_##n,
static void (*const run_tests[SCOPED_TESTS_MAX])(void **state) = {EACH_256(ENTRY)};

/* The tests with functions of ours in place of theirs; NULL: no memory. */
static struct cmocka_test *scope_tests(const struct cmocka_test *tests, size_t count)
{
    struct cmocka_test *scoped =
        sys_mmap(count * sizeof(*scoped), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1);
    for (size_t i = 0; scoped != NULL && i < count; i++) {
        scoped[i] = tests[i];
        if (i < SCOPED_TESTS_MAX && tests[i].test != NULL && tests[i].name != NULL) {
            scoped[i].test = run_tests[i];
        }
    }
    return scoped;
}

HOOK int _cmocka_run_group_tests(const char *group_name, const void *tests, size_t count,
                                 void *group_set_up, void *group_tear_down);
HOOK int _cmocka_run_group_tests(const char *group_name, const void *tests, size_t count,
                                 void *group_set_up, void *group_tear_down)
{
    int (*run)(const char *, const void *, size_t, void *, void *);
    *(void **)&run = dlsym(RTLD_NEXT, "_cmocka_run_group_tests");
    if (run == NULL) {
        return -1;
    }
    struct cmocka_test *scoped = count > 0 ? scope_tests(tests, count) : NULL;
    group_tests = tests;
    int result =
        run(group_name, scoped != NULL ? scoped : tests, count, group_set_up, group_tear_down);
    end_scope();
    if (scoped != NULL) {
        (void)sys_munmap(scoped, count * sizeof(*scoped));
    }
    return result;
}
