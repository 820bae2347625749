#include "pool_chunk.h"

enum {
    BEGIN_LEAST = 8, /* blocks at once, or more: */
    BEGIN_BYTES = 4096,
};

size_t pool_chunk_note_bytes(size_t chunk_bytes, uint32_t block_bytes)
{
    return offsetof(struct pool_chunk, links) + (chunk_bytes / block_bytes + 1) * sizeof(uint16_t);
}

void pool_chunk_init(struct pool_chunk *chunk, uint32_t block_bytes, uint32_t size_class)
{
    chunk->next = POOL_END;
    chunk->room_begun = POOL_ROOM_ACTIVE;
    chunk->room = POOL_ROOM_ACTIVE;
    chunk->reciprocal = UINT64_MAX / block_bytes + 1;
    chunk->block_bytes = block_bytes;
    chunk->block_count = chunk->chunk.bytes / block_bytes;
    chunk->size_class = size_class;
    while (chunk->block_count >> chunk->group_bits >= POOL_GROUPS) {
        chunk->group_bits++;
    }
}

bool pool_chunk_begin(struct pool_chunk *chunk)
{
    uint32_t rest = chunk->block_count - chunk->begun_count;
    if (rest == 0) {
        return false;
    }
    uint32_t count = (uint32_t)(BEGIN_BYTES / chunk->block_bytes);
    count = count < BEGIN_LEAST ? BEGIN_LEAST : count;
    count = count < rest ? count : rest;
    uint32_t next = POOL_END;
    for (uint32_t i = count; i-- > 0;) { /* the lowest address is taken first */
        uint32_t number = chunk->begun_count + i;
        chunk->links[number] = (uint16_t)next;
        next = number;
    }
    chunk->next = next;
    chunk->begun_count += count;
    return true;
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
    struct pool_chunk_counts counts = {0};
    for (uint32_t number = 0; number < chunk->begun_count; number++) {
        counts.used += chunk->links[number] == POOL_USED;
        counts.left += chunk->links[number] == POOL_LEFT;
    }
    counts.free = chunk->begun_count - counts.used - counts.left;
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

/* So many blocks are in the list, none of them twice. */
static bool list_is_right(const struct pool_chunk *chunk, uint32_t count)
{
    uint8_t seen[POOL_BLOCKS_MOST / 8] = {0};
    uint32_t number = chunk->next;
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
    struct pool_chunk_counts counts = pool_chunk_count(chunk);
    bool is_full = !chunk->is_active && counts.free == 0;
    if (!chunk->is_active && chunk->room != (is_full ? 1 : counts.used + counts.left)) {
        return "a chunk is not marked as what it is";
    }
    if (!chunk->is_active && (chunk->chunk.next != NULL) == is_full) {
        return "a chunk is not in the list in which it belongs";
    }
    if (!links_are_of_blocks(chunk)) {
        return "there is a link where there is no block";
    }
    return list_is_right(chunk, counts.free) ? NULL : "a block is free twice, or used and free";
}
