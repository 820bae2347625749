/*
 * pairs.c - pairs of malloc and free at a given depth of the call stack.
 *
 *   pairs DEPTH THREADS COUNT [PATHS]
 *
 * Each thread descends through DEPTH frames and makes its part of COUNT pairs there: a new block of
 * 64 bytes takes the place of the oldest of 256 live ones. With PATHS (a power of two) it descends
 * anew for every pair, by one of so many ways that differ in their return addresses.
 *
 * Prints "own_cpu_ns N": what all its threads together have used, from exec to here.
 *
 * Meant for -O2 -fomit-frame-pointer: the frames are real, and found by unwind tables alone.
 */
#include <errno.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

enum {
    RING_BLOCKS = 256,
    BLOCK_BYTES = 64,
    DEPTH_MAX = 10000,
    THREADS_MAX = 1024,
};

struct job {
    unsigned char *ring[RING_BLOCKS];
    unsigned depth;
    unsigned long path_count;
    unsigned long pair_count;
    unsigned long path;
    unsigned long done_count;
    unsigned long stop_count; /* what done_count shall be when the bottom is left again */
};

/* At the bottom: pairs until done_count is stop_count. */
static __attribute__((noinline)) unsigned long make_pairs(struct job *job)
{
    unsigned long sum = 0;
    while (job->done_count < job->stop_count) {
        unsigned char **slot = &job->ring[job->done_count % RING_BLOCKS];
        unsigned char *block = malloc(BLOCK_BYTES);
        if (block == NULL) {
            abort();
        }
        block[0] = (unsigned char)job->done_count;
        if (*slot != NULL) {
            sum += (*slot)[0];
        }
        free(*slot);
        *slot = block;
        job->done_count++;
    }
    return sum;
}

/* The empty instructions keep gcc from making a loop of it, and the two calls from becoming one. */
static __attribute__((noinline)) unsigned long descend(struct job *job, unsigned depth)
{
    unsigned long sum;
    if (depth <= 1) {
        sum = make_pairs(job);
        __asm__ volatile("# bottom" : "+r"(sum));
    } else if ((job->path >> (depth % 32) & 1) != 0) {
        sum = descend(job, depth - 1);
        __asm__ volatile("# right" : "+r"(sum));
    } else {
        sum = descend(job, depth - 1);
        __asm__ volatile("# left" : "+r"(sum));
    }
    return sum;
}

static void *run_job(void *argument)
{
    struct job *job = argument;
    unsigned long sum = 0;
    if (job->path_count == 0) {
        job->stop_count = job->pair_count;
        sum += descend(job, job->depth);
    }
    while (job->done_count < job->pair_count) {
        /* An odd multiplier visits all paths, in an order that is not that of their numbers. */
        job->path = (job->done_count * 2654435761UL & (job->path_count - 1)) << 2;
        job->stop_count = job->done_count + 1;
        sum += descend(job, job->depth);
    }
    for (size_t i = 0; i < RING_BLOCKS; i++) {
        free(job->ring[i]);
    }
    job->done_count = sum;
    return NULL;
}

static unsigned long parse(const char *text, unsigned long max)
{
    char *end;
    errno = 0;
    unsigned long number = strtoul(text, &end, 10);
    if (errno != 0 || end == text || *end != '\0' || number > max) {
        fprintf(stderr, "pairs: '%s' is no number up to %lu\n", text, max);
        exit(2);
    }
    return number;
}

/* The first job runs in the main thread, so that one thread means a program without others. */
static void run_all(struct job *jobs, unsigned long thread_count)
{
    pthread_t threads[THREADS_MAX] = {0};
    for (unsigned long i = 1; i < thread_count; i++) {
        if (pthread_create(&threads[i], NULL, run_job, &jobs[i]) != 0) {
            fprintf(stderr, "pairs: cannot start thread %lu\n", i);
            exit(1);
        }
    }
    run_job(&jobs[0]);
    for (unsigned long i = 1; i < thread_count; i++) {
        pthread_join(threads[i], NULL);
    }
}

/* Without stdio, which would allocate a buffer. */
static void print_own_cpu(void)
{
    struct timespec used;
    char text[64];
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
    int length = snprintf(text, sizeof(text), "own_cpu_ns %lld\n",
                          (long long)used.tv_sec * 1000000000 + used.tv_nsec);
    if (write(STDOUT_FILENO, text, (size_t)length) != length) {
        exit(1);
    }
}

int main(int argc, char **argv)
{
    if (argc < 4 || argc > 5) {
        fprintf(stderr, "usage: pairs DEPTH THREADS COUNT [PATHS]\n");
        return 2;
    }
    unsigned long depth = parse(argv[1], DEPTH_MAX);
    unsigned long thread_count = parse(argv[2], THREADS_MAX);
    unsigned long pair_count = parse(argv[3], UINT32_MAX);
    unsigned long path_count = argc > 4 ? parse(argv[4], 1UL << 24) : 0;
    if (thread_count == 0 || (path_count & (path_count - 1)) != 0) {
        fprintf(stderr, "pairs: THREADS is at least 1, PATHS a power of two\n");
        return 2;
    }

    static struct job jobs[THREADS_MAX];
    for (unsigned long i = 0; i < thread_count; i++) {
        jobs[i].depth = (unsigned)depth;
        jobs[i].path_count = path_count;
        jobs[i].pair_count = pair_count / thread_count + (i < pair_count % thread_count ? 1 : 0);
    }
    run_all(jobs, thread_count);
    print_own_cpu();
    return 0;
}
