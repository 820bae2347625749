/*
 * gate_work.c - allocates what its arguments say, for gates.
 *
 *   gate_work [STEADY] [EXTRA] [LEAKED]
 *
 * STEADY temporary blocks of 64 bytes by steady(), EXTRA by extra(), LEAKED blocks of 100 bytes by
 * forget() that are never freed. GATE_WORK_JITTER=N: N blocks more by steady().
 */
#include <stdlib.h>

static void *volatile sink;

static __attribute__((noinline)) void steady(unsigned long count)
{
    for (unsigned long i = 0; i < count; i++) {
        sink = malloc(64);
        free(sink);
    }
}

static __attribute__((noinline)) void extra(unsigned long count)
{
    for (unsigned long i = 0; i < count; i++) {
        sink = malloc(64);
        free(sink);
    }
}

static __attribute__((noinline)) void forget(unsigned long count)
{
    for (unsigned long i = 0; i < count; i++) {
        sink = malloc(100);
    }
    sink = NULL;
}

int main(int argc, char **argv)
{
    const char *jitter = getenv("GATE_WORK_JITTER");
    steady(argc > 1 ? strtoul(argv[1], NULL, 10) : 1000);
    steady(jitter != NULL ? strtoul(jitter, NULL, 10) : 0);
    extra(argc > 2 ? strtoul(argv[2], NULL, 10) : 0);
    forget(argc > 3 ? strtoul(argv[3], NULL, 10) : 0);
    return 0;
}
