/*
 * gate_kin.c - threads, kinds of leaks and processes, for gates.
 *
 * gate_kin: a thread "worker" makes 50 temporary blocks and loses 3 of 100 bytes; main() loses 2
 * and keeps one that leads to another; a scope has 2 temporary blocks of its 3; two children lose 7
 * and 9 blocks.
 *
 * gate_kin child N: loses N blocks of 100 bytes.
 *
 * build: -pthread
 */
#include <pthread.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../../interposer/allocaudit.h"
#include "lose.h"

static void *volatile sink;
static void **volatile kept;

static void *work(void *argument)
{
    pthread_setname_np(pthread_self(), "worker");
    for (int i = 0; i < 50; i++) {
        sink = malloc(8);
        free(sink);
    }
    lose(3);
    return argument;
}

static void run_scope(void)
{
    allocaudit_scope_begin("part");
    sink = malloc(4);
    free(sink);
    void *outer = malloc(5); /* lives longer than the next */
    sink = malloc(6);
    free(sink);
    free(outer);
    sink = NULL;
    allocaudit_scope_end("part");
}

static void start(char *program, char *count)
{
    if (fork() == 0) {
        execl(program, program, "child", count, (char *)NULL);
        _exit(1);
    }
}

int main(int argc, char **argv)
{
    pthread_t thread;
    if (argc > 2) {
        lose(atoi(argv[2]));
        return 0;
    }
    if (pthread_create(&thread, NULL, work, NULL) != 0) {
        return 1;
    }
    pthread_join(thread, NULL);
    kept = malloc(16);
    kept[0] = malloc(30);
    run_scope();
    lose(2);
    start(argv[0], "7");
    start(argv[0], "9");
    while (wait(NULL) > 0) {
    }
    return 0;
}
