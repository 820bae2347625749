/*
 * hooks_criterion.c - every test of Criterion is a scope "suite::test", with no change to the
 * tests.
 *
 * Each runs in a process of its own. A test that is aborted, by an assertion or a signal, leaves
 * its scope open: it counts to the end of that process.
 */
#include <dlfcn.h>
#include <stdbool.h>
#include <stddef.h>

#include "allocaudit.h"
#include "emit_notes.h"
#include "hooks.h"

enum {
    CRITERION_NAME_BYTES = 256,
};

/* As criterion/types.h has it since 2.0. */
struct criterion_test {
    const char *name;
    const char *category;
};

static size_t append_word(char *text, size_t length, const char *word)
{
    for (; word != NULL && *word != '\0' && length < CRITERION_NAME_BYTES - 1; word++) {
        text[length++] = *word;
    }
    text[length] = '\0';
    return length;
}

/* A process runs one test. */
static char scope_name[CRITERION_NAME_BYTES];
static void (*scoped_test)(void);

/* What Criterion allocates around the test lies in no scope. */
static void run_scoped_test(void)
{
    emit_mark(ALLOCAUDIT_SCOPE_BEGIN, scope_name, HOOK_FRAME);
    scoped_test();
    emit_mark(ALLOCAUDIT_SCOPE_END, scope_name, HOOK_FRAME);
}

HOOK void criterion_internal_test_main(void (*test)(void));
HOOK void criterion_internal_test_main(void (*test)(void))
{
    void (*run)(void (*)(void));
    *(void **)&run = dlsym(RTLD_NEXT, "criterion_internal_test_main");
    const struct criterion_test *const *current = dlsym(RTLD_DEFAULT, "criterion_current_test");
    bool is_named = current != NULL && *current != NULL;
    if (run == NULL) {
        return;
    }
    if (is_named) {
        size_t length = append_word(scope_name, 0, (*current)->category);
        length = append_word(scope_name, length, "::");
        (void)append_word(scope_name, length, (*current)->name);
        scoped_test = test;
    }
    run(is_named ? run_scoped_test : test);
}
