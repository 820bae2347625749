/*
 * counted_process.c - asks its recorder what all its threads have allocated, and compares.
 *
 *     counted_process          prints "right", "not counted", or what is wrong
 *     counted_process cost     prints the ns that asking takes, thread and process, at best
 *
 * build: -pthread
 */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "../../interposer/allocaudit.h"

enum {
    THREADS = 4,
    PAIRS = 20000, /* of each thread: many chunks of records */
    ASKS = 1000,
    BATCHES = 200,
};

static _Atomic int running_count;

static void *allocate_pairs(void *argument)
{
    (void)argument;
    for (int i = 0; i < PAIRS; i++) {
        free(malloc(10));
    }
    atomic_fetch_sub(&running_count, 1);
    return NULL;
}

static int check(const char *what, uint64_t found, uint64_t least, uint64_t most)
{
    if (found < least || found > most) {
        printf("%s: %llu, not %llu to %llu\n", what, (unsigned long long)found,
               (unsigned long long)least, (unsigned long long)most);
        return 1;
    }
    return 0;
}

/* What creating and joining threads allocates: each its stack's tables, which may be used again. */
enum {
    THREAD_CALLS_MOST = 4 * THREADS,
};

/* While they run the count only grows; when they have ended it is what they did. */
static int count_threads(void)
{
    struct allocaudit_counts before;
    struct allocaudit_counts last;
    struct allocaudit_counts now;
    pthread_t threads[THREADS];
    int bad = 0;
    if (!allocaudit_count_process_if(&before)) {
        puts("not counted");
        return 0;
    }
    last = before;
    running_count = THREADS;
    for (int i = 0; i < THREADS; i++) {
        if (pthread_create(&threads[i], NULL, allocate_pairs, NULL) != 0) {
            return 1;
        }
    }
    while (running_count > 0) {
        if (!allocaudit_count_process_if(&now)) {
            return check("counted meanwhile", 0, 1, 1);
        }
        bad += now.allocation_count < last.allocation_count || now.free_count < last.free_count;
        last = now;
    }
    for (int i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
    }
    bad += check("counted", (uint64_t)allocaudit_count_process_if(&now), 1, 1);
    uint64_t wanted = (uint64_t)THREADS * PAIRS;
    bad += check("allocations", now.allocation_count - before.allocation_count, wanted,
                 wanted + THREAD_CALLS_MOST);
    bad += check("frees", now.free_count - before.free_count, wanted, wanted + THREAD_CALLS_MOST);
    return bad;
}

static int count_own(void)
{
    struct allocaudit_counts before;
    struct allocaudit_counts after;
    if (!allocaudit_count_process_if(&before)) {
        return 0;
    }
    void *block = malloc(100);
    allocaudit_pause_if();
    void *uncounted = malloc(1000);
    free(block);
    allocaudit_resume_if();
    free(realloc(malloc(20), 3000));
    free(uncounted);
    allocaudit_count_process_if(&after);
    return check("own allocations", after.allocation_count - before.allocation_count, 3, 3) +
           check("own frees", after.free_count - before.free_count, 3, 3) +
           check("own bytes", after.allocated_bytes - before.allocated_bytes, 3120, 3120);
}

/* Counts of a child begin anew. */
static int count_in_child(void)
{
    pid_t pid = fork();
    if (pid == 0) {
        _exit(count_own() + count_threads() > 0);
    }
    int status = 1;
    waitpid(pid, &status, 0);
    return check("status of the child", (uint64_t)status, 0, 0);
}

static double now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

static double cost_of(int (*ask)(struct allocaudit_counts *out_counts))
{
    struct allocaudit_counts counts;
    double best = 1e9;
    for (int i = 0; ask != NULL && i < BATCHES; i++) {
        double from = now_ns();
        for (int j = 0; j < ASKS; j++) {
            ask(&counts);
        }
        double each = (now_ns() - from) / ASKS;
        best = each < best ? each : best;
    }
    return best;
}

int main(int argc, char **argv)
{
    if (argc > 1 && strcmp(argv[1], "cost") == 0) {
        printf("%.1f %.1f\n", cost_of(allocaudit_count), cost_of(allocaudit_count_process));
        return 0;
    }
    int bad = count_threads() + count_own() + count_threads() + count_in_child();
    puts(bad == 0 ? "right" : "wrong");
    return bad != 0;
}
