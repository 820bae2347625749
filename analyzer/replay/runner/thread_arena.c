#include "thread_arena.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "heap_call.h"

int thread_arenas_open(const struct script_head *head, struct thread_arena **out_arenas)
{
    static struct backing backing;
    struct policy_settings settings;
    *out_arenas = NULL;
    if (head->arena_chunk_bytes == 0) {
        return 0;
    }
    policy_settings_init(&settings, POLICY_FRAME);
    settings.values[FRAME_chunk_bytes] = head->arena_chunk_bytes;
    settings.values[FRAME_spare_chunks] = head->arena_spare_count;
    settings.values[FRAME_block_max_bytes] = head->arena_chunk_bytes / 4;
    struct thread_arena *arenas = stage_map(head->began_count * sizeof(*arenas));
    struct policy *policy = arenas != NULL && backing_init(&backing, BACKING_BYTES_MOST, false)
                                ? policy_create(&settings, &backing)
                                : NULL;
    if (policy == NULL) {
        return -ENOMEM;
    }
    for (uint32_t i = 0; i < head->began_count; i++) {
        arenas[i] = (struct thread_arena){.backing = &backing, .policy = policy};
    }
    *out_arenas = arenas;
    return 0;
}

static void *take(struct thread_arena *arena, const struct script_record *record)
{
    if (arena->heap == NULL) {
        arena->heap = policy_heap_open(arena->policy);
    }
    size_t alignment = record->code == SCRIPT_ALIGNED ? (size_t)1 << record->alignment_log2 : 0;
    void *block = arena->heap != NULL ? policy_take(arena->heap, record->value, alignment) : NULL;
    if (block == NULL) {
        return heap_call(record, NULL);
    }
    if (record->code == SCRIPT_CALLOC) {
        memset(block, 0, record->value);
    }
    return block;
}

static void give(const struct thread_arena *arena, void *block)
{
    struct policy_chunk *chunk = backing_chunk(arena->backing, block);
    if (chunk != NULL) {
        (void)policy_give(arena->heap, chunk, block);
    } else {
        free(block);
    }
}

/* As a program would that moves a block from or to its arena by hand. */
static void *move(struct thread_arena *arena, const struct script_record *record, void *old,
                  size_t old_bytes)
{
    struct policy_chunk *chunk = backing_chunk(arena->backing, old);
    bool is_new_inside = (record->arenas & SCRIPT_ARENA_NEW) != 0;
    if (chunk == NULL && !is_new_inside) {
        return realloc(old, record->value);
    }
    if (chunk != NULL && is_new_inside && arena->heap != NULL &&
        policy_resize(arena->heap, chunk, old, record->value)) {
        return old;
    }
    void *block = is_new_inside ? take(arena, record) : malloc(record->value);
    if (block != NULL && old != NULL) {
        memcpy(block, old, old_bytes < record->value ? old_bytes : record->value);
        give(arena, old);
    }
    return block;
}

void *thread_arena_call(struct thread_arena *arena, const struct script_record *record, void *old,
                        size_t old_bytes)
{
    switch ((enum script_code)record->code) {
    case SCRIPT_REALLOC:
        return move(arena, record, old, old_bytes);
    case SCRIPT_FREE:
        give(arena, old);
        return NULL;
    default:
        return take(arena, record);
    }
}

void thread_arena_end_frame(struct thread_arena *arena)
{
    if (arena->heap != NULL) {
        policy_end_frame(arena->heap);
    }
}
