#include "neutral.h"

static bool is_left_out(const struct neutral *neutral, const struct block_facts *block)
{
    return neutral->kind == NEUTRAL_SITE ? block->stack_id == neutral->stack_id
                                         : block->size_bytes >= neutral->size_min_bytes &&
                                               block->size_bytes <= neutral->size_max_bytes;
}

static void give_to_maker(const struct trace *trace, struct operation *operation)
{
    const struct thread_row *maker = trace_thread(trace, operation->ended.thread_id);
    if (operation->kind == OPERATION_FREE && maker != NULL && maker->ended_ns > operation->at_ns) {
        operation->thread_id = operation->ended.thread_id;
    }
}

/* values[] of a block with a reserve: the block that the replay has in its place, and how large
 * that is. */
enum {
    STAND_IN_ID,
    STAND_IN_BYTES,
};

static int begin_reserve(const struct neutral *neutral, struct live_objects *reserved,
                         struct operation *operation)
{
    struct block_facts *made = &operation->made;
    if (made->stack_id != neutral->stack_id || made->size_bytes > neutral->reserve_bytes ||
        made->size_bytes <= operation->ended.size_bytes) {
        return NEUTRAL_STAYS;
    }
    const struct live_object block = {
        .id = made->id,
        .values = {[STAND_IN_ID] = made->id, [STAND_IN_BYTES] = neutral->reserve_bytes},
    };
    made->size_bytes = neutral->reserve_bytes;
    int result = live_objects_add(reserved, &block);
    return result < 0 ? result : NEUTRAL_STAYS;
}

static int reserve(const struct neutral *neutral, struct live_objects *reserved,
                   struct operation *operation)
{
    struct live_object block;
    bool is_reserved = operation->kind != OPERATION_ALLOC &&
                       live_objects_remove(reserved, operation->ended.id, &block) == 0;
    if (!is_reserved) {
        return operation->kind == OPERATION_REALLOC ? begin_reserve(neutral, reserved, operation)
                                                    : NEUTRAL_STAYS;
    }
    operation->ended.id = block.values[STAND_IN_ID];
    operation->ended.size_bytes = block.values[STAND_IN_BYTES];
    if (operation->kind == OPERATION_FREE ||
        operation->made.size_bytes > block.values[STAND_IN_BYTES]) {
        return NEUTRAL_STAYS;
    }
    block.id = operation->made.id;
    int result = live_objects_add(reserved, &block);
    return result < 0 ? result : NEUTRAL_KEPT;
}

static int leave_out(const struct neutral *neutral, struct operation *operation)
{
    static const struct block_facts none = {0};
    bool has_made = operation->kind != OPERATION_FREE && !is_left_out(neutral, &operation->made);
    bool has_ended = operation->kind != OPERATION_ALLOC && !is_left_out(neutral, &operation->ended);
    if (operation->kind == OPERATION_REALLOC && !has_made) {
        operation->kind = OPERATION_FREE;
        operation->made = none;
    } else if (operation->kind == OPERATION_REALLOC && !has_ended) {
        operation->kind = OPERATION_ALLOC;
        operation->ended = none;
    }
    return has_made || has_ended ? NEUTRAL_STAYS : NEUTRAL_GONE;
}

int neutral_apply(const struct neutral *neutral, const struct trace *trace,
                  struct live_objects *reserved, struct operation *operation)
{
    switch (neutral->kind) {
    case NEUTRAL_HANDOFFS:
        give_to_maker(trace, operation);
        return NEUTRAL_STAYS;
    case NEUTRAL_GROWTH:
        return reserve(neutral, reserved, operation);
    default:
        return leave_out(neutral, operation);
    }
}
