/*
 * leak_cases.c - blocks that are left in use, each held in another way. The argument says which.
 *
 * volatile and clear_stack() keep the compiler and old stack frames from holding what is meant to
 * be lost.
 *
 * build: -O0 -pthread
 */
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

struct node {
    struct node *next;
    struct node *other;
    char text[24];
};

static void *global;
static void *volatile holder;
static struct node *list;
static _Thread_local void *local;
static pthread_t thread;
static int pipe_ends[2];

static __attribute__((noinline)) void clear_stack(void)
{
    volatile char bytes[16384];
    for (unsigned i = 0; i < sizeof(bytes); i++) {
        bytes[i] = 0;
    }
}

static struct node *make(void)
{
    return calloc(1, sizeof(struct node));
}

static void hold_global(void)
{
    global = calloc(1, 100);
}

static void hold_nothing(void)
{
    holder = calloc(1, 100);
    holder = NULL;
}

static void hold_middle(void)
{
    global = (char *)calloc(1, 100) + 16;
}

static void hold_end(void)
{
    global = (char *)calloc(1, 96) + 96;
}

static void hold_both(void)
{
    char *block = calloc(1, 100);
    holder = block + 16;
    global = block;
}

static void hold_chain(void)
{
    list = make();
    list->next = make();
    list->next->next = make();
}

static void lose_chain(void)
{
    hold_chain();
    list = NULL;
}

static void lose_tree(void)
{
    list = make();
    list->next = make();
    list->other = make();
    list->next->next = make();
    list = NULL;
}

static void lose_ring(void)
{
    hold_chain();
    list->next->next->next = list;
    list = NULL;
}

static void lose_two_heads(void)
{
    struct node *shared = make();
    list = make();
    list->next = shared;
    holder = list;
    list = make();
    list->next = shared;
    list = NULL;
    holder = NULL;
}

static void hold_middle_of_chain(void)
{
    struct node *first = make();
    first->next = make();
    global = first->text;
}

static void hold_ring_by_its_middle(void)
{
    struct node *first = make();
    first->next = make();
    first->next->next = first;
    global = first->text;
}

static void lose_middle_in_chain(void)
{
    list = make();
    list->next = (struct node *)((char *)make() + 8);
    list = NULL;
}

static void hold_middle_in_chain(void)
{
    list = make();
    list->next = (struct node *)((char *)make() + 8);
}

static void hold_unaligned(void)
{
    static char bytes[32];
    void *block = calloc(1, 100);
    memcpy(bytes + 3, &block, sizeof(block));
}

static void hold_tagged(void)
{
    global = (void *)((uintptr_t)calloc(1, 100) | 1);
}

static void hold_hidden(void)
{
    global = (void *)~(uintptr_t)calloc(1, 100);
}

static void hold_thread_local(void)
{
    local = calloc(1, 100);
}

static void hold_mapped(void)
{
    void **memory = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    memory[700] = calloc(1, 100);
}

static void hold_shared(void)
{
    void **memory = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    memory[700] = calloc(1, 100);
}

static void lose_unmapped(void)
{
    void **memory = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    memory[700] = calloc(1, 100);
    munmap(memory, 8192);
}

static void lose_in_freed(void)
{
    void **block = calloc(1, 400);
    block[20] = calloc(1, 100);
    free(block);
}

static void lose_large(void)
{
    holder = calloc(1, 1 << 20);
    *(void **)((char *)holder + 4096) = calloc(1, 100);
    holder = NULL;
}

static void hold_large(void)
{
    void **block = calloc(1, 1 << 20);
    block[5000] = calloc(1, 100);
    global = block;
}

static void hold_empty(void)
{
    global = malloc(0);
    holder = malloc(0);
    holder = NULL;
}

static void hold_aligned(void)
{
    void *block = NULL;
    if (posix_memalign(&block, 4096, 300) == 0) {
        memset(block, 0, 300);
        global = block;
    }
}

static void hold_length64(void)
{
    uint64_t *block = calloc(1, 8 + 96);
    block[0] = 96;
    global = block + 1;
}

static void *run_dead(void *unused)
{
    void *volatile here = calloc(1, 100);
    (void)here;
    return unused;
}

static void lose_dead_thread(void)
{
    pthread_create(&thread, NULL, run_dead, NULL);
    pthread_join(thread, NULL);
}

