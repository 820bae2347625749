#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "../../analyzer/advice/env_lint.h"

enum {
    FINDINGS_MAX = 8,
};

struct findings {
    struct env_lint_finding items[FINDINGS_MAX];
    size_t count;
};

static void keep(void *context, const struct env_lint_finding *finding)
{
    struct findings *findings = context;
    assert_true(findings->count < FINDINGS_MAX);
    findings->items[findings->count++] = *finding;
}

struct setting_case {
    enum env_lint_allocator allocator;
    const char *version;
    const char *name;
    const char *value;
    int effect; /* -1: there is nothing to say */
    const char *part;
};

static void check_case(const struct setting_case *setting)
{
    struct findings findings = {.count = 0};
    const struct env_lint lint = {.allocator = setting->allocator,
                                  .version = setting->version,
                                  .sink = keep,
                                  .context = &findings};

    env_lint_check(&lint, setting->name, setting->value);

    if ((setting->effect < 0) != (findings.count == 0)) {
        fail_msg("%s=%s: %zu findings: %s", setting->name, setting->value, findings.count,
                 findings.items[0].text);
    }
    if (setting->effect >= 0 && ((int)findings.items[0].effect != setting->effect ||
                                 strstr(findings.items[0].text, setting->part) == NULL)) {
        fail_msg("%s=%s: %s: '%s' has no '%s'", setting->name, setting->value,
                 env_lint_effect_word(findings.items[0].effect), findings.items[0].text,
                 setting->part);
    }
}

static void check_cases(const struct setting_case *cases, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        check_case(&cases[i]);
    }
}

#define COUNT(cases) (sizeof(cases) / sizeof((cases)[0]))
#define JEMALLOC     ENV_LINT_JEMALLOC, "5.3.0-0-g54eaed1", "MALLOC_CONF"
#define GLIBC        ENV_LINT_GLIBC, "2.36"

/* Each of these was given to jemalloc 5.3.0, and is what it made of it. */
static void env_lint_check_malloc_conf_is_read_as_jemalloc_does(void **state)
{
    (void)state;
    static const struct setting_case cases[] = {
        {JEMALLOC, "", -1, NULL},
        {JEMALLOC, "dirty_decay_ms:0,narenas:1", -1, NULL},
        {JEMALLOC, "narenas:default,background_thread:true,metadata_thp:auto", -1, NULL},
        {JEMALLOC, "dirty_decay_ms=0,narenas:1", ENV_LINT_DROPPED, "'dirty_decay_ms=0,narenas:1'"},
        {JEMALLOC, " narenas:1", ENV_LINT_DROPPED, "no space"},
        {JEMALLOC, "narenas:1, tcache:false", ENV_LINT_DROPPED, "' tcache:false'"},
        {JEMALLOC, "narenas", ENV_LINT_DROPPED, "no value"},
        {JEMALLOC, "narenas:1 ,tcache:false", ENV_LINT_IGNORED, "' ' behind it"},
        {JEMALLOC, "narenas:1;tcache:false", ENV_LINT_IGNORED, "';tcache:false' behind it"},
        {JEMALLOC, "narenas:2,", ENV_LINT_OUTDATED, "at the end"},
        {JEMALLOC, "tcache:1", ENV_LINT_IGNORED, "true or false"},
        {JEMALLOC, "narenas:0", ENV_LINT_IGNORED, "at least 1"},
        {JEMALLOC, "dirty_decay_ms:-2", ENV_LINT_IGNORED, "at least -1"},
        {JEMALLOC, "oversize_threshold:8M", ENV_LINT_IGNORED, "'M' behind it"},
        {JEMALLOC, "metadata_thp:on", ENV_LINT_IGNORED, "disabled auto always"},
        {JEMALLOC, "dirty_decay:0", ENV_LINT_IGNORED, "dirty_decay_ms?"},
        {JEMALLOC, "lg_dirty_mult:8", ENV_LINT_IGNORED, "unknown since version 5.0"},
        {JEMALLOC, "xmalloc:true", ENV_LINT_RISKY, "ends the program"},
        {JEMALLOC, "xmalloc:false", -1, NULL},
    };
    check_cases(cases, COUNT(cases));
}

static void env_lint_check_glibc_tunables_are_read_as_the_loader_does(void **state)
{
    (void)state;
    static const struct setting_case cases[] = {
        {GLIBC, "GLIBC_TUNABLES", "glibc.malloc.arena_max=1:glibc.malloc.tcache_count=0", -1, NULL},
        {GLIBC, "GLIBC_TUNABLES", "glibc.pthread.rseq=0", -1, NULL},
        {GLIBC, "GLIBC_TUNABLES", "glibc.malloc.arena_max=1,glibc.malloc.tcache_count=0",
         ENV_LINT_DROPPED, "',glibc.malloc.tcache_count=0' is dropped"},
        {GLIBC, "GLIBC_TUNABLES", "glibc.malloc.arena_max:1", ENV_LINT_IGNORED, "no '='"},
        {GLIBC, "GLIBC_TUNABLES", "glibc.malloc.arenas_max=1", ENV_LINT_IGNORED, "arena_max?"},
        {GLIBC, "GLIBC_TUNABLES", "arena_max=1", ENV_LINT_IGNORED, "glibc.malloc.arena_max?"},
        {GLIBC, "GLIBC_TUNABLES", "glibc.malloc.tcache_count=70000", ENV_LINT_IGNORED, "65535"},
        {GLIBC, "GLIBC_TUNABLES", "glibc.malloc.arena_max=2k", ENV_LINT_DROPPED, "'k' is dropped"},
        {GLIBC, "MALLOC_ARENA_MAX", "2", -1, NULL},
        {GLIBC, "MALLOC_ARENA_MAX", "two", ENV_LINT_IGNORED, "takes a number"},
        {GLIBC, "MALLOC_TOP_PAD", "1", ENV_LINT_IGNORED, "MALLOC_TOP_PAD_?"},
        {GLIBC, "MALLOC_PERTURB_", "165", ENV_LINT_RISKY, "debugging"},
        {ENV_LINT_GLIBC, "2.31", "GLIBC_TUNABLES", "glibc.malloc.hugetlb=1", ENV_LINT_IGNORED,
         "before version 2.35"},
    };
    check_cases(cases, COUNT(cases));
}

