/*
 * Calls functions of plugin_swap.c in every way there is, and prints what they give.
 *
 *   frame_calls values             linked with the library
 *   frame_calls threads            the same, 25 calls in each of four threads
 *   frame_calls handle|local LIB   loaded: by dlsym on its handle; by its own calls
 *   frame_calls again LIB          loaded, called and unloaded ten times
 *   frame_calls absent             a weak reference that nothing defines
 */
#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "plugin_swap.h"

typedef double swap_function(int, double, const char *, ...);

__attribute__((target("avx"))) static void print_vectors(void)
{
    swap_vector sum = swap_vectors((swap_vector){1, 2, 3, 4}, (swap_vector){5, 6, 7, 8});
    printf("vectors %g %g %g %g\n", sum[0], sum[1], sum[2], sum[3]);
}

__attribute__((target("avx512f"))) static void print_wides(void)
{
    swap_wide sum = swap_wides((swap_wide){1, 2, 3, 4, 5, 6, 7, 8},
                               (swap_wide){10, 20, 30, 40, 50, 60, 70, 80});
    printf("wides %g %g %g\n", sum[0], sum[4], sum[7]);
}

static int values(void)
{
    double sum = 0;
    for (int i = 0; i < 100; i++) {
        free(malloc(16));
        errno = i;
        sum += swap_window(i, 1.5, "A", i, 2.5);
        sum += errno;
    }
    struct swapped in = {{1, 2, 3, 4}, 5};
    struct swapped out = swap_struct(in, 1, 2, 3, 4, 5, 6, 7);
    printf("%g %ld %ld %g\n", sum, out.numbers[0], out.numbers[3], out.real);
    printf("%Lg\n", swap_long_double(1.25L, 77));
    if (__builtin_cpu_supports("avx")) {
        print_vectors();
    }
    if (__builtin_cpu_supports("avx512f")) {
        print_wides();
    }
    return 0;
}

static void *play(void *argument)
{
    (void)argument;
    for (int i = 0; i < 25; i++) {
        free(malloc(16));
        swap_window(i, 1.5, "A", i, 2.5);
    }
    return NULL;
}

static int threads(void)
{
    pthread_t started[4];
    for (int i = 0; i < 4; i++) {
        pthread_create(&started[i], NULL, play, NULL);
    }
    for (int i = 0; i < 4; i++) {
        pthread_join(started[i], NULL);
    }
    return 0;
}

static void *open_library(const char *path)
{
    void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (library == NULL) {
        fprintf(stderr, "%s\n", dlerror());
        exit(1);
    }
    return library;
}

static int handle(const char *path)
{
    void *library = open_library(path);
    swap_function *swap;
    *(void **)&swap = dlsym(library, "swap_window");
    for (int i = 0; i < 10; i++) {
        printf("%g\n", swap(i, 1, "B", 2, 3.0));
    }
    printf("%s\n", dlsym(library, "no_such_function") == NULL ? "none" : "some");
    return 0;
}

static int local(const char *path)
{
    void *library = open_library(path);
    void (*play_there)(int);
    *(void **)&play_there = dlsym(library, "play_frames");
    play_there(10);
    return 0;
}

static int again(const char *path)
{
    for (int i = 0; i < 10; i++) {
        void *library = open_library(path);
        void (*play_there)(int);
        *(void **)&play_there = dlsym(library, "play_frames");
        swap_function *swap;
        *(void **)&swap = dlsym(library, "swap_window");
        play_there(1);
        swap(1, 2, "C", 3, 4.0);
        dlclose(library);
    }
    return 0;
}

int main(int argc, char **argv)
{
    const char *mode = argc > 1 ? argv[1] : "";
    if (strcmp(mode, "values") == 0) {
        return values();
    }
    if (strcmp(mode, "threads") == 0) {
        return threads();
    }
    if (strcmp(mode, "absent") == 0) {
        printf("%s\n", swap_window == NULL ? "absent" : "there");
        return swap_window != NULL && swap_window(1, 2, "", 3, 4.0) != 0 ? 1 : 0;
    }
    return strcmp(mode, "handle") == 0  ? handle(argv[2])
           : strcmp(mode, "local") == 0 ? local(argv[2])
           : strcmp(mode, "again") == 0 ? again(argv[2])
                                        : 2;
}
