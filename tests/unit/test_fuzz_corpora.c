/*
 * What fuzzing started from and what it found (tests/fuzz/corpus/TARGET/) is read without a crash,
 * a leak or an undefined step: run under the sanitizers, too.
 */
#include "../fuzz/fuzz_journal.h"
#include "../fuzz/fuzz_ring.h"
#include "../fuzz/fuzz_targets.h"

#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

typedef void fuzz_target(const uint8_t *bytes, size_t count);

enum {
    CUTS = 16,
    TURNS = 256,
    TURNS_OF_FOUND = 8, /* of a file that the fuzzing has found, one of many: found_* */
};

/* Also each file cut short, and with its bytes turned one after another. */
static void read_mangled(fuzz_target *target, uint8_t *bytes, size_t count, bool is_found)
{
    size_t turns = is_found ? TURNS_OF_FOUND : TURNS;
    target(bytes, count);
    for (size_t i = is_found ? CUTS - 1 : 0; i < CUTS; i++) {
        target(bytes, count * i / CUTS);
    }
    for (size_t i = 0; i < turns && count > 0; i++) {
        size_t at = i * 2654435761u % count;
        bytes[at] ^= (uint8_t)(1 + i);
        target(bytes, count);
        bytes[at] ^= (uint8_t)(1 + i);
    }
}

static void read_corpus(const char *name, fuzz_target *target)
{
    char folder[256];
    size_t file_count = 0;
    (void)snprintf(folder, sizeof(folder), "tests/fuzz/corpus/%s", name);
    DIR *directory = opendir(folder);
    assert_non_null(directory);
    for (const struct dirent *entry; (entry = readdir(directory)) != NULL;) {
        char path[600];
        (void)snprintf(path, sizeof(path), "%s/%s", folder, entry->d_name);
        FILE *file = entry->d_name[0] != '.' ? fopen(path, "rb") : NULL;
        if (file == NULL) {
            continue;
        }
        uint8_t *bytes = malloc(FUZZ_BYTES_MAX);
        assert_non_null(bytes);
        size_t count = fread(bytes, 1, FUZZ_BYTES_MAX, file);
        (void)fclose(file);
        assert_true(count > 0);
        read_mangled(target, bytes, count, strncmp(entry->d_name, "found_", 6) == 0);
        free(bytes);
        file_count++;
    }
    (void)closedir(directory);
    assert_true(file_count > 0);
}

static void fuzz_baseline_survives_its_corpus(void **state)
{
    (void)state;
    read_corpus("baseline", fuzz_baseline);
}

static void fuzz_budget_survives_its_corpus(void **state)
{
    (void)state;
    read_corpus("budget", fuzz_budget);
}

static void fuzz_database_survives_its_corpus(void **state)
{
    (void)state;
    read_corpus("database", fuzz_database);
}

static void fuzz_events_survives_its_corpus(void **state)
{
    (void)state;
    read_corpus("events", fuzz_events);
}

static void fuzz_gctrace_survives_its_corpus(void **state)
{
    (void)state;
    read_corpus("gctrace", fuzz_gctrace);
}

static void fuzz_journal_survives_its_corpus(void **state)
{
    (void)state;
    read_corpus("journal", fuzz_journal);
}

static void fuzz_object_trace_survives_its_corpus(void **state)
{
    (void)state;
    read_corpus("object_trace", fuzz_object_trace);
}

static void fuzz_plan_survives_its_corpus(void **state)
{
    (void)state;
    read_corpus("plan", fuzz_plan);
}

static void fuzz_heaptrack_survives_its_corpus(void **state)
{
    (void)state;
    read_corpus("heaptrack", fuzz_heaptrack);
}

static void fuzz_pprof_survives_its_corpus(void **state)
{
    (void)state;
    read_corpus("pprof", fuzz_pprof);
}

static void fuzz_ring_survives_its_corpus(void **state)
{
    (void)state;
    read_corpus("ring", fuzz_ring);
}

static void fuzz_sanitizer_survives_its_corpus(void **state)
{
    (void)state;
    read_corpus("sanitizer", fuzz_sanitizer);
}

static void fuzz_suppressions_survives_its_corpus(void **state)
{
    (void)state;
    read_corpus("suppressions", fuzz_suppressions);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fuzz_baseline_survives_its_corpus),
        cmocka_unit_test(fuzz_budget_survives_its_corpus),
        cmocka_unit_test(fuzz_database_survives_its_corpus),
        cmocka_unit_test(fuzz_events_survives_its_corpus),
        cmocka_unit_test(fuzz_gctrace_survives_its_corpus),
        cmocka_unit_test(fuzz_journal_survives_its_corpus),
        cmocka_unit_test(fuzz_object_trace_survives_its_corpus),
        cmocka_unit_test(fuzz_plan_survives_its_corpus),
        cmocka_unit_test(fuzz_heaptrack_survives_its_corpus),
        cmocka_unit_test(fuzz_pprof_survives_its_corpus),
        cmocka_unit_test(fuzz_ring_survives_its_corpus),
        cmocka_unit_test(fuzz_sanitizer_survives_its_corpus),
        cmocka_unit_test(fuzz_suppressions_survives_its_corpus),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