static void *run_dead_local(void *unused)
{
    local = calloc(1, 100);
    return unused;
}

static void lose_dead_thread_local(void)
{
    pthread_create(&thread, NULL, run_dead_local, NULL);
    pthread_join(thread, NULL);
}

static void wait_for_ever(void)
{
    (void)!write(pipe_ends[1], "", 1);
    for (;;) {
        pause();
    }
}

static void *run_stack(void *unused)
{
    void *volatile here = calloc(1, 100);
    wait_for_ever();
    (void)here;
    return unused;
}

static void *run_local(void *unused)
{
    local = calloc(1, 100);
    wait_for_ever();
    return unused;
}

static void start_waiting(void *(*run)(void *))
{
    char byte;
    (void)!pipe(pipe_ends);
    pthread_create(&thread, NULL, run, NULL);
    (void)!read(pipe_ends[0], &byte, 1);
    usleep(20000);
}

static void hold_in_thread(void)
{
    start_waiting(run_stack);
}

static void hold_in_thread_local(void)
{
    start_waiting(run_local);
}

#if defined(__x86_64__)
static void *run_register(void *unused)
{
    void *block = calloc(1, 100);
    (void)!write(pipe_ends[1], "", 1);
    __asm__ volatile("mov %0, %%r15\n xor %%eax, %%eax\n mov %%rax, %0\n1: jmp 1b"
                     : "+b"(block)
                     :
                     : "r15", "rax");
    return unused;
}

static void hold_in_register(void)
{
    start_waiting(run_register);
}
#endif

static void leave_at_once(void)
{
    hold_nothing();
    hold_global();
    clear_stack();
    _exit(3);
}

static void leave_quickly(void)
{
    hold_nothing();
    hold_global();
    clear_stack();
    quick_exit(3);
}

static void *run_exit(void *unused)
{
    (void)unused;
    clear_stack();
    exit(3);
}

static void leave_in_thread(void)
{
    hold_nothing();
    hold_global();
    pthread_create(&thread, NULL, run_exit, NULL);
    pthread_join(thread, NULL);
}

static void hold_on_stack(void)
{
    void *volatile here = calloc(1, 100);
    clear_stack();
    exit(3 + (here == NULL));
}

#define CASES(X)                                                                                   \
    X(hold_global)                                                                                 \
    X(hold_nothing)                                                                                \
    X(hold_middle)                                                                                 \
    X(hold_end)                                                                                    \
    X(hold_both)                                                                                   \
    X(hold_chain)                                                                                  \
    X(lose_chain)                                                                                  \
    X(lose_tree)                                                                                   \
    X(lose_ring)                                                                                   \
    X(lose_two_heads)                                                                              \
    X(hold_middle_of_chain)                                                                        \
    X(hold_ring_by_its_middle)                                                                     \
    X(lose_middle_in_chain)                                                                        \
    X(hold_middle_in_chain)                                                                        \
    X(hold_unaligned)                                                                              \
    X(hold_tagged)                                                                                 \
    X(hold_hidden)                                                                                 \
    X(hold_thread_local)                                                                           \
    X(hold_mapped)                                                                                 \
    X(hold_shared)                                                                                 \
    X(lose_unmapped)                                                                               \
    X(lose_in_freed)                                                                               \
    X(lose_large)                                                                                  \
    X(hold_large)                                                                                  \
    X(hold_empty)                                                                                  \
    X(hold_aligned)                                                                                \
    X(hold_length64)                                                                               \
    X(lose_dead_thread)                                                                            \
    X(lose_dead_thread_local)                                                                      \
    X(hold_in_thread)                                                                              \
    X(hold_in_thread_local) X(leave_at_once) X(leave_quickly) X(leave_in_thread) X(hold_on_stack)

static const struct {
    const char *name;
    void (*run)(void);
} cases[] = {
#define X(name) {#name, name},
    CASES(X)
#undef X
#if defined(__x86_64__)
        {"hold_in_register", hold_in_register},
#endif
};

int main(int argc, char **argv)
{
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        if (argc < 2) {
            (void)!write(1, cases[i].name, strlen(cases[i].name));
            (void)!write(1, "\n", 1);
        } else if (strcmp(cases[i].name, argv[1]) == 0) {
            cases[i].run();
        }
    }
    clear_stack();
    return 0;
}
