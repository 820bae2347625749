/*
 * ifunc_start.c - its function is chosen by a resolver that allocates, before anything of the
 * program or of a preloaded library has been initialised.
 */
#include <stdlib.h>

int program_answer(void);

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

int program_answer(void) __attribute__((ifunc("choose_answer")));

int main(void)
{
    return program_answer() + program_answer();
}
