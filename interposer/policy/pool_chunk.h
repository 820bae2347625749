/*
 * pool_chunk.h - a chunk of a pool: blocks of one size, and a stack of those that are free.
 *
 *   chunk   | block 0 | block 1 | block 2 | block 3 |  blocks never used yet   | rest |
 *   marks   |  used   |    -    |  used   |    -    |    -  ...                         a byte for
 *   stack   | end | 3 | 1 |                                                            16 of these
 *                       ^ top    what was given back last is taken first
 *
 * A block's number says how many 16 bytes it lies behind the chunk's begin, counted from 1: so
 * neither way takes a multiplication. Its mark says whether it is used, and no address without that
 * gets past a give. Marks and stack lie beside the chunk, so that no write of the program reaches
 * them.
 *
 * All is the owner's. Others change a mark from used to left, and say in left_groups where they
 * did; the owner puts the block on the stack when it collects.
 */
#ifndef ALLOCAUDIT_POLICY_POOL_CHUNK_H
#define ALLOCAUDIT_POLICY_POOL_CHUNK_H

#include "policy.h"

enum {
    POOL_BLOCKS_MOST = 1 << 13, /* of a chunk */
    POOL_UNIT_BITS = 4,         /* 16 bytes, of which blocks are multiples */
    POOL_GROUPS = 64,           /* of numbers; a bit each in left_groups */
    POOL_ROOM_ACTIVE = 1 << 30, /* more than there are blocks */
};

enum pool_mark { /* 0: no block, or a free one */
    POOL_USED = 1,
    POOL_LEFT =
        3, /* given back by another than the owner, and not yet collected; less 1 not USED */
};

struct pool_chunk {
    struct policy_chunk chunk;
    uint16_t *top;        /* the number of the block that is taken next; 0: none is free */
    uintptr_t origin;     /* where number 0 would be */
    uint32_t room;        /* gives until pool_give_without_room() has to see to it */
    uint32_t room_begun;  /* what it was when it was set */
    uint64_t given_count; /* before that */
    uint32_t block_bytes;
    uint32_t block_count;
    uint32_t begun_count; /* blocks that were on the stack at some time; the others follow them */
    uint32_t group_bits;  /* 2^group_bits numbers are a group */
    uint32_t size_class;
    bool is_active;  /* its class takes from it */
    bool is_spare;   /* without used blocks, and kept */
    uint16_t *stack; /* its end, which is 0; the free blocks follow */
    _Atomic uint64_t left_groups;
    uint8_t marks[]; /* by number; the stack lies behind them */
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

/* True: a used block begins at this address, and *out_number is its. */
static inline bool pool_chunk_find(const struct pool_chunk *chunk, uintptr_t block,
                                   uintptr_t *out_number)
{
    *out_number = (block - chunk->origin) >> POOL_UNIT_BITS;
    return __builtin_expect(block % POLICY_ALIGNMENT == 0, 1) &&
           __builtin_expect(chunk->marks[*out_number] == POOL_USED, 1);
}

/*
 * Takes 1 from the mark. True: it was POOL_USED. In one instruction, so that of a give and one in a
 * signal handler that interrupts it only one finds the block used.
 */
static inline bool pool_mark_lower(uint8_t *mark)
{
#if defined(__x86_64__)
    bool is_zero;
    __asm__("subb $1, %0" : "+m"(*mark), "=@ccz"(is_zero));
    return is_zero;
#else
    return --*mark == POOL_USED - 1;
#endif
}

/* For the owner: true as above, and the block is used no more. */
static inline bool pool_chunk_unmark(struct pool_chunk *chunk, uintptr_t block,
                                     uintptr_t *out_number)
{
    *out_number = (block - chunk->origin) >> POOL_UNIT_BITS;
    if (__builtin_expect(block % POLICY_ALIGNMENT != 0, 0)) {
        return false;
    }
    uint8_t *mark = &chunk->marks[*out_number];
    if (__builtin_expect(!pool_mark_lower(mark), 0)) {
        ++*mark;
        return false;
    }
    return true;
}

/* Takes the block with the number that `top` points to, which is not 0. */
static inline uintptr_t pool_chunk_pop(struct pool_chunk *chunk)
{
    uintptr_t number = *chunk->top--;
    chunk->marks[number] = POOL_USED;
    return chunk->origin + (number << POOL_UNIT_BITS);
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

/* Frees a block, which has no mark. True: there is no room any more. */
static inline bool pool_chunk_push(struct pool_chunk *chunk, uintptr_t number)
{
    *++chunk->top = (uint16_t)number;
    return --chunk->room == 0;
}

#endif
