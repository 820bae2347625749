/*
 * thread_roots.c - prints where in the C library the stacks of main and of a thread begin.
 *
 * build: -pthread
 */
#include <dlfcn.h>
#include <execinfo.h>
#include <pthread.h>
#include <stdio.h>

static void *print_roots(void *unused)
{
    void *addresses[64];
    int count = backtrace(addresses, 64);
    for (int i = 1; i < count; i++) {
        Dl_info info;
        if (dladdr(addresses[i], &info) != 0) {
            printf("%s %td\n", info.dli_fname, (char *)addresses[i] - (char *)info.dli_fbase);
        }
    }
    return unused;
}

int main(void)
{
    pthread_t thread;
    print_roots(NULL);
    pthread_create(&thread, NULL, print_roots, NULL);
    pthread_join(thread, NULL);
    return 0;
}
