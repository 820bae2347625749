/*
 * slow_malloc.c - a preload with the C library's allocator, of which every 20th malloc and every
 * 500th realloc takes 50 us longer, and nothing else.
 *
 * build: -shared -fPIC
 */
#include <stddef.h>
#include <stdint.h>
#include <time.h>

enum {
    SLOW_EVERY = 20,
    SLOW_EVERY_REALLOC = 500,
    SLOW_NS = 50000,
};

void *__libc_malloc(size_t size_bytes);
void *__libc_realloc(void *block, size_t size_bytes);
void *malloc(size_t size_bytes);
void *realloc(void *block, size_t size_bytes);

static int64_t now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * INT64_C(1000000000) + now.tv_nsec;
}

static void wait_a_while(void)
{
    int64_t until_ns = now_ns() + SLOW_NS;
    while (now_ns() < until_ns) {
    }
}

void *malloc(size_t size_bytes)
{
    static unsigned call_count;
    if (++call_count % SLOW_EVERY == 0) {
        wait_a_while();
    }
    return __libc_malloc(size_bytes);
}

void *realloc(void *block, size_t size_bytes)
{
    static unsigned call_count;
    if (++call_count % SLOW_EVERY_REALLOC == 0) {
        wait_a_while();
    }
    return __libc_realloc(block, size_bytes);
}
