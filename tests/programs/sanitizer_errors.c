/*
 * sanitizer_errors.c - the error named by argv[1], with blocks made by `make` and freed by `drop`.
 * To be built with a sanitizer.
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct node {
    struct node *next;
    char text[40];
};

static struct node *volatile chain;

__attribute__((noinline)) static void *make(size_t size_bytes)
{
    return malloc(size_bytes);
}

__attribute__((noinline)) static void drop(void *block)
{
    free(block);
}

static void *drop_in_thread(void *block)
{
    drop(block);
    return NULL;
}

__attribute__((noinline)) static void read_after_free(void)
{
    char *volatile block = make(48);
    pthread_t thread;
    pthread_create(&thread, NULL, drop_in_thread, block);
    pthread_join(thread, NULL);
    usleep(3000);
    putchar(block[3]);
}

__attribute__((noinline)) static void write_behind(void)
{
    volatile int *volatile block = make(100);
    block[25] = 1;
}

__attribute__((noinline)) static void free_twice(void)
{
    void *volatile block = make(300);
    drop(block);
    drop(block);
}

__attribute__((noinline)) static struct node *make_chain(int count)
{
    struct node *first = NULL;
    for (int i = 0; i < count; i++) {
        struct node *node = make(sizeof(*node));
        node->next = first;
        first = node;
    }
    return first;
}

/* Overwrites what calls before have left on the stack. */
__attribute__((noinline)) static void forget(void)
{
    volatile char nothing[8192];
    memset((char *)nothing, 0, sizeof(nothing));
}

__attribute__((noinline)) static void leak(void)
{
    chain = make_chain(5);
    chain = NULL;
}

int main(int argc, char **argv)
{
    const char *error = argc > 1 ? argv[1] : "";
    void (*calls[])(void) = {read_after_free, write_behind, free_twice, leak};
    const char *names[] = {"read_after_free", "write_behind", "free_twice", "leak"};
    for (int i = 0; i < 4; i++) {
        if (strcmp(error, names[i]) == 0) {
            calls[i]();
            forget();
        }
    }
    puts("done");
    return 0;
}
