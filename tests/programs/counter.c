/*
 * counter.c - a preload that counts allocation and free calls: the independent truth for the tests.
 *
 * build: -shared -fPIC -fexceptions -ftls-model=initial-exec -nodefaultlibs -lc -Wl,-z,lazy
 *
 * Counts lie in a file of COUNTER_DIR mapped shared, one file per process image, so that they are
 * complete however the process ends. Allocations: calls that gave a block (a realloc that gives
 * one counts, and counts a free if it had an old one). An operator new counts once, not its malloc
 * too; if it throws, what the C++ runtime took for the exception counts. A free of NULL does not
 * count. Calls before the environment is there are kept aside.
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* The C++ runtime brings the unwinder where it is needed: linked to it, this library would load it
 * into every program, and pthread_exit() would then not have to. */
__asm__(".weak __gcc_personality_v0");

struct counts {
    uint64_t pid, allocations, frees, failed, bytes;
    char executable[216];
};

static struct counts early;
static struct counts *counts = &early;
static __thread int depth;

struct tally {
    uint64_t allocations, frees, failed, bytes;
    uint64_t last_bytes; /* of the last allocation */
};

/* A call under way. What the calls within it do is added up in `inner`. */
struct call {
    struct tally outer; /* `inner` of the call that this one is within */
    struct tally own;
    int is_over; /* it gave its result: `own` */
};
static __thread struct tally inner;

static char bootstrap[65536]; /* what dlsym itself may ask for */
static size_t bootstrap_used;

