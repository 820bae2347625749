/*
 * plugin_ifunc.c - a plugin whose functions are chosen, lazily, by resolvers that allocate: the
 * loader calls them in the middle of the first call.
 *
 * build: -shared -fPIC -Wl,-z,lazy
 */
#include <stdlib.h>

int plugin_run(void);
int plugin_answer(void);

static void *volatile sink;

static int answer(void)
{
    free(malloc(52));
    return 0;
}

static int (*choose_answer(void))(void)
{
    sink = malloc(51);
    return answer;
}

int plugin_answer(void) __attribute__((ifunc("choose_answer")));

int plugin_run(void)
{
    return plugin_answer() + plugin_answer();
}
