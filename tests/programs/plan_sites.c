/*
 * plan_sites.c - known numbers of allocations from functions that a plan can tell apart.
 *
 *   plan_sites sites|threads|grow|children|signals|plugin PATH
 *
 * Where functions fill their blocks they check them before they are freed: 9 is a wrong content.
 */
#include <dlfcn.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
    NODES = 100,
    TEXTS = 200,
    NODE_BYTES = 40,
};

static void fail_if(int is_wrong, int status)
{
    if (is_wrong) {
        _exit(status);
    }
}

static void *make_node(void)
{
    void *node = malloc(NODE_BYTES);
    memset(node, 7, NODE_BYTES);
    return node;
}

static void *make_text(size_t bytes)
{
    return calloc(1, bytes);
}

/* Code of the caller's, by whatever name. */
static inline __attribute__((always_inline)) void *inlined_node(void)
{
    return malloc(NODE_BYTES);
}

static void free_node(void *node)
{
    for (int i = 0; i < NODE_BYTES; i++) {
        fail_if(((unsigned char *)node)[i] != 7, 9);
    }
    free(node);
}

/* make_node 100 times, make_text of 1 to 200 bytes, inlined_node 30 times. */
static void run_sites(void)
{
    void *nodes[NODES];
    void *texts[TEXTS];
    for (int i = 0; i < NODES; i++) {
        nodes[i] = make_node();
    }
    for (size_t i = 0; i < TEXTS; i++) {
        texts[i] = make_text(i + 1);
    }
    for (int i = 0; i < NODES; i++) {
        free_node(nodes[i]);
    }
    for (int i = 0; i < TEXTS; i++) {
        free(texts[i]);
    }
    for (int i = 0; i < 30; i++) {
        free(inlined_node());
    }
}

/* make_node below another function than run_sites: 25 times. */
static void run_elsewhere(void)
{
    for (int i = 0; i < 25; i++) {
        free_node(make_node());
    }
}

/* Where a name is set by its own thread, at once. */
static void *work_named(void *name)
{
    pthread_setname_np(pthread_self(), name);
    for (int i = 0; i < 50; i++) {
        free_node(make_node());
    }
    return NULL;
}

/* 30 nodes under one name, 40 under another. */
static void *work_renamed(void *unused)
{
    prctl(PR_SET_NAME, "early");
    for (int i = 0; i < 30; i++) {
        free_node(make_node());
    }
    prctl(PR_SET_NAME, "worker-3");
    for (int i = 0; i < 40; i++) {
        free_node(make_node());
    }
    return unused;
}

static void run_thread(void *(*function)(void *), void *argument)
{
    pthread_t thread;
    pthread_create(&thread, NULL, function, argument);
    pthread_join(thread, NULL);
}

/* 5 nodes of main, 50 of worker-1, 50 of worker-2, 50 of idle, 30 of early, 40 of worker-3. */
static void run_threads(void)
{
    for (int i = 0; i < 5; i++) {
        free_node(make_node());
    }
    run_thread(work_named, "worker-1");
    run_thread(work_named, "worker-2");
    run_thread(work_named, "idle");
    run_thread(work_renamed, NULL);
}

static unsigned char *grow(unsigned char *block, size_t bytes)
{
    block = realloc(block, bytes);
    for (size_t i = 0; i < bytes / 2; i++) {
        fail_if(block[i] != (unsigned char)i, 9);
    }
    for (size_t i = 0; i < bytes; i++) {
        block[i] = (unsigned char)i;
    }
    return block;
}

/* A block of 16 bytes that doubles to 4096, ten times; back to 16, and to nothing. */
static void run_grow(void)
{
    for (int i = 0; i < 10; i++) {
        unsigned char *block = malloc(16);
        for (int k = 0; k < 16; k++) {
            block[k] = (unsigned char)k;
        }
        for (size_t bytes = 32; bytes <= 4096; bytes *= 2) {
            block = grow(block, bytes);
        }
        block = realloc(block, 16);
        fail_if(block[15] != 15, 9);
        fail_if(realloc(block, 0) != NULL, 8);
    }
}

static void *only_in_child(void)
{
    return malloc(20);
}

/* A child by fork with 25 nodes and one of its own, then another image with all of `sites`. */
static void run_children(char **argv)
{
    void *node = make_node();
    pid_t child = fork();
    int status = 0;
    if (child == 0) {
        run_elsewhere();
        free(only_in_child());
        free_node(node);
        exit(0);
    }
    free_node(node);
    fail_if(waitpid(child, &status, 0) != child || status != 0, 7);
    argv[1] = "sites";
    execv("/proc/self/exe", argv);
    _exit(6);
}

static void run_plugin(const char *path)
{
    void *plugin = dlopen(path, RTLD_NOW);
    fail_if(plugin == NULL, 5);
    int (*run)(void);
    *(void **)&run = dlsym(plugin, "plugin_run");
    for (int i = 0; i < 12; i++) {
        fail_if(run() != 0, 4);
    }
}

static void on_alarm(int signal)
{
    (void)signal;
    free_node(make_node());
}

/* Many stacks, and allocations in a handler that may interrupt any of them. */
static void descend(unsigned depth)
{
    void *node = make_node();
    if (depth > 0) {
        descend(depth - 1);
    }
    free_node(node);
}

static void run_signals(void)
{
    const struct itimerval often = {{0, 200}, {0, 200}};
    const struct itimerval never = {{0, 0}, {0, 0}};
    struct sigaction action = {.sa_handler = on_alarm, .sa_flags = SA_RESTART};
    sigaction(SIGALRM, &action, NULL);
    setitimer(ITIMER_REAL, &often, NULL);
    for (unsigned i = 0; i < 3000; i++) {
        descend(i % 200);
    }
    setitimer(ITIMER_REAL, &never, NULL);
}

int main(int argc, char **argv)
{
    const char *part = argc > 1 ? argv[1] : "sites";
    if (strcmp(part, "sites") == 0) {
        run_sites();
        run_elsewhere();
    } else if (strcmp(part, "threads") == 0) {
        run_threads();
    } else if (strcmp(part, "grow") == 0) {
        run_grow();
    } else if (strcmp(part, "children") == 0) {
        run_children(argv);
    } else if (strcmp(part, "signals") == 0) {
        run_signals();
    } else if (strcmp(part, "plugin") == 0 && argc > 2) {
        run_plugin(argv[2]);
    } else {
        return 2;
    }
    return 0;
}
