#include "thread_caches.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "../base/map.h"
#include "../base/vec.h"

enum {
    CACHED_MOST = 7,
    CLASS_COUNT = 64,
    CACHED_USABLE_MOST = 1032,
    USABLE_LEAST = 24, /* of the smallest block */
    CLASS_BYTES = 16,
};

struct cache_class {
    uint32_t count;
    struct cached_block blocks[CACHED_MOST]; /* the one freed last is handed out first */
};

struct thread_cache {
    uint32_t thread_id;
    struct cache_class classes[CLASS_COUNT];
};

struct thread_caches {
    const struct trace *trace;
    struct thread_cache **caches;
    size_t count;
    size_t capacity;
    struct map place_of_thread;
    uint32_t cached_most;
};

/* The tunable, where the program was run with it. */
static uint32_t cached_most(const struct trace *trace)
{
    static const char name[] = "glibc.malloc.tcache_count=";
    for (size_t i = 0; i < trace->variable_count; i++) {
        const char *found = strcmp(trace->variables[i].name, "GLIBC_TUNABLES") == 0
                                ? strstr(trace->variables[i].value, name)
                                : NULL;
        if (found != NULL) {
            unsigned long count = strtoul(found + strlen(name), NULL, 10);
            return count < CACHED_MOST ? (uint32_t)count : CACHED_MOST;
        }
    }
    return CACHED_MOST;
}

struct thread_caches *thread_caches_create(const struct trace *trace)
{
    struct thread_caches *caches = calloc(1, sizeof(*caches));
    if (caches != NULL) {
        caches->trace = trace;
        caches->cached_most = cached_most(trace);
    }
    return caches;
}

static int find_cache(struct thread_caches *caches, uint32_t thread_id,
                      struct thread_cache **out_cache)
{
    uint32_t place;
    if (map_get(&caches->place_of_thread, thread_id, &place)) {
        *out_cache = caches->caches[place];
        return 0;
    }
    int result = vec_reserve((void **)&caches->caches, &caches->capacity, caches->count + 1,
                             sizeof(*caches->caches));
    struct thread_cache *cache = result == 0 ? calloc(1, sizeof(*cache)) : NULL;
    if (cache == NULL) {
        return -ENOMEM;
    }
    cache->thread_id = thread_id;
    result = map_put(&caches->place_of_thread, thread_id, (uint32_t)caches->count);
    if (result < 0) {
        free(cache);
        return result;
    }
    caches->caches[caches->count++] = cache;
    *out_cache = cache;
    return 0;
}

static size_t class_of(uint64_t usable_bytes)
{
    return usable_bytes <= USABLE_LEAST ? 0
                                        : (size_t)(usable_bytes - USABLE_LEAST + 15) / CLASS_BYTES;
}

static void take(struct cache_class *blocks, uint64_t address)
{
    for (uint32_t i = blocks->count; i-- > 0;) {
        if (blocks->blocks[i].address == address) {
            memmove(&blocks->blocks[i], &blocks->blocks[i + 1],
                    (blocks->count - i - 1) * sizeof(blocks->blocks[0]));
            blocks->count--;
            return;
        }
    }
}

static void put(const struct thread_caches *caches, struct cache_class *blocks,
                const struct operation *operation)
{
    if (blocks->count < caches->cached_most) {
        blocks->blocks[blocks->count++] = (struct cached_block){
            .address = operation->ended.address,
            .usable_bytes = operation->ended.usable_bytes,
            .size_bytes = operation->ended.size_bytes,
            .freed_ns = operation->at_ns,
            .thread_id = operation->thread_id,
            .stack_id = operation->ended.stack_id,
        };
    }
}

int thread_caches_observe(struct thread_caches *caches, const struct operation *operation)
{
    struct thread_cache *cache = NULL;
    bool is_moved =
        operation->kind != OPERATION_REALLOC || operation->made.address != operation->ended.address;
    int result =
        is_moved && caches->cached_most > 0 ? find_cache(caches, operation->thread_id, &cache) : 0;
    if (cache == NULL) {
        return result;
    }
    if (operation->kind != OPERATION_FREE && operation->made.usable_bytes <= CACHED_USABLE_MOST) {
        take(&cache->classes[class_of(operation->made.usable_bytes)], operation->made.address);
    }
    if (operation->kind != OPERATION_ALLOC && operation->ended.usable_bytes <= CACHED_USABLE_MOST) {
        put(caches, &cache->classes[class_of(operation->ended.usable_bytes)], operation);
    }
    return 0;
}

/* Of the first thread the end is that of the process; of others, the last call that was seen. */
static bool may_have_ended(const struct trace *trace, uint32_t thread_id, uint64_t now_ns)
{
    const struct thread_row *thread = trace_thread(trace, thread_id);
    const struct process_row *process =
        thread != NULL ? trace_process(trace, thread->process_id) : NULL;
    return process != NULL && process->pid != thread->tid && thread->ended_ns < now_ns;
}

bool thread_caches_highest(const struct thread_caches *caches, uint64_t now_ns,
                           uint64_t start_address, uint64_t end_address,
                           struct cached_block *out_block)
{
    uint64_t highest = 0;
    for (size_t i = 0; i < caches->count; i++) {
        const struct thread_cache *cache = caches->caches[i];
        if (may_have_ended(caches->trace, cache->thread_id, now_ns)) {
            continue; /* and its cache with it */
        }
        for (size_t j = 0; j < CLASS_COUNT; j++) {
            for (uint32_t k = 0; k < cache->classes[j].count; k++) {
                const struct cached_block *block = &cache->classes[j].blocks[k];
                if (block->address >= start_address && block->address < end_address &&
                    block->address > highest) {
                    highest = block->address;
                    *out_block = *block;
                }
            }
        }
    }
    return highest != 0;
}

void thread_caches_destroy(struct thread_caches *caches)
{
    if (caches == NULL) {
        return;
    }
    for (size_t i = 0; i < caches->count; i++) {
        free(caches->caches[i]);
    }
    free(caches->caches);
    map_fini(&caches->place_of_thread);
    free(caches);
}
