/*
 * plugin_thread_exit.c - a plugin whose thread ends, and frees by a destructor of its own, while
 * the plugin is being unloaded.
 *
 * build: -shared -fPIC -pthread
 */
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

static pthread_t thread;
static pthread_key_t key;
static atomic_int may_end;

static void *work(void *unused)
{
    pthread_setspecific(key, malloc(63));
    while (!atomic_load(&may_end)) {
    }
    return unused;
}

__attribute__((destructor)) static void unload(void)
{
    atomic_store(&may_end, 1);
    pthread_join(thread, NULL);
    pthread_key_delete(key);
}

int plugin_run(void)
{
    return pthread_key_create(&key, free) + pthread_create(&thread, NULL, work, NULL);
}
