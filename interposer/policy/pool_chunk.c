#include "pool_chunk.h"

enum {
    LOAD_LEAST = 8,    /* where fewer blocks were given back, fresh ones come: as many, and */
    LOAD_BYTES = 4096, /* as much */
};

size_t pool_chunk_note_bytes(size_t chunk_bytes, uint32_t block_bytes)
{
    return offsetof(struct pool_chunk, links) + (chunk_bytes / block_bytes + 1) * sizeof(uint16_t);
}

void pool_chunk_init(struct pool_chunk *chunk, uint32_t block_bytes, uint32_t size_class)
{
    chunk->next = POOL_END;
    chunk->given = POOL_END;
    chunk->full_room = POOL_ROOM_ACTIVE;
    chunk->room = POOL_ROOM_ACTIVE;
    chunk->reciprocal = UINT64_MAX / block_bytes + 1;
    chunk->block_bytes = block_bytes;
    chunk->block_count = chunk->chunk.bytes / block_bytes;
    chunk->size_class = size_class;
    while (chunk->block_count >> chunk->group_bits >= POOL_GROUPS) {
        chunk->group_bits++;
    }
}

/* How many blocks are to be begun, where so many were given back. */
static uint32_t fresh_count(const struct pool_chunk *chunk, uint32_t given_count)
{
    uint32_t rest = chunk->block_count - chunk->begun_count;
    if (rest == 0 || given_count >= LOAD_LEAST) {
        return 0;
    }
    uint32_t count = (uint32_t)(LOAD_BYTES / chunk->block_bytes);
    count = count < LOAD_LEAST ? LOAD_LEAST : count;
    return count < rest ? count : rest;
}

uint32_t pool_chunk_load(struct pool_chunk *chunk)
{
    uint32_t given_count = pool_given_count(chunk);
    uint32_t count = fresh_count(chunk, given_count);
    uint32_t next = chunk->given;
    for (uint32_t i = count; i-- > 0;) { /* the lowest address is taken first */
        uint32_t number = chunk->begun_count + i;
        chunk->links[number] = (uint16_t)next;
        next = number;
    }
    if (given_count + count > 0) {
        chunk->next = next;
        chunk->given = POOL_END;
        chunk->room = chunk->full_room;
        chunk->begun_count += count;
    }
    return given_count + count;
}

bool pool_chunk_leave(struct pool_chunk *chunk, uintptr_t block)
{
    uint64_t number;
    uint16_t link = POOL_USED;
    if (!pool_chunk_find_used(chunk, block, &number)) {
        return false;
    }
    CHUNK_POISON(block, chunk->block_bytes); /* before others may take it */
    if (!__atomic_compare_exchange_n(&chunk->links[number], &link, POOL_LEFT, false,
                                     __ATOMIC_RELEASE, __ATOMIC_RELAXED)) {
        return false;
    }
    atomic_fetch_or_explicit(&chunk->left_groups, UINT64_C(1) << (number >> chunk->group_bits),
                             memory_order_release);
    return true;
}

static uint32_t collect_group(struct pool_chunk *chunk, uint32_t group)
{
    uint32_t end = (group + 1) << chunk->group_bits;
    end = end < chunk->block_count ? end : chunk->block_count;
    uint32_t count = 0;
    for (uint32_t number = group << chunk->group_bits; number < end; number++) {
        if (__atomic_load_n(&chunk->links[number], __ATOMIC_ACQUIRE) == POOL_LEFT) {
            (void)pool_chunk_push(chunk, number);
            count++;
        }
    }
    return count;
}

uint32_t pool_chunk_collect(struct pool_chunk *chunk)
{
    uint32_t count = 0;
    uint64_t groups = atomic_exchange_explicit(&chunk->left_groups, 0, memory_order_acquire);
    for (; groups != 0; groups &= groups - 1) {
        count += collect_group(chunk, (uint32_t)__builtin_ctzll(groups));
    }
    return count;
}

struct pool_chunk_counts pool_chunk_count(const struct pool_chunk *chunk)
{
    struct pool_chunk_counts counts = {.given = pool_given_count(chunk)};
    for (uint32_t number = 0; number < chunk->begun_count; number++) {
        counts.used += chunk->links[number] == POOL_USED;
        counts.left += chunk->links[number] == POOL_LEFT;
    }
    counts.next = chunk->begun_count - counts.used - counts.left - counts.given;
    return counts;
}

/* What was never used has no link. */
static bool links_are_of_blocks(const struct pool_chunk *chunk)
{
    for (uint32_t number = chunk->begun_count; number <= chunk->block_count; number++) {
        if (chunk->links[number] != 0) {
            return false;
        }
    }
    return true;
}

/* A list of so many free blocks, none of which is in `seen`, where they come. */
static bool list_is_right(const struct pool_chunk *chunk, uint32_t number, uint32_t count,
                          uint8_t *seen)
{
    for (; count > 0 && number < chunk->begun_count; count--) {
        uint8_t bit = (uint8_t)(1u << number % 8);
        if ((seen[number / 8] & bit) != 0) {
            return false;
        }
        seen[number / 8] |= bit;
        number = chunk->links[number];
    }
    return count == 0 && number == POOL_END;
}

const char *pool_chunk_check(const struct pool_chunk *chunk)
{
    uint8_t seen[POOL_BLOCKS_MOST / 8] = {0};
    struct pool_chunk_counts counts = pool_chunk_count(chunk);
    bool is_full = !chunk->is_active && counts.given == 0;
    uint32_t room = is_full ? 1 : chunk->begun_count;
    if (counts.next > chunk->begun_count || (!chunk->is_active && counts.next != 0)) {
        return "there are more free blocks than in the lists, or fewer";
    }
    if (chunk->full_room != (chunk->is_active ? POOL_ROOM_ACTIVE : room)) {
        return "a chunk is not marked as what it is";
    }
    if (!chunk->is_active && (chunk->chunk.next != NULL) == is_full) {
        return "a chunk is not in the list in which it belongs";
    }
    if (!links_are_of_blocks(chunk)) {
        return "there is a link where there is no block";
    }
    return list_is_right(chunk, chunk->next, counts.next, seen) &&
                   list_is_right(chunk, chunk->given, counts.given, seen)
               ? NULL
               : "a block is free twice, or used and free";
}
