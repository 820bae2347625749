#include "pool_chunk.h"

enum {
    BEGIN_LEAST = 8, /* blocks at once, or more: */
    BEGIN_BYTES = 4096,
};

/* Numbers are from 1 to this. */
static uint32_t number_count(size_t chunk_bytes)
{
    return (uint32_t)(chunk_bytes >> POOL_UNIT_BITS);
}

static uint32_t step_of(const struct pool_chunk *chunk)
{
    return chunk->block_bytes >> POOL_UNIT_BITS;
}

/* The number of the chunk's i-th block. */
static uint32_t number_of(const struct pool_chunk *chunk, uint32_t i)
{
    return 1 + i * step_of(chunk);
}

/* Where the stack lies in a chunk's description. */
static size_t stack_offset(size_t chunk_bytes)
{
    size_t end = offsetof(struct pool_chunk, marks) + number_count(chunk_bytes) + 1;
    return (end + sizeof(uint16_t) - 1) / sizeof(uint16_t) * sizeof(uint16_t);
}

size_t pool_chunk_note_bytes(size_t chunk_bytes, uint32_t block_bytes)
{
    return stack_offset(chunk_bytes) + (chunk_bytes / block_bytes + 1) * sizeof(uint16_t);
}

void pool_chunk_init(struct pool_chunk *chunk, uint32_t block_bytes, uint32_t size_class)
{
    chunk->stack = (void *)((char *)chunk + stack_offset(chunk->chunk.bytes));
    chunk->top = chunk->stack;
    chunk->origin = chunk->chunk.base - (1 << POOL_UNIT_BITS);
    chunk->room_begun = POOL_ROOM_ACTIVE;
    chunk->room = POOL_ROOM_ACTIVE;
    chunk->block_bytes = block_bytes;
    chunk->block_count = chunk->chunk.bytes / block_bytes;
    chunk->size_class = size_class;
    while (number_count(chunk->chunk.bytes) >> chunk->group_bits >= POOL_GROUPS) {
        chunk->group_bits++;
    }
}

bool pool_chunk_begin(struct pool_chunk *chunk)
{
    uint32_t rest = chunk->block_count - chunk->begun_count;
    if (rest == 0) {
        return false;
    }
    uint32_t count = BEGIN_BYTES / chunk->block_bytes;
    count = count < BEGIN_LEAST ? BEGIN_LEAST : count;
    count = count < rest ? count : rest;
    for (uint32_t i = count; i-- > 0;) { /* the lowest address is taken first */
        *++chunk->top = (uint16_t)number_of(chunk, chunk->begun_count + i);
    }
    chunk->begun_count += count;
    return true;
}

bool pool_chunk_leave(struct pool_chunk *chunk, uintptr_t block)
{
    uintptr_t number;
    uint8_t mark = POOL_USED;
    if (!pool_chunk_find(chunk, block, &number)) {
        return false;
    }
    CHUNK_POISON(block, chunk->block_bytes); /* before others may take it */
    if (!__atomic_compare_exchange_n(&chunk->marks[number], &mark, POOL_LEFT, false,
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
    uint32_t step = step_of(chunk);
    uint32_t count = 0;
    for (uint32_t i = ((group << chunk->group_bits) + step - 1) / step; i < chunk->begun_count;
         i++) {
        uint32_t number = number_of(chunk, i);
        if (number >= end) {
            break;
        }
        if (__atomic_load_n(&chunk->marks[number], __ATOMIC_ACQUIRE) == POOL_LEFT) {
            chunk->marks[number] = 0;
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
    for (uint32_t i = 0; i < chunk->begun_count; i++) {
        uint8_t mark = chunk->marks[number_of(chunk, i)];
        counts.used += mark == POOL_USED;
        counts.left += mark == POOL_LEFT;
    }
    counts.free = chunk->begun_count - counts.used - counts.left;
    return counts;
}

/* So many are marked, and they are the blocks that were counted. */
static bool marks_are_of_blocks(const struct pool_chunk *chunk, uint32_t count)
{
    for (uint32_t number = 0; number <= number_count(chunk->chunk.bytes); number++) {
        count -= chunk->marks[number] != 0;
    }
    return count == 0;
}

/* So many blocks are on the stack, none of them twice, and none that is marked. */
static bool stack_is_right(const struct pool_chunk *chunk, uint32_t count)
{
    uint8_t seen[POOL_BLOCKS_MOST / 8] = {0};
    for (const uint16_t *at = chunk->top; at > chunk->stack; at--, count--) {
        uint32_t i = (*at - 1u) / step_of(chunk);
        uint8_t bit = (uint8_t)(1u << i % 8);
        if (*at == 0 || i >= chunk->begun_count || number_of(chunk, i) != *at ||
            chunk->marks[*at] != 0 || (seen[i / 8] & bit) != 0) {
            return false;
        }
        seen[i / 8] |= bit;
    }
    return count == 0 && *chunk->stack == 0;
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
    if (!marks_are_of_blocks(chunk, counts.used + counts.left)) {
        return "there is a mark where there is no block";
    }
    return stack_is_right(chunk, counts.free) ? NULL : "a block is free twice, or used and free";
}
