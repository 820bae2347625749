/*
 * paused.c - allocates while it has paused: what counts is 6 blocks of 100 bytes. Two are left: one
 * is a leak, and one is held by a block that does not count.
 * build: -pthread
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../../interposer/allocaudit.h"

static void **volatile holder; /* does not count */
static void *volatile kept;

static void *counted_block(void)
{
    return malloc(100);
}

static void *uncounted_block(void)
{
    return malloc(7000);
}

/* A thread of its own: the pause of another one is nothing to it. */
static void *allocate_in_thread(void *argument)
{
    (void)argument;
    free(counted_block());
    return NULL;
}

static void pause_and_nest(void)
{
    allocaudit_pause_if();
    allocaudit_pause_if();
    free(uncounted_block());
    allocaudit_resume_if();
    free(calloc(1, 7000)); /* still paused */
    allocaudit_resume_if();
    allocaudit_resume_if(); /* one too many */
    free(counted_block());
}

/* Blocks that cross the border, both ways. */
static void cross_borders(void)
{
    void *before = counted_block();
    allocaudit_pause_if();
    free(before);
    void *within = uncounted_block();
    holder = malloc(sizeof(*holder));
    allocaudit_resume_if();
    *holder = counted_block(); /* reached through what does not count */
    free(within);
    kept = counted_block();
}

int main(void)
{
    struct allocaudit_measure measure;
    pthread_t thread;
    memset(&measure, 0, sizeof(measure));
    allocaudit_pause_if();
    int is_made = pthread_create(&thread, NULL, allocate_in_thread, NULL) == 0;
    if (is_made) {
        pthread_join(thread, NULL);
    }
    puts("begins"); /* the buffer of stdout does not count */
    allocaudit_resume_if();
    allocaudit_measure_begin_if(&measure);
    allocaudit_scope_begin("part");
    pause_and_nest();
    cross_borders();
    allocaudit_scope_end("part");
    if (allocaudit_measure_end_if(&measure)) {
        printf("%d allocations, %d frees, %d bytes, %d left\n", (int)measure.allocation_count,
               (int)measure.free_count, (int)measure.allocated_bytes, (int)measure.live_count);
    }
    kept = NULL;   /* a leak */
    holder = NULL; /* lost, and no leak */
    free(counted_block());
    return 0;
}
