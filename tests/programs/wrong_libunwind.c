/*
 * wrong_libunwind.c - passes for libunwind and is wrong: every seventh stack loses its outermost
 * frame but one, and every eleventh ends early. LIBUNWIND_PATH is where the true one lies.
 *
 * build: -shared -fPIC -Wl,-soname,libunwind.so.8
 */
#include <dlfcn.h>
#include <stdlib.h>

int unw_backtrace(void **frames, int capacity);

static int (*true_backtrace)(void **, int);
static unsigned call_count;

static __attribute__((constructor)) void find_true_one(void)
{
    void *library = dlopen(getenv("LIBUNWIND_PATH"), RTLD_NOW | RTLD_LOCAL);
    if (library != NULL) {
        *(void **)&true_backtrace = dlsym(library, "unw_backtrace");
    }
}

int unw_backtrace(void **frames, int capacity)
{
    int count = true_backtrace(frames, capacity);
    call_count++;
    if (call_count % 7 == 0) {
        frames[count - 2] = frames[count - 1];
        count--;
    } else if (call_count % 11 == 0) {
        count--;
    }
    return count;
}
