/*
 * policy_player.h - plays random calls against a policy and knows what must be true of each block:
 * that it lies where it should, and that nobody else writes to it.
 */
#ifndef TESTS_POLICY_PLAYER_H
#define TESTS_POLICY_PLAYER_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "../../interposer/policy/policy.h"

enum {
    PLAYER_BLOCKS = 2048,
};

struct player_block {
    unsigned char *at; /* NULL: none */
    size_t size_bytes;
    unsigned char fill;
};

struct player {
    struct policy *policy;
    struct policy_heap *heap;
    uint64_t random;
    bool touches; /* the blocks have memory */
    struct player_block blocks[PLAYER_BLOCKS];
    uint64_t declined_count;
};

static inline uint32_t player_random(struct player *player)
{
    player->random = player->random * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (uint32_t)(player->random >> 33);
}

/* Many small ones, some large. */
static inline size_t player_size(struct player *player)
{
    unsigned bits = player_random(player) % 14;
    return player_random(player) % (2u << bits);
}

static inline struct policy *player_policy(struct backing *backing, const char *text)
{
    struct policy_settings settings;
    struct policy_mistake mistake;
    assert_true(policy_settings_parse(text, &settings, &mistake));
    struct policy *policy = policy_create(&settings, backing);
    assert_non_null(policy);
    return policy;
}

static inline void block_fill(const struct player *player, struct player_block *block)
{
    if (player->touches) {
        memset(block->at, block->fill, block->size_bytes);
    }
}

static inline bool block_is_whole(const struct player *player, const struct player_block *block,
                                  size_t bytes)
{
    for (size_t i = 0; player->touches && i < bytes; i++) {
        if (block->at[i] != block->fill) {
            return false;
        }
    }
    return true;
}

static inline struct policy_chunk *player_chunk(const struct player *player, const void *block)
{
    return backing_chunk(player->policy->backing, block);
}

static inline void player_take(struct player *player, struct player_block *block)
{
    static const size_t alignments[] = {0, 0, 0, 0, 0, 16, 32, 64, 256, 4096};
    size_t alignment = alignments[player_random(player) % 10];
    block->size_bytes = player_size(player);
    block->fill = (unsigned char)player_random(player);
    block->at = policy_take(player->heap, block->size_bytes, alignment);
    if (block->at == NULL) {
        player->declined_count++;
        return;
    }
    assert_int_equal((uintptr_t)block->at % (alignment > 16 ? alignment : 16), 0);
    struct policy_chunk *chunk = player_chunk(player, block->at);
    assert_non_null(chunk);
    assert_true(policy_usable(chunk, block->at) >= block->size_bytes);
    block_fill(player, block);
}

static inline void player_give(struct player *player, struct player_block *block)
{
    assert_true(block_is_whole(player, block, block->size_bytes));
    assert_true(policy_give(player->heap, player_chunk(player, block->at), block->at));
    block->at = NULL;
}

static inline void player_resize(struct player *player, struct player_block *block)
{
    size_t size_bytes = player_size(player);
    size_t kept_bytes = size_bytes < block->size_bytes ? size_bytes : block->size_bytes;
    struct policy_chunk *chunk = player_chunk(player, block->at);
    if (policy_resize(player->heap, chunk, block->at, size_bytes)) {
        assert_true(block_is_whole(player, block, kept_bytes));
        assert_true(policy_usable(chunk, block->at) >= size_bytes);
        block->size_bytes = size_bytes;
        block_fill(player, block);
    } else {
        assert_true(block_is_whole(player, block, block->size_bytes));
    }
}

/* One call on one of `width` places. */
static inline void player_step(struct player *player, uint32_t width)
{
    struct player_block *block = &player->blocks[player_random(player) % width];
    if (block->at == NULL) {
        player_take(player, block);
    } else if (player_random(player) % 8 == 0) {
        player_resize(player, block);
    } else {
        player_give(player, block);
    }
}

static inline void player_give_all(struct player *player)
{
    for (size_t i = 0; i < PLAYER_BLOCKS; i++) {
        if (player->blocks[i].at != NULL) {
            player_give(player, &player->blocks[i]);
        }
    }
}

#endif
