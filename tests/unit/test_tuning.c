#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "../../analyzer/advice/env_lint.h"
#include "../../analyzer/advice/remedy.h"
#include "../../analyzer/advice/tuning.h"

enum {
    TUNINGS_MAX = 64,
};

static const struct {
    enum knob_family family;
    enum env_lint_allocator allocator;
    const char *version;
} searched[] = {{KNOB_GLIBC, ENV_LINT_GLIBC, "2.36"},
                {KNOB_JEMALLOC, ENV_LINT_JEMALLOC, "5.3.0"},
                {KNOB_TCMALLOC, ENV_LINT_TCMALLOC, "gperftools 2.10"},
                {KNOB_MIMALLOC, ENV_LINT_MIMALLOC, "209"}};

static struct tuning_space everything(enum knob_family family)
{
    return (struct tuning_space){.family = family, .clock = TUNING_REAL_TIME, .has_threads = true};
}

static void refuse(void *context, const struct env_lint_finding *finding)
{
    fail_msg("%s: %s: %s", (const char *)context, finding->variable, finding->text);
}

/* What is searched passes the linter of that version: it exists, takes, and can end nothing. */
static void tuning_singles_pass_the_linter(void **state)
{
    (void)state;
    for (size_t f = 0; f < sizeof(searched) / sizeof(searched[0]); f++) {
        struct tuning tunings[TUNINGS_MAX];
        const struct tuning_space space = everything(searched[f].family);
        size_t count = tuning_singles(&space, tunings, TUNINGS_MAX);
        assert_in_range(count, 8, TUNINGS_MAX);
        for (size_t i = 0; i < count; i++) {
            struct str pair = {0};
            char name[64] = "";
            assert_int_equal(tuning_append_pair(&tunings[i], 0, &pair), 0);
            const char *text = str_text(&pair);
            memcpy(name, text, strcspn(text, "="));
            const struct env_lint lint = {.allocator = searched[f].allocator,
                                          .version = searched[f].version,
                                          .sink = refuse,
                                          .context = (void *)text};
            env_lint_check(&lint, name, strchr(text, '=') + 1);
            str_fini(&pair);
        }
    }
}

/* Each knob has values to try or a reason why not, and what is dangerous has none. */
static void tuning_exclusion_every_knob_is_searched_or_explained(void **state)
{
    (void)state;
    size_t count;
    const struct knob *knobs = knobs_all(&count);
    for (size_t i = 0; i < count; i++) {
        const struct tuning_space space = everything(knobs[i].family);
        bool has_values = knobs[i].search != NULL || knobs[i].search_timed != NULL;
        bool is_told = tuning_exclusion(&space, &knobs[i]) != NULL;
        if (has_values == is_told) {
            fail_msg("%s: %s", knobs[i].name, is_told ? "both" : "neither");
        }
        if (knobs[i].danger != NULL && has_values) {
            fail_msg("%s is dangerous and searched", knobs[i].name);
        }
    }
}

static void tuning_exclusion_hangs_on_time_and_threads(void **state)
{
    (void)state;
    struct tuning_space space = {.family = KNOB_JEMALLOC, .clock = TUNING_NO_TIME};
    const struct knob *background = knobs_find(KNOB_JEMALLOC, "background_thread");
    const struct knob *muzzy = knobs_find(KNOB_JEMALLOC, "muzzy_decay_ms");
    const struct knob *dirty = knobs_find(KNOB_JEMALLOC, "dirty_decay_ms");
    const struct knob *arenas = knobs_find(KNOB_GLIBC, "arena_max");

    assert_non_null(tuning_exclusion(&space, muzzy));
    assert_null(tuning_exclusion(&space, dirty)); /* 0 and -1 need no time */
    space.clock = TUNING_CLOCK_ONLY;
    assert_null(tuning_exclusion(&space, muzzy));
    assert_non_null(tuning_exclusion(&space, background));
    space.clock = TUNING_REAL_TIME;
    assert_null(tuning_exclusion(&space, background));

    space.family = KNOB_GLIBC;
    assert_non_null(tuning_exclusion(&space, arenas));
    space.has_threads = true;
    assert_null(tuning_exclusion(&space, arenas));
}

static size_t count_of(const struct tuning_space *space, const char *name)
{
    struct tuning tunings[TUNINGS_MAX];
    size_t count = tuning_singles(space, tunings, TUNINGS_MAX);
    size_t found = 0;
    for (size_t i = 0; i < count; i++) {
        found += strcmp(tunings[i].values[0].knob->name, name) == 0;
    }
    return found;
}

