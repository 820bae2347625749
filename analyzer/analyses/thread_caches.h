/*
 * thread_caches.h - glibc's caches of freed blocks (tcache), played after the calls of a process:
 * what lies in them is free, and yet in the allocator's way.
 *
 * Each thread has a stack of freed blocks per size of 16 bytes up to 1032, of 7 blocks unless the
 * tunable glibc.malloc.tcache_count says otherwise. What the allocator itself moves into a cache is
 * not seen; a block that is handed out again leaves its cache, wherever in it it lay. Single
 * thread.
 */
#ifndef ALLOCAUDIT_THREAD_CACHES_H
#define ALLOCAUDIT_THREAD_CACHES_H

#include <stdbool.h>
#include <stdint.h>

#include "../model/operations.h"
#include "../model/trace.h"

struct thread_caches; /* opaque */

struct cached_block {
    uint64_t address;
    uint64_t usable_bytes;
    uint64_t size_bytes;
    uint64_t freed_ns;
    uint32_t thread_id; /* whose cache it is in */
    uint32_t stack_id;  /* that allocated it */
};

/* `trace` must outlive it. NULL: out of memory. */
struct thread_caches *thread_caches_create(const struct trace *trace);

/* Returns 0 or -ENOMEM. */
int thread_caches_observe(struct thread_caches *caches, const struct operation *operation);

/* The highest block of [start, end) in the cache of a thread that has not ended at now_ns.
 * False: none is. */
bool thread_caches_highest(const struct thread_caches *caches, uint64_t now_ns,
                           uint64_t start_address, uint64_t end_address,
                           struct cached_block *out_block);

/* NULL is fine. */
void thread_caches_destroy(struct thread_caches *caches);

#endif