/* Our own file for this process, or `early` while there is no environment yet. */
static struct counts *counts_get(void)
{
    uint64_t pid = (uint64_t)getpid();
    const char *folder = counts->pid == pid || environ == NULL ? NULL : getenv("COUNTER_DIR");
    if (folder == NULL) {
        return counts;
    }
    char path[4096];
    int fd = -1;
    for (int i = 0; i < 1000 && fd < 0; i++) {
        snprintf(path, sizeof(path), "%s/%d.%d", folder, (int)pid, i);
        fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    }
    struct counts *mapped = MAP_FAILED;
    if (fd >= 0 && ftruncate(fd, sizeof(*mapped)) == 0) {
        mapped = mmap(NULL, sizeof(*mapped), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    }
    if (mapped == MAP_FAILED) {
        abort();
    }
    close(fd);
    if (counts == &early) {
        *mapped = early;
    }
    mapped->pid = pid;
    ssize_t length = readlink("/proc/self/exe", path, sizeof(mapped->executable) - 1);
    memcpy(mapped->executable, path, length < 0 ? 0 : (size_t)length);
    counts = mapped;
    return mapped;
}

static void count(const struct tally *tally)
{
    struct counts *now = counts_get();
    __atomic_fetch_add(&now->allocations, tally->allocations, __ATOMIC_RELAXED);
    __atomic_fetch_add(&now->frees, tally->frees, __ATOMIC_RELAXED);
    __atomic_fetch_add(&now->failed, tally->failed, __ATOMIC_RELAXED);
    __atomic_fetch_add(&now->bytes, tally->bytes, __ATOMIC_RELAXED);
}

static struct call enter(void)
{
    struct call call = {.outer = inner};
    depth++;
    memset(&inner, 0, sizeof(inner));
    return call;
}

/* Runs when a call is left, by return or by an exception. */
static void leave(const struct call *call)
{
    const struct tally *result = call->is_over ? &call->own : &inner;
    if (--depth == 0) {
        int call_errno = errno;
        count(result);
        errno = call_errno;
    }
    struct tally sum = call->outer;
    sum.allocations += result->allocations;
    sum.frees += result->frees;
    sum.failed += result->failed;
    sum.bytes += result->bytes;
    sum.last_bytes = result->allocations > 0 ? result->last_bytes : sum.last_bytes;
    inner = sum;
    if (depth == 0) {
        memset(&inner, 0, sizeof(inner));
    }
}

/* The result of a call: a call within it that gave or took a block did this call's own work. */
static void call_end(struct call *call, uint64_t allocations, uint64_t frees, uint64_t failed,
                     size_t size_bytes)
{
    uint64_t done_bytes = allocations > 0 ? inner.last_bytes : 0;
    call->own.allocations = allocations > inner.allocations ? allocations : inner.allocations;
    call->own.frees = frees > inner.frees ? frees : inner.frees;
    call->own.failed = failed;
    call->own.bytes = inner.bytes - done_bytes + size_bytes;
    call->own.last_bytes = size_bytes;
    call->is_over = 1;
}

/* Constructed early, since a program may forbid itself to open files later. */
__attribute__((constructor)) static void construct(void)
{
    counts_get();
}

#define ENTER()                                                                                    \
    __attribute__((cleanup(leave))) struct call call = enter();                                    \
    int saved_errno = errno
#define COUNT(...) call_end(&call, __VA_ARGS__)
#define NEXT(type, name)                                                                           \
    static __typeof__(type) next;                                                                  \
    if (next == NULL) {                                                                            \
        *(void **)&next = dlsym(RTLD_NEXT, name);                                                  \
        errno = saved_errno;                                                                       \
    }

static int is_bootstrap(const void *block)
{
    return (uintptr_t)block - (uintptr_t)bootstrap < sizeof(bootstrap);
}

static void *bootstrap_take(size_t size)
{
    size_t offset = (bootstrap_used + 15) & ~(size_t)15;
    bootstrap_used = offset + size;
    return bootstrap_used > sizeof(bootstrap) ? NULL : bootstrap + offset;
}

#define ALLOCATE(name, parameters, arguments, size)                                                \
    void *name parameters;                                                                         \
    void *name parameters                                                                          \
    {                                                                                              \
        ENTER();                                                                                   \
        NEXT(void *(*)parameters, #name)                                                           \
        void *block = next arguments;                                                              \
        COUNT(block != NULL, 0, block == NULL, block == NULL ? 0 : size);                          \
        return block;                                                                              \
    }
#define RELEASE(name, parameters, arguments)                                                       \
    void name parameters;                                                                          \
    void name parameters                                                                           \
    {                                                                                              \
        if (block == NULL || is_bootstrap(block)) {                                                \
            return;                                                                                \
        }                                                                                          \
        ENTER();                                                                                   \
        NEXT(void(*) parameters, #name)                                                            \
        next arguments;                                                                            \
        COUNT(0, 1, 0, 0);                                                                         \
    }

/* malloc and calloc are what dlsym calls: while it looks for them, the bootstrap buffer serves. */
static int is_looking;
#define ALLOCATE_FIRST(name, parameters, arguments, size)                                          \
    void *name parameters;                                                                         \
    void *name parameters                                                                          \
    {                                                                                              \
        static void *(*first)parameters;                                                           \
        if (first == NULL && is_looking) {                                                         \
            return bootstrap_take(size);                                                           \
        }                                                                                          \
        ENTER();                                                                                   \
        if (first == NULL) {                                                                       \
            is_looking = 1;                                                                        \
            *(void **)&first = dlsym(RTLD_NEXT, #name);                                            \
            is_looking = 0;                                                                        \
            errno = saved_errno;                                                                   \
        }                                                                                          \
        void *block = first arguments;                                                             \
        COUNT(block != NULL, 0, block == NULL, block == NULL ? 0 : size);                          \
        return block;                                                                              \
    }

ALLOCATE_FIRST(malloc, (size_t size), (size), size)
ALLOCATE_FIRST(calloc, (size_t n, size_t size), (n, size), n *size)
ALLOCATE(memalign, (size_t align, size_t size), (align, size), size)
ALLOCATE(aligned_alloc, (size_t align, size_t size), (align, size), size)
ALLOCATE(valloc, (size_t size), (size), size)
ALLOCATE(pvalloc, (size_t size), (size), size)
ALLOCATE(_Znwm, (size_t size), (size), size)
ALLOCATE(_Znam, (size_t size), (size), size)
ALLOCATE(_ZnwmRKSt9nothrow_t, (size_t size, const void *tag), (size, tag), size)
ALLOCATE(_ZnamRKSt9nothrow_t, (size_t size, const void *tag), (size, tag), size)
ALLOCATE(_ZnwmSt11align_val_t, (size_t size, size_t align), (size, align), size)
ALLOCATE(_ZnamSt11align_val_t, (size_t size, size_t align), (size, align), size)
ALLOCATE(_ZnwmSt11align_val_tRKSt9nothrow_t, (size_t size, size_t align, const void *tag),
         (size, align, tag), size)
ALLOCATE(_ZnamSt11align_val_tRKSt9nothrow_t, (size_t size, size_t align, const void *tag),
         (size, align, tag), size)
RELEASE(free, (void *block), (block))
RELEASE(_ZdlPv, (void *block), (block))
RELEASE(_ZdaPv, (void *block), (block))
RELEASE(_ZdlPvm, (void *block, size_t size), (block, size))
RELEASE(_ZdaPvm, (void *block, size_t size), (block, size))
RELEASE(_ZdlPvRKSt9nothrow_t, (void *block, const void *tag), (block, tag))
RELEASE(_ZdaPvRKSt9nothrow_t, (void *block, const void *tag), (block, tag))
RELEASE(_ZdlPvSt11align_val_t, (void *block, size_t align), (block, align))
RELEASE(_ZdaPvSt11align_val_t, (void *block, size_t align), (block, align))
RELEASE(_ZdlPvSt11align_val_tRKSt9nothrow_t, (void *block, size_t align, const void *tag),
        (block, align, tag))
RELEASE(_ZdaPvSt11align_val_tRKSt9nothrow_t, (void *block, size_t align, const void *tag),
        (block, align, tag))
RELEASE(_ZdlPvmSt11align_val_t, (void *block, size_t size, size_t align), (block, size, align))
RELEASE(_ZdaPvmSt11align_val_t, (void *block, size_t size, size_t align), (block, size, align))

int posix_memalign(void **out_block, size_t align, size_t size)
{
    ENTER();
    NEXT(int (*)(void **, size_t, size_t), "posix_memalign")
    int status = next(out_block, align, size);
    COUNT(status == 0, 0, status == ENOMEM, status == 0 ? size : 0);
    return status;
}

/* A realloc that gives NULL freed its block if it was asked for 0 bytes, and failed otherwise. */
static void count_realloc(struct call *call, const void *old, const void *block, size_t size)
{
    int is_free = old != NULL && (block != NULL || size == 0);
    int is_failure = block == NULL && !is_free;
    call_end(call, block != NULL, (uint64_t)is_free, (uint64_t)is_failure,
             block == NULL ? 0 : size);
}

void *realloc(void *old, size_t size)
{
    ENTER();
    NEXT(void *(*)(void *, size_t), "realloc")
    if (is_bootstrap(old)) {
        void *moved = malloc(size);
        return moved == NULL ? NULL : memcpy(moved, old, size);
    }
    void *block = next(old, size);
    count_realloc(&call, old, block, size);
    return block;
}

void *reallocarray(void *old, size_t n, size_t size)
{
    ENTER();
    NEXT(void *(*)(void *, size_t, size_t), "reallocarray")
    void *block = next(old, n, size);
    count_realloc(&call, old, block, block == NULL && n != 0 && size != 0 ? 1 : n * size);
    return block;
}
