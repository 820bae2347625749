/*
 * chain.h - the stacks that a thread has walked lately, to be recognised without walking.
 *
 * A walk reads certain words of the stack: return addresses, and now and then a saved frame or
 * stack pointer. Which ones follows from the unwind rules and from the words read before. So as
 * long as all of them are unchanged, a walk from the same frame would read just them again and find
 * the same stack. A chain is that list of words with the number of the stack that they led to.
 *
 * Chains are found by the hook's return address and its place on the stack. Where several chains
 * begin alike, their entry names the first word in which they differ, and its value leads on: a
 * tree whose inner nodes are guesses only, for at its leaf every word is compared.
 *
 * One thread, no locks. The memory is bounded: the oldest chains make room for new ones. Whatever
 * is missing or overwritten costs a walk, nothing else.
 */
#ifndef ALLOCAUDIT_CHAIN_H
#define ALLOCAUDIT_CHAIN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "walk.h"

enum {
    CHAIN_WAYS = 4,   /* entries of a bucket: one cache line */
    CHAIN_BY_ALL = 1, /* all words of this entry's chain lead on, as they are now */
    CHAIN_GROUP = 4,  /* words compared between two branches; chains are padded to it */
};

/* A node of the tree. It stands for its chain, or for all that begin like it. */
struct chain_entry {
    uint32_t check;  /* of the key; never 0 in an entry that is used */
    uint32_t chain;  /* position in the arena, counted on for ever, in units of 8 bytes */
    uint32_t branch; /* the word at this offset leads on, or CHAIN_BY_ALL; 0: a leaf */
    uint32_t padding;
};

struct chain {
    uintptr_t base; /* the hook's frame address; offsets count from it */
    uint32_t span;  /* all words lie in [base, base + span) */
    uint32_t count; /* a multiple of CHAIN_GROUP: the last word is repeated */
    uint32_t stack_id;
    uint32_t padding;
    uint64_t values[]; /* count of them, then as many uint32_t offsets in rising order */
};

/* All zero is an empty one. */
struct chain_table {
    struct chain_entry *entries;
    uint64_t *arena;
    uint32_t bucket_mask;
    uint32_t arena_mask; /* in units of 8 bytes */
    uint32_t head;       /* where the next chain goes */
    uint32_t live;       /* units before head that hold what was written there last */
    uint32_t generation; /* of the loaded modules; 0: nothing is remembered */
    uint32_t size_class;
    uint32_t learnt_count; /* since the table was mapped */
};

static inline uint64_t chain_key_of_frame(uintptr_t ip, uintptr_t base)
{
    uint64_t key = (ip ^ base << 24) * UINT64_C(0x9e3779b97f4a7c15);
    return key ^ key >> 32;
}

static inline uint64_t chain_key_of_branch(uint64_t key, uint64_t value)
{
    key = (key ^ value) * UINT64_C(0xd1342543de82ef95);
    return key ^ key >> 29;
}

static inline uint32_t chain_check(uint64_t key)
{
    return (uint32_t)(key >> 32) | 1;
}

static inline struct chain_entry *chain_bucket(const struct chain_table *table, uint64_t key)
{
    return table->entries + (size_t)((uint32_t)key & table->bucket_mask) * CHAIN_WAYS;
}

static inline bool chain_is_live(const struct chain_table *table, uint32_t position)
{
    return table->head - position <= table->live;
}

static inline const struct chain_entry *chain_entry_of(const struct chain_table *table,
                                                       uint64_t key)
{
    const struct chain_entry *entry = chain_bucket(table, key);
    uint32_t check = chain_check(key);
    for (int way = 0; way < CHAIN_WAYS; way++, entry++) {
        if (entry->check == check) {
            return chain_is_live(table, entry->chain) ? entry : NULL;
        }
    }
    return NULL;
}

static inline const struct chain *chain_at(const struct chain_table *table, uint32_t position)
{
    return (const struct chain *)(table->arena + (position & table->arena_mask));
}

static inline const uint32_t *chain_offsets(const struct chain *chain)
{
    return (const uint32_t *)(chain->values + chain->count);
}

/* At a branch this may be any word of any frame, also one that a sanitizer forbids the program. */
static inline __attribute__((no_sanitize_address)) uint64_t chain_load(uintptr_t base,
                                                                       uint32_t offset)
{
    return *(const uint64_t *)(base + offset);
}

/* Whether every word is what it was. The caller has seen to it that the span is readable. */
static inline bool chain_holds(const struct chain *chain)
{
    const uint64_t *value = chain->values;
    const uint64_t *end = value + chain->count;
    const uint32_t *offset = (const uint32_t *)end;
    uintptr_t base = chain->base;
    do {
        uint64_t differs = chain_load(base, offset[0]) ^ value[0];
        differs |= chain_load(base, offset[1]) ^ value[1];
        differs |= chain_load(base, offset[2]) ^ value[2];
        differs |= chain_load(base, offset[3]) ^ value[3];
        if (__builtin_expect(differs != 0, 0)) {
            return false;
        }
        value += CHAIN_GROUP;
        offset += CHAIN_GROUP;
    } while (value != end);
    return true;
}

static inline const struct chain *chain_if_holds(const struct chain *chain, uintptr_t base,
                                                 uintptr_t room)
{
    bool holds = chain->base == base && chain->span <= room && chain_holds(chain);
    return __builtin_expect(holds, 1) ? chain : NULL;
}

/* The rest of chain_find() where chains begin alike: what stands below this entry. */
const struct chain *chain_find_below(const struct chain_table *table,
                                     const struct chain_entry *entry, const void *frame,
                                     uintptr_t stack_high);

/*
 * The chain of the stack above the hook at `frame`, or NULL if it is not remembered. Nothing is
 * read outside [stack_low, stack_high). Valid until the next chain_learn().
 */
static inline __attribute__((always_inline)) const struct chain *
chain_find(const struct chain_table *table, const void *frame, uint32_t generation,
           uintptr_t stack_low, uintptr_t stack_high)
{
    uintptr_t base = (uintptr_t)frame;
    if (__builtin_expect(table->generation != generation || base < stack_low || base >= stack_high,
                         0)) {
        return NULL;
    }
    uint64_t key = chain_key_of_frame(((const uintptr_t *)frame)[1], base);
    const struct chain_entry *entry = chain_entry_of(table, key);
    if (__builtin_expect(entry == NULL, 0)) {
        return NULL;
    }
    if (entry->branch != 0) {
        return chain_find_below(table, entry, frame, stack_high);
    }
    return chain_if_holds(chain_at(table, entry->chain), base, stack_high - base);
}

/* Remembers that these words, the last walk's from the hook at `frame`, lead to the stack. */
void chain_learn(struct chain_table *table, const void *frame, uint32_t generation,
                 const struct walk_words *words, uint32_t stack_id);

/* Forgets all: the numbers of stacks, or the meaning of addresses, are about to change. */
void chain_forget(struct chain_table *table);

/* The thread has ended: gives back what a small table does not need. */
void chain_retire(struct chain_table *table);

#endif
