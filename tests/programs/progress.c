/*
 * Allocates and frees in a fixed order and tells its progress in a file that others map, so that a
 * test can kill the recorder at any moment and know what must have been recorded until then.
 *
 * progress FILE STEPS THREADS [TURNS]: word t of FILE is how many steps thread t has done. A step
 * t,i allocates a block of size_of(t, i) bytes from one of four functions; every third is kept, the
 * others are freed KEEP_STEPS later, by realloc first where i is a multiple of 16. TURNS of a loop
 * lie between two steps: a nanosecond or so each.
 */
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

enum {
    KEEP_STEPS = 64,
    THREADS_MAX = 8,
    FILE_BYTES = 4096,
};

static _Atomic uint64_t *done;
static uint64_t step_count;
static unsigned long turn_count;
static _Atomic uint64_t sum;

static size_t size_of(uint64_t thread, uint64_t step)
{
    return 16 + (step * 7 + thread * 1000003) % 1000;
}

static void *make_red(size_t bytes)
{
    return malloc(bytes);
}

static void *make_green(size_t bytes)
{
    return malloc(bytes);
}

static void *make_blue(size_t bytes)
{
    return calloc(1, bytes);
}

static void *make_kept(size_t bytes)
{
    return malloc(bytes);
}

static void *make(uint64_t step, size_t bytes)
{
    if (step % 3 == 0) {
        return make_kept(bytes);
    }
    return step % 4 == 0 ? make_red(bytes) : step % 4 == 1 ? make_green(bytes) : make_blue(bytes);
}

static void *work(void *argument)
{
    uint64_t thread = (uintptr_t)argument;
    void *recent[KEEP_STEPS] = {0};
    for (uint64_t step = 0; step < step_count; step++) {
        void **place = &recent[step % KEEP_STEPS];
        if (*place != NULL && (step - KEEP_STEPS) % 16 == 0) {
            *place = realloc(*place, size_of(thread, step) * 2);
        }
        free(*place);
        void *block = make(step, size_of(thread, step));
        *place = step % 3 == 0 ? NULL : block;
        atomic_fetch_add(&sum, ((uintptr_t)block != 0) + size_of(thread, step));
        atomic_store_explicit(&done[thread], step + 1, memory_order_release);
        for (volatile unsigned long turn = 0; turn < turn_count; turn++) {
        }
    }
    for (int i = 0; i < KEEP_STEPS; i++) {
        free(recent[i]);
    }
    return NULL;
}

int main(int argc, char **argv)
{
    if (argc != 4 && argc != 5) {
        return 2;
    }
    int fd = open(argv[1], O_RDWR | O_CREAT, 0600);
    if (fd < 0 || ftruncate(fd, FILE_BYTES) != 0) {
        return 2;
    }
    done = mmap(NULL, FILE_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (done == MAP_FAILED) {
        return 2;
    }
    step_count = strtoull(argv[2], NULL, 10);
    turn_count = argc == 5 ? strtoul(argv[4], NULL, 10) : 0;
    unsigned long thread_count = strtoul(argv[3], NULL, 10);
    pthread_t threads[THREADS_MAX];
    for (uintptr_t i = 1; i < thread_count && i < THREADS_MAX; i++) {
        pthread_create(&threads[i], NULL, work, (void *)i);
    }
    work((void *)0);
    for (uintptr_t i = 1; i < thread_count && i < THREADS_MAX; i++) {
        pthread_join(threads[i], NULL);
    }
    printf("%llu\n", (unsigned long long)atomic_load(&sum));
    return 0;
}
