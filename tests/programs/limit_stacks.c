/*
 * Limits that fail deep inside: which stacks are shown.
 *
 *   limit_stacks allocs|leak|peak|nested|many|moving|silent
 *
 * build: -lcmocka -ldl
 */
#include <dlfcn.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../../interposer/allocaudit_cmocka.h"

static const char *wrong = "";
static char *volatile kept;
static void *volatile dropped;

static __attribute__((noinline)) void copy_name(const char *name)
{
    kept = strdup(name); /* the strdup */
}

static __attribute__((noinline)) void greet(const char *name)
{
    copy_name(name); /* the call of copy_name */
    __asm__ volatile("" ::: "memory");
}

static __attribute__((noinline)) void work(size_t size_bytes, int times)
{
    for (int i = 0; i < times; i++) {
        dropped = malloc(size_bytes); /* the malloc of work */
        free(dropped);
    }
}

static void nothing_is_allocated(void **state)
{
    (void)state;
    assert_no_allocs
    {
        work(10, 3);
        greet("Ada");
    }
}

static void nothing_is_left(void **state)
{
    (void)state;
    assert_balanced
    {
        work(10, 3);
        greet("Grace");
    }
}

static void not_much_at_once(void **state)
{
    (void)state;
    assert_max_peak(100)
    {
        work(10, 3);
        work(5000, 1);
    }
}

static void an_inner_limit(void **state)
{
    (void)state;
    assert_max_allocs(100)
    {
        work(10, 3);
        assert_no_allocs
        {
            greet("Edsger");
        }
    }
}

static __attribute__((noinline)) void recurse(int depth)
{
    if (depth > 0) {
        work(1, 1);
        recurse(depth - 1);
    }
    __asm__ volatile("" ::: "memory");
}

static void more_stacks_and_calls_than_are_kept(void **state)
{
    (void)state;
    assert_no_allocs
    {
        greet("Alan");
        recurse(6);
        work(8, 4090);
    }
}

/* Loading gives the thread's stacks new numbers. */
static void a_library_is_loaded(void **state)
{
    (void)state;
    assert_no_allocs
    {
        work(10, 3);
        dropped = dlopen("libutil.so.1", RTLD_NOW);
        greet("Barbara");
    }
}

/* The collector, our parent, stands still. */
static void nobody_answers(void **state)
{
    (void)state;
    assert_no_allocs
    {
        greet("Kurt");
        (void)kill(getppid(), SIGSTOP);
    }
}

int main(int argc, char **argv)
{
    static const struct {
        const char *name;
        const struct CMUnitTest test;
    } cases[] = {
        {"allocs", cmocka_unit_test(nothing_is_allocated)},
        {"leak", cmocka_unit_test(nothing_is_left)},
        {"peak", cmocka_unit_test(not_much_at_once)},
        {"nested", cmocka_unit_test(an_inner_limit)},
        {"many", cmocka_unit_test(more_stacks_and_calls_than_are_kept)},
        {"moving", cmocka_unit_test(a_library_is_loaded)},
        {"silent", cmocka_unit_test(nobody_answers)},
    };
    wrong = argc > 1 ? argv[1] : "";
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        if (strcmp(cases[i].name, wrong) == 0) {
            const struct CMUnitTest tests[] = {cases[i].test};
            int failed = cmocka_run_group_tests(tests, NULL, NULL);
            (void)kill(getppid(), strcmp(wrong, "silent") == 0 ? SIGCONT : 0);
            return failed;
        }
    }
    return 2;
}
