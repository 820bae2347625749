/*
 * errno_kept.c - calls that succeed leave errno alone.
 *
 * build: -pthread
 */
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

static int failures;

static void check(const char *what)
{
    if (errno != 12345) {
        fprintf(stderr, "%s changed errno to %d\n", what, errno);
        failures++;
    }
    errno = 12345;
}

static void *work(void *unused)
{
    errno = 12345;
    void *aligned = NULL;
    void *first = malloc(10);
    check("malloc");
    void *second = calloc(10, 10);
    check("calloc");
    first = realloc(first, 100000);
    check("realloc");
    free(first);
    check("free");
    free(second);
    check("free");
    int status = posix_memalign(&aligned, 64, 10);
    check("posix_memalign");
    free(status == 0 ? aligned : NULL);
    free(malloc(10 << 20)); /* by mmap and munmap */
    check("a large block");
    return unused;
}

int main(void)
{
    pthread_t thread;
    work(NULL);
    pthread_create(&thread, NULL, work, NULL);
    pthread_join(thread, NULL);
    return failures;
}
