/*
 * replayed.c - every kind of call, in numbers that are known, for tests of the replay.
 * build: -pthread
 *
 *   replayed [THREADS [ROUNDS [in-turn]]]
 *
 * Each thread makes ROUNDS * 5 blocks and frees ROUNDS * 3 of them itself; main() frees what each
 * of them has kept, the first by realloc'ing it before. in-turn: each begins when main() is done
 * with the one before. THREADS 0: main() does it all.
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    THREADS_MAX = 64,
    ROUNDS_MAX = 100000,
};

struct work {
    unsigned round_count;
    char *kept[2 * ROUNDS_MAX];
};

static void *must(void *block)
{
    if (block == NULL) {
        abort();
    }
    return block;
}

static void *work_main(void *argument)
{
    struct work *work = argument;
    for (unsigned i = 0; i < work->round_count; i++) {
        char *one = must(malloc(10 + i % 100));
        char *other = must(calloc(3, 50));
        char *aligned = must(aligned_alloc(256, 512));
        one = must(realloc(one, 200 + i % 100));
        free(aligned);
        free(other);
        work->kept[2 * i] = one;
        work->kept[2 * i + 1] = must(malloc(5000));
        free(must(malloc(100000)));
    }
    return NULL;
}

static void take_back(struct work *work)
{
    for (unsigned i = 0; i < 2 * work->round_count; i++) {
        free(i == 0 ? must(realloc(work->kept[i], 9000)) : work->kept[i]);
    }
}

int main(int argc, char **argv)
{
    static struct work works[THREADS_MAX];
    pthread_t threads[THREADS_MAX];
    unsigned count = argc > 1 ? (unsigned)strtoul(argv[1], NULL, 10) : 0;
    unsigned round_count = argc > 2 ? (unsigned)strtoul(argv[2], NULL, 10) : 100;
    int is_in_turn = argc > 3;
    if (count > THREADS_MAX || round_count > ROUNDS_MAX) {
        return 2;
    }
    for (unsigned i = 0; i < (count > 0 ? count : 1); i++) {
        works[i].round_count = round_count;
        if (count == 0) {
            work_main(&works[i]);
            take_back(&works[i]);
        } else if (pthread_create(&threads[i], NULL, work_main, &works[i]) != 0) {
            return 1;
        }
        if (is_in_turn) {
            pthread_join(threads[i], NULL);
            take_back(&works[i]);
        }
    }
    for (unsigned i = 0; i < count && !is_in_turn; i++) {
        pthread_join(threads[i], NULL);
        take_back(&works[i]);
    }
    must(malloc(77)); /* never freed */
    return 0;
}
