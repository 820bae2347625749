/*
 * thread_names.c - N threads, one after the other, that live for some microseconds: each is called
 * brief-I, of even I before it allocates and of odd I when it has. [N=100]
 *
 * build: -pthread
 */
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

static void *leaked[1000];

static void *work(void *argument)
{
    int number = (int)(intptr_t)argument;
    char name[16];
    snprintf(name, sizeof(name), "brief-%d", number);
    if (number % 2 == 0) {
        pthread_setname_np(pthread_self(), name);
    }
    leaked[number] = malloc(32);
    if (number % 2 == 1) {
        pthread_setname_np(pthread_self(), name);
    }
    return NULL;
}

int main(int argc, char **argv)
{
    int count = argc > 1 ? atoi(argv[1]) : 100;
    for (int i = 0; i < count; i++) {
        pthread_t thread;
        if (pthread_create(&thread, NULL, work, (void *)(intptr_t)i) != 0) {
            return 3;
        }
        pthread_join(thread, NULL);
    }
    return 0;
}
