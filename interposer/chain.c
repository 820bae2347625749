#include "chain.h"

#include <linux/mman.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/mman.h>

#include "process.h"
#include "sys.h"

#include "banned.h"

/*
 * A table begins small, so that many threads of few stacks cost little, and is replaced by one four
 * times as large when more was learnt than it has entries: 40, 160, 640 KiB, 2.5 MiB.
 */
enum {
    BUCKETS_FIRST = 128,
    ARENA_UNITS_FIRST = 4096,
    SIZE_CLASS_LAST = 3,
    PROCESS_BYTES_MAX = 64 << 20, /* of all threads' tables that have grown */
    ARENA_SHARE_MAX = 8,          /* no chain takes more of the arena than one part in so many */
    BRANCHES_MAX = 64,
};

#define HEAD_LIMIT UINT32_C(0xf0000000)

/*
 * Value and place are scattered together before they are added. Otherwise two paths that have the
 * same two return addresses at different places would have the same sum.
 */
static inline uint64_t chain_sum_add(uint64_t sum, uint64_t value, uint32_t index)
{
    value = (value ^ (uint64_t)index << 48) * UINT64_C(0x9e3779b97f4a7c15);
    value = (value ^ value >> 32) * UINT64_C(0xd1342543de82ef95);
    return sum + (value ^ value >> 29);
}

static uint64_t chain_sum_of(const struct chain *chain)
{
    uint64_t sum = 0;
    for (uint32_t i = 0; i < chain->count; i++) {
        sum = chain_sum_add(sum, chain->values[i], i);
    }
    return sum;
}

/* The same sum over what the chain's words hold now. */
static uint64_t chain_sum_now(const struct chain *chain)
{
    const uint32_t *offsets = chain_offsets(chain);
    uint64_t sum = 0;
    for (uint32_t i = 0; i < chain->count; i++) {
        sum = chain_sum_add(sum, chain_load(chain->base, offsets[i]), i);
    }
    return sum;
}

/* The leaf below the branch at `entry`, by the words in [base, base + room). NULL: none known. */
static const struct chain_entry *chain_follow(const struct chain_table *table,
                                              const struct chain_entry *entry, uint64_t key,
                                              uintptr_t base, uintptr_t room)
{
    while (entry != NULL && entry->branch != 0) {
        uint64_t value;
        if (entry->branch == CHAIN_BY_ALL) {
            const struct chain *chain = chain_at(table, entry->chain);
            if (chain->base != base || chain->span > room) {
                return NULL;
            }
            value = chain_sum_now(chain);
        } else if (entry->branch < room) {
            value = chain_load(base, entry->branch);
        } else {
            return NULL;
        }
        key = chain_key_of_branch(key, value);
        entry = chain_entry_of(table, key);
    }
    return entry;
}

const struct chain *chain_find_below(const struct chain_table *table,
                                     const struct chain_entry *entry, const void *frame,
                                     uintptr_t stack_high)
{
    uintptr_t base = (uintptr_t)frame;
    uint64_t key = chain_key_of_frame(((const uintptr_t *)frame)[1], base);
    entry = chain_follow(table, entry, key, base, stack_high - base);
    return entry != NULL ? chain_if_holds(chain_at(table, entry->chain), base, stack_high - base)
                         : NULL;
}

static size_t chain_table_bytes(uint32_t size_class)
{
    size_t entries = (size_t)(BUCKETS_FIRST * CHAIN_WAYS) << 2 * size_class;
    size_t units = (size_t)ARENA_UNITS_FIRST << 2 * size_class;
    return entries * sizeof(struct chain_entry) + units * sizeof(uint64_t);
}

/* Takes a share of what all threads may have; true if there is enough. */
static bool chain_take_share(size_t bytes)
{
    if (atomic_fetch_add(&process->chain_bytes, bytes) + bytes > PROCESS_BYTES_MAX) {
        atomic_fetch_sub(&process->chain_bytes, bytes);
        return false;
    }
    return true;
}

static void chain_table_unmap(struct chain_table *table)
{
    void *memory = table->entries;
    size_t bytes = chain_table_bytes(table->size_class);
    chain_forget(table);
    atomic_signal_fence(memory_order_seq_cst);
    if (table->size_class > 0) {
        atomic_fetch_sub(&process->chain_bytes, bytes);
    }
    memset(table, 0, sizeof(*table));
    if (memory != NULL) {
        sys_munmap(memory, bytes);
    }
}

