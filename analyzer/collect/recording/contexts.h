/*
 * contexts.h - what many rows of `block` have in common, told once and numbered.
 *
 * A row then holds only what is its own: times, size, where in the region. Most sites have a
 * handful of contexts. Memory is bounded by the number of different ones. Single thread.
 */
#ifndef ALLOCAUDIT_CONTEXTS_H
#define ALLOCAUDIT_CONTEXTS_H

#include <assert.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    CONTEXT_REGION_BITS = 31, /* an offset in a region fits four bytes of a row */
    CONTEXT_SLACK_LIMIT = 32, /* a larger slack is the row's own: it varies with each size */
    CONTEXT_NOT_FREED = 0xff,
};

struct context {
    uint32_t process_id;
    uint32_t thread_id;
    uint32_t stack_id;
    uint32_t freed_by_thread_id; /* 0: not freed */
    uint32_t region;             /* address >> CONTEXT_REGION_BITS */
    uint16_t slack_bytes;
    uint8_t alloc_kind; /* enum alloc_kind */
    uint8_t free_kind;  /* enum free_kind, or CONTEXT_NOT_FREED */
};

static_assert(sizeof(struct context) == 24, "contexts are compared as words");

struct contexts {
    struct context *items; /* id 1 is items[0] */
    size_t count;
    size_t capacity;
    uint32_t *slots; /* ids by hash; 0: empty */
    size_t slot_count;
};

/* The id of a context, given if it is new. Returns 0 or -ENOMEM. */
int contexts_intern(struct contexts *contexts, const struct context *context, uint32_t *out_id);

/* Gives the next id to a context whatever it is, which is not found again. Returns 0 or -ENOMEM. */
int contexts_append(struct contexts *contexts, const struct context *context);

/* The context of an id that may be wrong, or NULL. */
static inline const struct context *contexts_get(const struct contexts *contexts, uint64_t id)
{
    return id >= 1 && id <= contexts->count ? &contexts->items[id - 1] : NULL;
}

static inline uint64_t context_address(const struct context *context, uint64_t address_offset)
{
    return (uint64_t)context->region << CONTEXT_REGION_BITS | address_offset;
}

void contexts_fini(struct contexts *contexts);

#endif
