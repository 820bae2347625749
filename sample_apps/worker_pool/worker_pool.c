/*
 * worker_pool.c - a main thread makes jobs, workers free them and hand back results.
 *
 * Every block dies in another thread than the one that made it: the main thread allocates jobs and
 * payloads, a worker frees both and allocates a result, and the main thread frees that.
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "../options.h"

enum {
    QUEUE_SLOTS = 64,
    THREADS_MAX = 256
};

struct job {
    uint64_t number;
    size_t payload_bytes;
    unsigned char *payload;
};

struct result {
    uint64_t number;
    uint64_t checksum;
};

struct queue {
    pthread_mutex_t lock;
    pthread_cond_t is_not_empty, is_not_full;
    void *slots[QUEUE_SLOTS];
    size_t first, used;
};

struct pool {
    struct queue jobs, results;
};

static void out_of_memory(void)
{
    fputs("worker_pool: out of memory\n", stderr);
    exit(3);
}

static void queue_init(struct queue *queue)
{
    *queue = (struct queue){.first = 0};
    pthread_mutex_init(&queue->lock, NULL);
    pthread_cond_init(&queue->is_not_empty, NULL);
    pthread_cond_init(&queue->is_not_full, NULL);
}

static void queue_put(struct queue *queue, void *item)
{
    pthread_mutex_lock(&queue->lock);
    while (queue->used == QUEUE_SLOTS) {
        pthread_cond_wait(&queue->is_not_full, &queue->lock);
    }
    queue->slots[(queue->first + queue->used++) % QUEUE_SLOTS] = item;
    pthread_cond_signal(&queue->is_not_empty);
    pthread_mutex_unlock(&queue->lock);
}

static void *queue_take(struct queue *queue)
{
    pthread_mutex_lock(&queue->lock);
    while (queue->used == 0) {
        pthread_cond_wait(&queue->is_not_empty, &queue->lock);
    }
    void *item = queue->slots[queue->first];
    queue->first = (queue->first + 1) % QUEUE_SLOTS;
    queue->used--;
    pthread_cond_signal(&queue->is_not_full);
    pthread_mutex_unlock(&queue->lock);
    return item;
}

static struct job *job_create(uint64_t number)
{
    struct job *job = malloc(sizeof(*job));
    if (job == NULL) {
        out_of_memory();
    }
    job->number = number;
    job->payload_bytes = 32 + number % 8 * 64;
    job->payload = malloc(job->payload_bytes);
    if (job->payload == NULL) {
        out_of_memory();
    }
    for (size_t i = 0; i < job->payload_bytes; i++) {
        job->payload[i] = (unsigned char)(number + i);
    }
    return job;
}

static struct result *job_work(struct job *job)
{
    struct result *result = malloc(sizeof(*result));
    if (result == NULL) {
        out_of_memory();
    }
    *result = (struct result){.number = job->number};
    for (size_t i = 0; i < job->payload_bytes; i++) {
        result->checksum += job->payload[i];
    }
    free(job->payload);
    free(job);
    return result;
}

static void *worker_main(void *argument)
{
    struct pool *pool = argument;
    struct job *job;
    while ((job = queue_take(&pool->jobs)) != NULL) {
        queue_put(&pool->results, job_work(job));
    }
    return NULL;
}

static uint64_t result_collect(struct pool *pool)
{
    struct result *result = queue_take(&pool->results);
    uint64_t checksum = result->checksum;
    free(result);
    return checksum;
}

static uint64_t pool_run(struct pool *pool, uint64_t jobs, unsigned threads)
{
    /* At most this many jobs are under way, so that neither queue can block the other. */
    uint64_t window = QUEUE_SLOTS / 2;
    uint64_t checksum = 0;
    for (uint64_t number = 0; number < jobs; number++) {
        if (number >= window) {
            checksum += result_collect(pool);
        }
        queue_put(&pool->jobs, job_create(number));
    }
    for (uint64_t left = jobs < window ? jobs : window; left > 0; left--) {
        checksum += result_collect(pool);
    }
    for (unsigned i = 0; i < threads; i++) {
        queue_put(&pool->jobs, NULL);
    }
    return checksum;
}

static const char help[] = "worker_pool - jobs that are freed by another thread than made them\n\n"
                           "usage: worker_pool [--jobs N] [--threads N]\n"
                           "  --jobs N      jobs to work off (default 1000)\n"
                           "  --threads N   workers, 1 to 256 (default 4)\n";

int main(int argc, char **argv)
{
    uint64_t jobs = 1000;
    uint64_t threads = 4;
    const struct app_option options[] = {
        {"jobs", .number = &jobs},
        {"threads", .number = &threads, .min = 1, .max = THREADS_MAX},
        {NULL},
    };
    app_read_options(argc, argv, help, options);

    static struct pool pool;
    static pthread_t workers[THREADS_MAX];
    queue_init(&pool.jobs);
    queue_init(&pool.results);
    for (unsigned i = 0; i < threads; i++) {
        if (pthread_create(&workers[i], NULL, worker_main, &pool) != 0) {
            fputs("worker_pool: cannot start a thread\n", stderr);
            return 3;
        }
    }
    uint64_t checksum = pool_run(&pool, jobs, threads);
    for (unsigned i = 0; i < threads; i++) {
        pthread_join(workers[i], NULL);
    }
    printf("jobs %llu, threads %u, checksum %llu\n", (unsigned long long)jobs, (unsigned)threads,
           (unsigned long long)checksum);
    printf("allocations: %llu, leaked: 0 blocks, 0 bytes\n", (unsigned long long)(jobs * 3));
    return 0;
}
