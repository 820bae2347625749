/*
 * backing.h - where the policies' memory comes from: one range of addresses for all of them.
 *
 *   base                                               base + page_count * 4096
 *   | chunk | chunk | zone          | slab | ...   never used yet              |
 *
 * The range is reserved at once and takes memory only where the program writes to it, so that one
 * comparison tells whether a block is ours, and a table by page leads to its chunk. Runs of pages
 * that were given back lose their memory and are used again for runs of the same length.
 *
 * What policies keep about their blocks lies in a range of its own, never in the blocks: a
 * simulation hands out addresses whose memory nobody ever touches.
 *
 * Any thread; takes a lock. Nothing here allocates from the program's heap.
 */
#ifndef ALLOCAUDIT_POLICY_BACKING_H
#define ALLOCAUDIT_POLICY_BACKING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lock.h"

enum {
    BACKING_PAGE_BITS = 12,
    BACKING_PAGE_BYTES = 1 << BACKING_PAGE_BITS,
    BACKING_RUN_CLASSES = 20, /* runs of 2^n pages */
    BACKING_NOTE_CLASSES = 32,
};

#define BACKING_BYTES_MOST  (UINT64_C(1) << 36)
#define BACKING_BYTES_LEAST (UINT64_C(1) << 24)

struct policy_chunk;

struct backing {
    uintptr_t base;
    uint64_t bytes;               /* a multiple of the page; 0: nothing could be reserved */
    struct policy_chunk **chunks; /* by page: what lies there; NULL: nothing */
    uint32_t *next_runs;          /* by page, of the first page of a free run */
    uint32_t free_runs[BACKING_RUN_CLASSES]; /* page number + 1; 0: none */
    uint32_t page_count;                     /* of the range */
    uint32_t used_pages;                     /* pages below this were in use at some time */
    uintptr_t notes;                         /* the range for what policies keep */
    uint64_t note_bytes;
    uint64_t used_note_bytes;
    void *free_notes[BACKING_NOTE_CLASSES];
    struct policy_lock lock;
    bool is_simulated; /* the blocks have no memory */
};

/*
 * Reserves as much as can be had, up to most_bytes (a power of two). False: not even
 * BACKING_BYTES_LEAST.
 */
bool backing_init(struct backing *backing, uint64_t most_bytes, bool is_simulated);
void backing_fini(struct backing *backing);

static inline bool backing_owns(const struct backing *backing, const void *block)
{
    return (uintptr_t)block - backing->base < backing->bytes;
}

/* What the block lies in; NULL if there is nothing, or the address is not ours. */
static inline struct policy_chunk *backing_chunk(const struct backing *backing, const void *block)
{
    uintptr_t offset = (uintptr_t)block - backing->base;
    return offset < backing->bytes ? backing->chunks[offset >> BACKING_PAGE_BITS] : NULL;
}

/* The first chunk at or after *page, which is moved behind it; NULL: there is none left. */
struct policy_chunk *backing_next_chunk(const struct backing *backing, uint32_t *page);

/*
 * Takes a run of `bytes` (a power of two, a page or more) that lies at a multiple of its length,
 * full of zeros, and enters the chunk for all of its pages. 0: there is no room.
 */
uintptr_t backing_take(struct backing *backing, size_t bytes, struct policy_chunk *chunk);
void backing_give(struct backing *backing, uintptr_t start, size_t bytes);

/* Memory for what a policy keeps, full of zeros; NULL: there is no room. */
void *backing_take_note(struct backing *backing, size_t bytes);
void backing_give_note(struct backing *backing, void *note, size_t bytes);

#endif
