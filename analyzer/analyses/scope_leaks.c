#include "scope_leaks.h"

#include <errno.h>
#include <stdlib.h>

#include "../base/vec.h"
#include "../db/query_leak.h"

static int take_block(void *context, uint64_t id, enum leak_kind kind)
{
    return map_put(&((struct scopes_state *)context)->leak_kinds, id, kind);
}

int scope_leaks_load(struct scopes_state *state, struct err *err)
{
    return query_leaked_blocks(state->trace->db, state->process_id, take_block, state, err);
}

int scope_leaks_note(struct scopes_state *state, const struct open_scope *scope,
                     const struct block_facts *block)
{
    uint32_t kind = LEAK_UNKNOWN;
    if (!map_get(&state->leak_kinds, block->id, &kind)) {
        return 0;
    }
    if (vec_reserve((void **)&state->leaks, &state->leak_capacity, state->leak_count + 1,
                    sizeof(*state->leaks)) < 0) {
        return -ENOMEM;
    }
    state->leaks[state->leak_count++] = (struct scope_leak){
        .entry = scope->entry,
        .size_bytes = block->size_bytes,
        .number = scope->number,
        .stack_id = block->stack_id,
        .kind = (enum leak_kind)kind,
        .is_repeated = scope->is_repeated,
    };
    return 0;
}

static int compare_leaks(const void *left, const void *right)
{
    const struct scope_leak *a = left;
    const struct scope_leak *b = right;
    if (a->number != b->number) {
        return a->number < b->number ? -1 : 1;
    }
    if (a->entry != b->entry) {
        return a->entry < b->entry ? -1 : 1;
    }
    return (a->stack_id > b->stack_id) - (a->stack_id < b->stack_id);
}

void scope_leaks_hand_out(struct scopes_state *state)
{
    if (state->leak_count > 0) {
        qsort(state->leaks, state->leak_count, sizeof(*state->leaks), compare_leaks);
    }
    for (size_t i = state->leak_count; i-- > 0;) {
        const struct scope_leak *leak = &state->leaks[i];
        struct scope_sum *sum = &state->answer.sums[leak->number];
        sum->leaks = leak;
        sum->leak_count++;
        if (!leak->is_repeated) {
            sum->leaked_count[leak->kind]++;
            sum->leaked_bytes[leak->kind] += leak->size_bytes;
        }
    }
}
