/*
 * Asks its recorder what it has allocated, and compares with what it knows. Prints "not counted"
 * where nobody answers. Compiles as C++, too.
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../interposer/allocaudit.h"

enum {
    BLOCKS = 5000, /* more than a chunk of records */
};

static int check(const char *what, uint64_t found, uint64_t wanted)
{
    if (found != wanted) {
        printf("%s: %llu, not %llu\n", what, (unsigned long long)found, (unsigned long long)wanted);
        return 1;
    }
    return 0;
}

static int count_blocks(void)
{
    static void *blocks[BLOCKS];
    struct allocaudit_counts before;
    struct allocaudit_counts after;
    if (!allocaudit_count_if(&before)) {
        puts("not counted");
        return 0;
    }
    for (int i = 0; i < BLOCKS; i++) {
        blocks[i] = malloc(10);
    }
    for (int i = 1; i < BLOCKS; i++) {
        free(blocks[i]);
    }
    blocks[0] = realloc(blocks[0], 100);
    int bad = check("counted", (uint64_t)allocaudit_count_if(&after), 1);
    free(blocks[0]);
    bad += check("allocations", after.allocation_count - before.allocation_count, BLOCKS + 1);
    bad += check("frees", after.free_count - before.free_count, BLOCKS);
    bad += check("bytes", after.allocated_bytes - before.allocated_bytes, 10 * BLOCKS + 100);
    return bad;
}

static int measure_blocks(void)
{
    struct allocaudit_measure outer;
    struct allocaudit_measure inner;
    memset(&outer, 0, sizeof(outer));
    memset(&inner, 0, sizeof(inner));
    allocaudit_scope_begin("outer");
    allocaudit_measure_begin_if(&outer);
    void *kept = malloc(1000);
    allocaudit_scope_begin("inner");
    allocaudit_measure_begin_if(&inner);
    void *lost = malloc(30);
    free(malloc(500));
    int inner_is_known = allocaudit_measure_end_if(&inner);
    allocaudit_scope_end("inner");
    free(kept);
    int outer_is_known = allocaudit_measure_end_if(&outer);
    allocaudit_scope_end("outer");
    free(lost);
    if (!inner_is_known || !outer_is_known) {
        puts("not measured");
        return 0;
    }
    return check("inner allocations", inner.allocation_count, 2) +
           check("inner live", inner.live_count, 1) +
           check("inner live bytes", inner.live_bytes, 30) +
           check("inner peak", inner.peak_bytes, 530) +
           check("outer allocations", outer.allocation_count, 3) +
           check("outer live", outer.live_count, 1) + check("outer peak", outer.peak_bytes, 1530);
}

static void *count_in_thread(void *argument)
{
    *(int *)argument = count_blocks() + measure_blocks();
    return NULL;
}

int main(void)
{
    int bad = count_blocks() + measure_blocks();
    int bad_there = 0;
    pthread_t thread;
    if (pthread_create(&thread, NULL, count_in_thread, &bad_there) == 0) {
        pthread_join(thread, NULL);
    }
    allocaudit_mark("done");
    puts(bad + bad_there == 0 ? "right" : "wrong");
    return bad + bad_there == 0 ? 0 : 1;
}
