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

bool neutral_apply(const struct neutral *neutral, const struct trace *trace,
                   struct operation *operation)
{
    static const struct block_facts none = {0};
    if (neutral->kind == NEUTRAL_HANDOFFS) {
        give_to_maker(trace, operation);
        return true;
    }
    bool has_made = operation->kind != OPERATION_FREE && !is_left_out(neutral, &operation->made);
    bool has_ended = operation->kind != OPERATION_ALLOC && !is_left_out(neutral, &operation->ended);
    if (operation->kind == OPERATION_REALLOC && !has_made) {
        operation->kind = OPERATION_FREE;
        operation->made = none;
    } else if (operation->kind == OPERATION_REALLOC && !has_ended) {
        operation->kind = OPERATION_ALLOC;
        operation->ended = none;
    }
    return has_made || has_ended;
}
