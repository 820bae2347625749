#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "../../analyzer/advice/env_lint.h"
#include "../../analyzer/advice/remedy.h"
#include "../../interposer/policy/settings.h"

static void refuse(void *context, const struct env_lint_finding *finding)
{
    fail_msg("%s: %s: %s", (const char *)context, finding->variable, finding->text);
}

/* Nothing that the linter would complain of, and so nothing that can end a program. */
static void remedies_pass_the_linter(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        enum env_lint_allocator allocator;
        const char *version;
    } known[] = {{"glibc", ENV_LINT_GLIBC, "2.36"},
                 {"jemalloc", ENV_LINT_JEMALLOC, "5.3.0"},
                 {"tcmalloc", ENV_LINT_TCMALLOC, "gperftools 2.10"},
                 {"mimalloc", ENV_LINT_MIMALLOC, "209"}};
    size_t count;
    const struct remedy *all = remedies(&count);
    for (size_t i = 0; i < count; i++) {
        size_t place = 0;
        struct policy_settings settings;
        struct policy_mistake mistake;
        if (policy_settings_parse(all[i].allocator, &settings, &mistake)) {
            assert_null(all[i].pair);
            continue;
        }
        while (place < 4 && strcmp(known[place].name, all[i].allocator) != 0) {
            place++;
        }
        assert_in_range(place, 0, 3);
        const struct env_lint lint = {.allocator = known[place].allocator,
                                      .version = known[place].version,
                                      .sink = refuse,
                                      .context = (void *)all[i].label};
        if (all[i].pair != NULL) {
            char name[64] = "";
            const char *value = strchr(all[i].pair, '=');
            memcpy(name, all[i].pair, (size_t)(value - all[i].pair));
            env_lint_check(&lint, name, value + 1);
        }
    }
}

static void remedy_suits_by_goal_and_evidence(void **state)
{
    (void)state;
    const struct evidence one_thread = {.thread_count = 1};
    const struct evidence threads = {.thread_count = 4};
    size_t count;
    const struct remedy *all = remedies(&count);
    size_t place = 0;
    while (place < count && strcmp(all[place].label, "glibc, one arena") != 0) {
        place++;
    }
    assert_true(place < count);

    assert_false(remedy_suits(&all[place], &one_thread, ADVICE_MEMORY));
    assert_true(remedy_suits(&all[place], &threads, ADVICE_MEMORY));
    assert_false(remedy_suits(&all[place], &threads, ADVICE_SPEED));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(remedies_pass_the_linter),
        cmocka_unit_test(remedy_suits_by_goal_and_evidence),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