static bool chain_table_map(struct chain_table *table, uint32_t size_class)
{
    size_t bytes = chain_table_bytes(size_class);
    if (size_class > 0 && !chain_take_share(bytes)) {
        return false;
    }
    void *memory = sys_mmap(bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1);
    if (memory != NULL && sys_madvise(memory, bytes, MADV_WIPEONFORK) < 0) {
        sys_munmap(memory, bytes);
        memory = NULL;
    }
    if (memory == NULL) {
        if (size_class > 0) {
            atomic_fetch_sub(&process->chain_bytes, bytes);
        }
        return false;
    }
    chain_table_unmap(table);
    table->bucket_mask = ((uint32_t)BUCKETS_FIRST << 2 * size_class) - 1;
    table->arena_mask = ((uint32_t)ARENA_UNITS_FIRST << 2 * size_class) - 1;
    table->arena =
        (uint64_t *)((struct chain_entry *)memory + ((size_t)table->bucket_mask + 1) * CHAIN_WAYS);
    table->size_class = size_class;
    table->entries = memory;
    return true;
}

static bool chain_make_ready(struct chain_table *table, uint32_t generation)
{
    if (table->entries == NULL && !chain_table_map(table, 0)) {
        return false;
    }
    uint32_t entries = (table->bucket_mask + 1) * CHAIN_WAYS;
    if (table->learnt_count >= entries && table->size_class < SIZE_CLASS_LAST) {
        table->learnt_count = 0; /* asked once in so many, if it cannot be had */
        chain_table_map(table, table->size_class + 1);
    }
    if (table->head > HEAD_LIMIT) { /* or entries of old would seem live again */
        table->live = 0;
        memset(table->entries, 0, (size_t)entries * sizeof(struct chain_entry));
        table->head = 0;
    }
    if (table->generation != generation) {
        table->live = 0;
        table->generation = generation;
    }
    table->learnt_count++;
    return true;
}

/*
 * Writes the chain into the arena. A signal handler may leave this by longjmp at any point: what is
 * overwritten is given up first, and no entry leads to what is not complete.
 */
static uint32_t chain_write(struct chain_table *table, uintptr_t base, uint32_t count,
                            const struct walk_words *words, uint32_t stack_id)
{
    uint32_t capacity = table->arena_mask + 1;
    uint32_t units = (uint32_t)(sizeof(struct chain) + count * 12) / 8;
    uint32_t position = table->head;
    if ((position & table->arena_mask) + units > capacity) {
        position += capacity - (position & table->arena_mask);
    }
    uint32_t live = table->live + (position + units - table->head);
    table->head = position + units;
    atomic_signal_fence(memory_order_seq_cst);
    table->live = live < capacity ? live : capacity;
    atomic_signal_fence(memory_order_seq_cst);

    struct chain *chain = (struct chain *)(table->arena + (position & table->arena_mask));
    uint32_t *offsets = (uint32_t *)(chain->values + count);
    chain->base = base;
    chain->span = words->offsets[words->count - 1] + (uint32_t)sizeof(uint64_t);
    chain->count = count;
    chain->stack_id = stack_id;
    for (uint32_t i = 0; i < count; i++) {
        uint32_t from = i < words->count ? i : words->count - 1;
        chain->values[i] = words->values[from];
        offsets[i] = words->offsets[from];
    }
    atomic_signal_fence(memory_order_seq_cst);
    return position;
}

/* The entry to be used for a key: its own, a free one, or one that can be spared. */
static struct chain_entry *chain_claim(const struct chain_table *table, uint64_t key)
{
    struct chain_entry *bucket = chain_bucket(table, key);
    uint32_t check = chain_check(key);
    struct chain_entry *spare = NULL;
    for (int way = 0; way < CHAIN_WAYS; way++) {
        struct chain_entry *entry = &bucket[way];
        if (entry->check == check) {
            return entry;
        }
        if (entry->check == 0 || !chain_is_live(table, entry->chain)) {
            spare = entry;
        }
    }
    if (spare == NULL) { /* the oldest leaf; many chains may depend on a branch */
        for (int way = 0; way < CHAIN_WAYS; way++) {
            struct chain_entry *entry = &bucket[way];
            if (entry->branch == 0 &&
                (spare == NULL || table->head - entry->chain > table->head - spare->chain)) {
                spare = entry;
            }
        }
    }
    return spare != NULL ? spare : &bucket[table->head % CHAIN_WAYS];
}

static void chain_set(struct chain_table *table, uint64_t key, uint32_t position, uint32_t branch)
{
    struct chain_entry *entry = chain_claim(table, key);
    entry->check = 0;
    atomic_signal_fence(memory_order_seq_cst);
    entry->chain = position;
    entry->branch = branch;
    atomic_signal_fence(memory_order_seq_cst);
    entry->check = chain_check(key);
}

