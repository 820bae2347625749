/*
 * cross_thread.c - producers allocate, consumers free, and addresses are reused at once. [N=100000]
 *
 * Two pairs over one-slot mailboxes, spinning: a block freed by a consumer is often the next one
 * that another thread gets, so a recorder that orders events wrongly pairs them wrongly.
 *
 * build: -pthread
 */
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

enum {
    PAIRS = 2
};
static _Atomic(void *) mailbox[PAIRS];
static int block_count = 100000;

static void *produce(void *slot)
{
    _Atomic(void *) *box = slot;
    for (int i = 0; i < block_count; i++) {
        void *block = malloc(48);
        void *expected = NULL;
        while (!atomic_compare_exchange_weak(box, &expected, block)) {
            expected = NULL;
            sched_yield();
        }
    }
    return NULL;
}

static void *consume(void *slot)
{
    _Atomic(void *) *box = slot;
    for (int i = 0; i < block_count; i++) {
        void *block;
        while ((block = atomic_exchange(box, NULL)) == NULL) {
            sched_yield();
        }
        free(block);
    }
    return NULL;
}

int main(int argc, char **argv)
{
    pthread_t threads[2 * PAIRS];
    block_count = argc > 1 ? atoi(argv[1]) : block_count;
    for (int i = 0; i < PAIRS; i++) {
        pthread_create(&threads[2 * i], NULL, produce, &mailbox[i]);
        pthread_create(&threads[2 * i + 1], NULL, consume, &mailbox[i]);
    }
    for (int i = 0; i < 2 * PAIRS; i++) {
        pthread_join(threads[i], NULL);
    }
    return 0;
}