static void tuning_singles_timed_values_come_with_time(void **state)
{
    (void)state;
    struct tuning_space space = {.family = KNOB_JEMALLOC, .clock = TUNING_NO_TIME};
    assert_int_equal(count_of(&space, "dirty_decay_ms"), 2);
    space.clock = TUNING_CLOCK_ONLY;
    assert_int_equal(count_of(&space, "dirty_decay_ms"), 5);

    struct tuning one[1];
    assert_true(tuning_singles(&space, one, 1) > 1); /* counts what had no room */
}

/* "knob:value,..." of jemalloc, one variable; two variables of mimalloc. */
static void tuning_pairs_are_read_and_written_alike(void **state)
{
    (void)state;
    static const struct {
        enum knob_family family;
        const char *pair;
        const char *label;
    } cases[] = {
        {KNOB_JEMALLOC, "MALLOC_CONF=narenas:1,tcache:false", "narenas:1,tcache:false"},
        {KNOB_GLIBC, "GLIBC_TUNABLES=glibc.malloc.arena_max=1:glibc.malloc.tcache_count=0",
         "arena_max=1,tcache_count=0"},
        {KNOB_TCMALLOC, "TCMALLOC_AGGRESSIVE_DECOMMIT=1", "AGGRESSIVE_DECOMMIT=1"},
        {KNOB_MIMALLOC, "MIMALLOC_DECOMMIT_DELAY=0", "DECOMMIT_DELAY=0"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct tuning tuning;
        struct str pair = {0};
        struct str label = {0};
        assert_true(tuning_read(cases[i].family, cases[i].pair, &tuning));
        assert_int_equal(tuning_pair_count(&tuning), 1);
        assert_int_equal(tuning_append_pair(&tuning, 0, &pair), 0);
        assert_int_equal(tuning_append_label(&tuning, &label), 0);
        assert_string_equal(str_text(&pair), cases[i].pair);
        assert_string_equal(str_text(&label), cases[i].label);
        str_fini(&pair);
        str_fini(&label);
    }
    struct tuning tuning;
    assert_false(tuning_read(KNOB_JEMALLOC, "MALLOC_CONF=no_such:1", &tuning));
    assert_false(tuning_read(KNOB_JEMALLOC, "MALLOC_CONF=narenas", &tuning));
    assert_false(tuning_read(KNOB_GLIBC, "MALLOC_CONF=narenas:1", &tuning));
}

static void tuning_merge_only_of_different_knobs(void **state)
{
    (void)state;
    struct tuning delay;
    struct tuning reset;
    struct tuning merged;
    struct tuning other;
    struct str text = {0};
    assert_true(tuning_read(KNOB_MIMALLOC, "MIMALLOC_DECOMMIT_DELAY=0", &delay));
    assert_true(tuning_read(KNOB_MIMALLOC, "MIMALLOC_PAGE_RESET=1", &reset));

    assert_true(tuning_merge(&delay, &reset, &merged));
    assert_int_equal(tuning_pair_count(&merged), 2);
    assert_int_equal(tuning_append_pair(&merged, 1, &text), 0);
    assert_string_equal(str_text(&text), "MIMALLOC_PAGE_RESET=1");
    assert_true(tuning_merge(&reset, &delay, &other));
    assert_true(tuning_is_same(&merged, &other));
    assert_false(tuning_is_same(&merged, &delay));
    assert_false(tuning_merge(&merged, &delay, &other));
    str_fini(&text);
}

/* What 'recommend' advises is where a search begins, so each of it must be readable. */
static void tuning_read_knows_all_remedies(void **state)
{
    (void)state;
    size_t count;
    const struct remedy *all = remedies(&count);
    for (size_t i = 0; i < count; i++) {
        enum knob_family family = tuning_family(all[i].allocator);
        struct tuning tuning;
        if (family == KNOB_FAMILY_COUNT) {
            assert_null(all[i].pair); /* one of our own policies */
        } else if (all[i].pair != NULL && !tuning_read(family, all[i].pair, &tuning)) {
            fail_msg("%s", all[i].pair);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tuning_singles_pass_the_linter),
        cmocka_unit_test(tuning_exclusion_every_knob_is_searched_or_explained),
        cmocka_unit_test(tuning_exclusion_hangs_on_time_and_threads),
        cmocka_unit_test(tuning_singles_timed_values_come_with_time),
        cmocka_unit_test(tuning_pairs_are_read_and_written_alike),
        cmocka_unit_test(tuning_merge_only_of_different_knobs),
        cmocka_unit_test(tuning_read_knows_all_remedies),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