static void env_lint_check_prefixed_variables_are_looked_up(void **state)
{
    (void)state;
    static const struct setting_case cases[] = {
        {ENV_LINT_MIMALLOC, "209", "MIMALLOC_DECOMMIT_DELAY", "0", -1, NULL},
        {ENV_LINT_MIMALLOC, "209", "mimalloc_decommit_delay", "0", -1, NULL},
        {ENV_LINT_MIMALLOC, "209", "MIMALLOC_RESERVE_OS_MEMORY", "1G", -1, NULL},
        {ENV_LINT_MIMALLOC, "209", "MIMALLOC_DECOMMIT_DELAY", "10ms", ENV_LINT_IGNORED, "'ms'"},
        {ENV_LINT_MIMALLOC, "209", "MIMALLOC_PURGE_DELAY", "0", ENV_LINT_IGNORED, "version 2.1"},
        {ENV_LINT_MIMALLOC, "209", "MIMALLOC_RESET_DELAY", "0", ENV_LINT_OUTDATED, "DECOMMIT"},
        {ENV_LINT_MIMALLOC, "209", "MIMALLOC_LARGE_PAGES", "1", ENV_LINT_IGNORED,
         "LARGE_OS_PAGES?"},
        {ENV_LINT_TCMALLOC, "gperftools 2.10", "TCMALLOC_AGGRESSIVE_DECOMMIT", "1", -1, NULL},
        {ENV_LINT_TCMALLOC, "gperftools 2.10", "TCMALLOC_HEAP_LIMIT_MB", "100", ENV_LINT_RISKY,
         "limit"},
        {ENV_LINT_TCMALLOC, "gperftools 2.10", "TCMALLOC_AGRESSIVE_DECOMMIT", "1", ENV_LINT_IGNORED,
         "AGGRESSIVE_DECOMMIT?"},
    };
    check_cases(cases, COUNT(cases));
}

static void env_lint_check_another_allocator_reads_nothing(void **state)
{
    (void)state;
    static const struct setting_case cases[] = {
        {GLIBC, "MALLOC_CONF", "narenas:1", ENV_LINT_IGNORED, "jemalloc reads it, but glibc"},
        {GLIBC, "MIMALLOC_DECOMMIT_DELAY", "0", ENV_LINT_IGNORED, "mimalloc reads it"},
        {ENV_LINT_JEMALLOC, "5.3.0", "MALLOC_ARENA_MAX", "1", ENV_LINT_IGNORED, "glibc reads it"},
        {ENV_LINT_JEMALLOC, "5.3.0", "GLIBC_TUNABLES", "glibc.malloc.arena_max=1", ENV_LINT_IGNORED,
         "glibc reads it"},
        {ENV_LINT_JEMALLOC, "5.3.0", "GLIBC_TUNABLES", "glibc.pthread.rseq=0", -1, NULL},
        {ENV_LINT_OTHER, "", "MALLOC_CONF", "narenas:1", -1, NULL},
        {GLIBC, "LD_PRELOAD", "libx.so", -1, NULL},
    };
    check_cases(cases, COUNT(cases));
}

static void env_lint_allocator_of_library_is_known_by_its_name(void **state)
{
    (void)state;
    assert_int_equal(env_lint_allocator_of("/lib/x86_64-linux-gnu/libc.so.6"), ENV_LINT_GLIBC);
    assert_int_equal(env_lint_allocator_of("/usr/lib/libjemalloc.so.2"), ENV_LINT_JEMALLOC);
    assert_int_equal(env_lint_allocator_of("/opt/libtcmalloc_minimal.so.4"), ENV_LINT_TCMALLOC);
    assert_int_equal(env_lint_allocator_of("/opt/libmimalloc.so.2.0"), ENV_LINT_MIMALLOC);
    assert_int_equal(env_lint_allocator_of("/opt/jemalloc/bin/app"), ENV_LINT_OTHER);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(env_lint_check_malloc_conf_is_read_as_jemalloc_does),
        cmocka_unit_test(env_lint_check_glibc_tunables_are_read_as_the_loader_does),
        cmocka_unit_test(env_lint_check_prefixed_variables_are_looked_up),
        cmocka_unit_test(env_lint_check_another_allocator_reads_nothing),
        cmocka_unit_test(env_lint_allocator_of_library_is_known_by_its_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
