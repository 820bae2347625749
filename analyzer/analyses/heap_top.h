/*
 * heap_top.h - what keeps glibc's main heap from shrinking.
 *
 * The heap that brk made gives memory back from its top only (trim): the highest block that is in
 * use, or lies in a thread's cache, holds all pages below it, however empty they are. Single
 * thread.
 */
#ifndef ALLOCAUDIT_HEAP_TOP_H
#define ALLOCAUDIT_HEAP_TOP_H

#include <stdbool.h>
#include <stdint.h>

#include "../model/memory_moments.h"
#include "page_map.h"
#include "thread_caches.h"

struct heap_top {
    uint64_t at_ns;
    uint64_t start_address;
    uint64_t end_address;       /* of the highest resident page: about the break */
    uint64_t pin_address;       /* where the highest thing in use ends; 0: nothing is in use */
    bool is_cached;             /* it is a freed block in a thread's cache */
    struct cached_block cached; /* if so */
    uint64_t resident_bytes;    /* of the heap */
    uint64_t pinned_bytes;      /* resident pages without a live block below pin_address */
    uint64_t kept_bytes;        /* resident above pin_address: free, and not given back */
};

/* Of what is in use now. False: the heap has no resident pages at that moment. */
bool heap_top_find(const struct memory_moments *all, const struct memory_moment *memory,
                   const struct page_map *map, const struct thread_caches *caches,
                   struct heap_top *out_top);

/* True if what it holds is worth a word: a MiB or more, and a quarter of the heap. */
bool heap_top_is_pinned(const struct heap_top *top);

/* The same for free memory at the top itself. */
bool heap_top_is_kept(const struct heap_top *top);

#endif
