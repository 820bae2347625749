/*
 * pool_chunk.h - a chunk of a pool: blocks of one size, and a list of those that are free.
 *
 *   chunk   | block 0 | block 1 | block 2 | block 3 |  blocks never used yet   | rest |
 *   links   |  used   |    3    |  used   |   end   |  0 ...
 *
 *   next: 1, then 3    what was given back last is taken first
 *
 * A free block's link is the number of the next in the list. That of a used one says so, and no
 * address without that gets past a give. The links lie beside the chunk, so that no write of the
 * program reaches them.
 *
 * All is the owner's. Others change a link from used to left, and say in left_groups where they
 * did; the owner puts the block in a list when it collects.
 */
#ifndef ALLOCAUDIT_POLICY_POOL_CHUNK_H
#define ALLOCAUDIT_POLICY_POOL_CHUNK_H

#include "policy.h"

enum {
    POOL_BLOCKS_MOST = 1 << 13, /* of a chunk */
    POOL_GROUPS = 64,           /* of blocks; a bit each in left_groups */
    POOL_ROOM_ACTIVE = 1 << 30, /* more than there are blocks */
    POOL_LEFT = 0xfffd,         /* given back by another than the owner, and not yet collected */
    POOL_END = 0xfffe,          /* free, and the last of the list */
    POOL_USED = 0xffff,
};

struct pool_chunk {
    struct policy_chunk chunk;
    uint32_t next;        /* the number of the block that is taken next; POOL_END: none is free */
    uint32_t room;        /* gives until pool_give_without_room() has to see to it */
    uint32_t room_begun;  /* what it was when it was set */
    uint64_t given_count; /* before that */
    uint64_t reciprocal;  /* 2^64 / block_bytes, rounded up */
    uint64_t block_bytes;
    uint32_t block_count;
    uint32_t begun_count; /* blocks that were in the list at some time; the others follow them */
    uint32_t group_bits;  /* 2^group_bits blocks are a group */
    uint32_t size_class;
    bool is_active; /* its class takes from it */
    bool is_spare;  /* without used blocks, and kept */
    _Atomic uint64_t left_groups;
    uint16_t links[]; /* by number, and one more: of the rest; 0 where none was ever used */
};

/* Blocks of a chunk, by what they are. */
struct pool_chunk_counts {
    uint32_t used;
    uint32_t left;
    uint32_t free;
};

size_t pool_chunk_note_bytes(size_t chunk_bytes, uint32_t block_bytes);

/* What a fresh chunk is before its first block. */
void pool_chunk_init(struct pool_chunk *chunk, uint32_t block_bytes, uint32_t size_class);

/* None is free: begins some that were never used. False: there are none. */
bool pool_chunk_begin(struct pool_chunk *chunk);

/* As policy_operations.leave, but for the chunk's queue: true if the block was used. */
bool pool_chunk_leave(struct pool_chunk *chunk, uintptr_t block);

/* Gives back what others have left, for which there must be room. Returns how many that were. */
uint32_t pool_chunk_collect(struct pool_chunk *chunk);

/* No thread may be inside. */
struct pool_chunk_counts pool_chunk_count(const struct pool_chunk *chunk);

/* What is wrong, as a constant text, or NULL. No thread may be inside. */
const char *pool_chunk_check(const struct pool_chunk *chunk);

/*
 * True: *out_number is of the block that begins at this address, or of the rest. What the product
 * has below the binary point is less than the reciprocal for whole blocks only.
 */
static inline bool pool_chunk_find(const struct pool_chunk *chunk, uintptr_t block,
                                   uint64_t *out_number)
{
    __extension__ typedef unsigned __int128 product_type;
    product_type product = (product_type)(block - chunk->chunk.base) * chunk->reciprocal;
    *out_number = (uint64_t)(product >> 64);
    return (uint64_t)product < chunk->reciprocal;
}

/* The same, and the block is used. */
static inline bool pool_chunk_find_used(const struct pool_chunk *chunk, uintptr_t block,
                                        uint64_t *out_number)
{
    return pool_chunk_find(chunk, block, out_number) && chunk->links[*out_number] == POOL_USED;
}

/* Takes a free block; `next` is one. */
static inline uintptr_t pool_chunk_pop(struct pool_chunk *chunk)
{
    uintptr_t number = chunk->next;
    chunk->next = chunk->links[number];
    chunk->links[number] = POOL_USED;
    return chunk->chunk.base + number * chunk->block_bytes;
}

/* Blocks ever given back. */
static inline uint64_t pool_given_count(const struct pool_chunk *chunk)
{
    return chunk->given_count + (uint32_t)(chunk->room_begun - chunk->room);
}

static inline void pool_chunk_set_room(struct pool_chunk *chunk, uint32_t room)
{
    chunk->given_count = pool_given_count(chunk);
    chunk->room_begun = room;
    chunk->room = room;
}

/* Frees a used block. True: there is no room any more. */
static inline bool pool_chunk_push(struct pool_chunk *chunk, uint64_t number)
{
    chunk->links[number] = (uint16_t)chunk->next;
    chunk->next = (uint32_t)number;
    return --chunk->room == 0;
}

#endif