/* The index in `one` of the first word that both have and in which they differ; -1: none. */
static ptrdiff_t chain_difference(const struct chain *one, const struct chain *other)
{
    const uint32_t *one_offsets = chain_offsets(one);
    const uint32_t *other_offsets = chain_offsets(other);
    uint32_t i = 0;
    uint32_t k = 0;
    while (i < one->count && k < other->count) {
        if (one_offsets[i] < other_offsets[k]) {
            i++;
        } else if (one_offsets[i] > other_offsets[k]) {
            k++;
        } else if (one->values[i] != other->values[k]) {
            return i;
        } else {
            i++;
            k++;
        }
    }
    return -1;
}

static bool chain_has_same_words(const struct chain *one, const struct chain *other)
{
    return one->count == other->count &&
           memcmp(chain_offsets(one), chain_offsets(other), one->count * sizeof(uint32_t)) == 0;
}

/* A branch by one word is cheap as long as its entry is in the processor's nearer caches. */
static int chain_branches_by_word(const struct chain_table *table)
{
    return table->size_class < 2 ? 8 : 3;
}

/*
 * The key below `entry` at which the chain at `position` belongs, or 0 if it is to take the entry's
 * own place. The younger chain stands for all that begin like it.
 *
 * The first word in which two chains differ decides where their ways part, and all before it are
 * the same. Chains with the same words (of the same frames, that is) may differ in many of them:
 * after a few branches, all their words together lead on.
 */
static uint64_t chain_descend(struct chain_table *table, const struct chain_entry *entry,
                              uint64_t key, uint32_t position, int depth)
{
    const struct chain *chain = chain_at(table, position);
    const struct chain *known = chain_at(table, entry->chain);
    uint32_t known_position = entry->chain;
    uint32_t branch = entry->branch;
    bool is_alike = chain_has_same_words(known, chain);
    ptrdiff_t differing = chain_difference(known, chain);
    uint32_t differs_at = differing < 0 ? 0 : chain_offsets(known)[differing];
    if (is_alike && branch == CHAIN_BY_ALL) {
        chain_set(table, key, position, branch);
        return chain_key_of_branch(key, chain_sum_of(chain));
    }
    if (branch != 0 && branch != CHAIN_BY_ALL && branch < chain->span &&
        (is_alike || differs_at == 0 || differs_at >= branch)) {
        chain_set(table, key, position, branch);
        return chain_key_of_branch(key, chain_load(chain->base, branch));
    }
    if (differs_at == 0) {
        return 0;
    }
    if (is_alike && depth >= chain_branches_by_word(table)) {
        chain_set(table, key, position, CHAIN_BY_ALL);
        chain_set(table, chain_key_of_branch(key, chain_sum_of(known)), known_position, 0);
        return chain_key_of_branch(key, chain_sum_of(chain));
    }
    chain_set(table, key, position, differs_at);
    chain_set(table, chain_key_of_branch(key, known->values[differing]), known_position, branch);
    return chain_key_of_branch(key, chain_load(chain->base, differs_at));
}

/* Puts the chain at `position` into the tree. */
static void chain_link(struct chain_table *table, uint32_t position)
{
    const struct chain *chain = chain_at(table, position);
    uint64_t key = chain_key_of_frame(((const uintptr_t *)chain->base)[1], chain->base);
    for (int depth = 0; depth < BRANCHES_MAX; depth++) {
        const struct chain_entry *entry = chain_entry_of(table, key);
        if (entry == NULL || chain_at(table, entry->chain)->base != chain->base) {
            break;
        }
        uint64_t key_below = chain_descend(table, entry, key, position, depth);
        if (key_below == 0) {
            break;
        }
        key = key_below;
    }
    chain_set(table, key, position, 0);
}

void chain_learn(struct chain_table *table, const void *frame, uint32_t generation,
                 const struct walk_words *words, uint32_t stack_id)
{
    uint32_t count = (words->count + CHAIN_GROUP - 1) / CHAIN_GROUP * CHAIN_GROUP;
    if (count == 0 || !chain_make_ready(table, generation) ||
        count * 2 >= (table->arena_mask + 1) / ARENA_SHARE_MAX) {
        return;
    }
    uint32_t position = chain_write(table, (uintptr_t)frame, count, words, stack_id);
    chain_link(table, position);
}

void chain_forget(struct chain_table *table)
{
    table->live = 0;
    table->generation = 0;
}

void chain_retire(struct chain_table *table)
{
    chain_forget(table);
    if (table->size_class > 0) {
        chain_table_unmap(table);
    }
}
