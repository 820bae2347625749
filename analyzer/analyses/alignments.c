#include "alignments.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>

struct alignments_state {
    struct alignments alignments;
    uint64_t peak_ns;
    bool is_past_peak;
    uint64_t live_count;
    uint64_t live_padding_bytes;
    uint64_t live_by_8_bytes;
};

static int create(const struct trace *trace, uint32_t process_id, void **out_state, struct err *err)
{
    struct alignments_state *state = calloc(1, sizeof(*state));
    const struct process_row *process = trace_process(trace, process_id);
    *out_state = state;
    if (state == NULL) {
        return err_set_errno(err, ENOMEM, "cannot tell what alignment costs");
    }
    state->peak_ns = process != NULL ? process->peak_ns : 0;
    return 0;
}

static void note_peak(struct alignments_state *state)
{
    state->is_past_peak = true;
    state->alignments.peak_count = state->live_count;
    state->alignments.peak_padding_bytes = state->live_padding_bytes;
    state->alignments.peak_by_8_bytes = state->live_by_8_bytes;
}

static uint64_t padding_of(const struct block_facts *block)
{
    return block->usable_bytes - block->size_bytes;
}

static uint64_t saved_by_8(const struct block_facts *block)
{
    return padding_of(block) >= 8 ? 8 : 0;
}

static void bear(struct alignments_state *state, const struct operation *operation)
{
    const struct block_facts *block = &operation->made;
    state->alignments.allocation_count++;
    state->live_count++;
    state->live_padding_bytes += padding_of(block);
    state->live_by_8_bytes += saved_by_8(block);
    if (operation->alignment != 0) {
        unsigned log2 = 63u - (unsigned)__builtin_clzll(operation->alignment);
        struct alignment_class *class = &state->alignments.asked[log2];
        class->allocation_count++;
        class->allocated_bytes += block->size_bytes;
        class->padding_bytes += padding_of(block);
    }
}

static void bury(struct alignments_state *state, const struct block_facts *block)
{
    state->live_count--;
    state->live_padding_bytes -= padding_of(block);
    state->live_by_8_bytes -= saved_by_8(block);
}

static int observe(void *context, const struct operation *operation, struct err *err)
{
    struct alignments_state *state = context;
    (void)err;
    if (!state->is_past_peak && operation->at_ns > state->peak_ns) {
        note_peak(state);
    }
    if (operation->kind != OPERATION_ALLOC) {
        bury(state, &operation->ended);
    }
    if (operation->kind != OPERATION_FREE) {
        bear(state, operation);
    }
    return 0;
}

static int finish(void *context, struct err *err)
{
    struct alignments_state *state = context;
    (void)err;
    if (!state->is_past_peak) {
        note_peak(state);
    }
    return 0;
}

const struct analysis alignments_analysis = {create, observe, finish, free};

const struct alignments *alignments_of(const void *state)
{
    return &((const struct alignments_state *)state)->alignments;
}
