/*
 * scope_leaks.c - scopes whose blocks are left in different ways, and noise that budgets ignore.
 *
 * "lose": three entries: the first loses 2 blocks of 100 bytes, the second one, the third none.
 * "keep": a block of 30 bytes that a global leads to until the end.
 * "late": a block of 40 bytes that is freed after its end.
 * "small": 10,000 bytes beside a block of 1,000,000 from before, which lives until after its end.
 * "noisy": a block of its own, and 5 of noise().
 * A thread "worker": 3 blocks of its own, and 7 of noise(). Each block of "noisy" and the thread is
 * freed at once.
 *
 * build: -pthread
 */
#include <pthread.h>
#include <stdlib.h>

#include "../../interposer/allocaudit.h"
#include "lose.h"

static void *volatile sink;
static void *volatile kept;

static __attribute__((noinline)) void noise(int count)
{
    for (int i = 0; i < count; i++) {
        sink = malloc(7);
        free(sink);
    }
}

static __attribute__((noinline)) void own(int count)
{
    for (int i = 0; i < count; i++) {
        sink = malloc(9);
        free(sink);
    }
}

static void *work(void *argument)
{
    pthread_setname_np(pthread_self(), "worker");
    own(3);
    noise(7);
    return argument;
}

int main(void)
{
    pthread_t thread;
    for (int i = 2; i >= 0; i--) {
        allocaudit_scope_begin("lose");
        lose(i);
        allocaudit_scope_end("lose");
    }
    allocaudit_scope_begin("keep");
    kept = malloc(30);
    allocaudit_scope_end("keep");
    allocaudit_scope_begin("late");
    sink = malloc(40);
    allocaudit_scope_end("late");
    free(sink);
    void *large = malloc(1000000);
    allocaudit_scope_begin("small");
    sink = malloc(10000);
    free(sink);
    allocaudit_scope_end("small");
    free(large);
    allocaudit_scope_begin("noisy");
    own(1);
    noise(5);
    allocaudit_frame();
    allocaudit_scope_end("noisy");
    if (pthread_create(&thread, NULL, work, NULL) != 0) {
        return 1;
    }
    pthread_join(thread, NULL);
    return 0;
}
