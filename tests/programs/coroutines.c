/*
 * coroutines.c - two coroutines on their own stacks allocate in turn.
 */
#include <stdlib.h>
#include <ucontext.h>

static ucontext_t main_context, contexts[2];
static char stacks[2][65536];

static void coroutine_step(int number)
{
    free(malloc((size_t)(300 + number)));
}

static void coroutine_main(int number)
{
    for (int i = 0; i < 50; i++) {
        coroutine_step(number);
        swapcontext(&contexts[number], &contexts[1 - number]);
    }
}

int main(void)
{
    for (int i = 0; i < 2; i++) {
        getcontext(&contexts[i]);
        contexts[i].uc_stack.ss_sp = stacks[i];
        contexts[i].uc_stack.ss_size = sizeof(stacks[i]);
        contexts[i].uc_link = &main_context;
        makecontext(&contexts[i], (void (*)(void))coroutine_main, 1, i);
    }
    swapcontext(&main_context, &contexts[0]);
    free(malloc(302));
    return 0;
}
