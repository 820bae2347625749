#include "scope_stack.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "../base/vec.h"

static int number_of(struct scopes_state *state, const char *name, uint32_t *out_number)
{
    struct scopes *answer = &state->answer;
    size_t count = answer->count;
    if (vec_reserve((void **)&answer->sums, &state->sum_capacity, count + 1,
                    sizeof(*answer->sums)) < 0 ||
        vec_reserve((void **)&state->spreads, &state->spread_capacity, count + 1,
                    sizeof(*state->spreads)) < 0 ||
        words_number(&state->names, name, SIZE_MAX, out_number) < 0) {
        return -ENOMEM;
    }
    if (*out_number == count) {
        answer->sums[count] = (struct scope_sum){.name = state->names.items[count]};
        state->spreads[count] = (struct scope_spreads){.figures = {{.value_count = 0}}};
        answer->count++;
    }
    return 0;
}

struct scope_thread *scope_thread_find(const struct scopes_state *state, uint32_t thread_id)
{
    uint32_t place;
    return map_get(&state->thread_places, thread_id, &place) ? &state->threads[place] : NULL;
}

static struct scope_thread *reach_thread(struct scopes_state *state, uint32_t thread_id)
{
    struct scope_thread *thread = scope_thread_find(state, thread_id);
    if (thread != NULL) {
        return thread;
    }
    if (vec_reserve((void **)&state->threads, &state->thread_capacity, state->thread_count + 1,
                    sizeof(*state->threads)) < 0 ||
        map_put(&state->thread_places, thread_id, (uint32_t)state->thread_count) < 0) {
        return NULL;
    }
    thread = &state->threads[state->thread_count++];
    *thread = (struct scope_thread){.count = 0};
    return thread;
}

static bool is_open(const struct scope_thread *thread, uint32_t number)
{
    for (size_t i = 0; i < thread->count; i++) {
        if (thread->scopes[i].number == number) {
            return true;
        }
    }
    return false;
}

int scope_stack_begin(struct scopes_state *state, const struct mark_row *mark)
{
    uint32_t number;
    struct scope_thread *thread = reach_thread(state, mark->thread_id);
    if (thread == NULL || number_of(state, mark->name, &number) < 0 ||
        vec_reserve((void **)&thread->scopes, &thread->capacity, thread->count + 1,
                    sizeof(*thread->scopes)) < 0) {
        return -ENOMEM;
    }
    uint64_t pair = (uint64_t)number << 32 | mark->thread_id;
    uint32_t is_seen = 0;
    if (!map_get(&state->pairs, pair, &is_seen)) {
        state->answer.sums[number].thread_count++;
    }
    struct open_scope *scope = &thread->scopes[thread->count];
    *scope = (struct open_scope){
        .number = number,
        .is_repeated = is_open(thread, number),
        .begins_ns = mark->at_ns + 1,
        .entry = state->entry_count++,
    };
    thread->count++;
    state->open_count++;
    int result = live_peaks_begin(&state->peaks, &scope->moment);
    return result == 0 ? map_put(&state->pairs, pair, 1) : result;
}

static int add_entry(struct scope_spreads *spreads, const struct open_scope *scope,
                     uint64_t process_peak_bytes)
{
    const uint64_t values[SCOPE_FIGURE_COUNT] = {
        [SCOPE_ALLOCATION_COUNT] = scope->allocation_count,
        [SCOPE_ALLOCATED_BYTES] = scope->allocated_bytes,
        [SCOPE_PEAK_BYTES] = scope->peak_bytes,
        [SCOPE_SURVIVOR_COUNT] = scope->live_count,
        [SCOPE_SURVIVOR_BYTES] = scope->live_bytes,
        [SCOPE_TEMPORARY_COUNT] = scope->temporary_count,
        [SCOPE_PROCESS_PEAK_BYTES] = process_peak_bytes,
    };
    int result = 0;
    for (unsigned i = 0; i < SCOPE_FIGURE_COUNT && result == 0; i++) {
        result = spread_add(&spreads->figures[i], values[i]);
    }
    return result;
}

/* The innermost scope of the thread. */
int scope_stack_pop(struct scopes_state *state, struct scope_thread *thread, bool is_unended)
{
    const struct open_scope *scope = &thread->scopes[--thread->count];
    struct scope_sum *sum = &state->answer.sums[scope->number];
    sum->entry_count++;
    sum->unended_count += is_unended;
    sum->own_allocation_count += scope->allocation_count - scope->inner_allocation_count;
    sum->own_allocated_bytes += scope->allocated_bytes - scope->inner_allocated_bytes;
    if (!scope->is_repeated) {
        sum->allocation_count += scope->allocation_count;
        sum->free_count += scope->free_count;
        sum->allocated_bytes += scope->allocated_bytes;
        sum->survivor_count += scope->live_count;
        sum->survivor_bytes += scope->live_bytes;
    }
    if (thread->count > 0) {
        struct open_scope *outer = &thread->scopes[thread->count - 1];
        outer->inner_allocation_count += scope->allocation_count;
        outer->inner_allocated_bytes += scope->allocated_bytes;
    }
    uint64_t process_peak_bytes = live_peaks_since(&state->peaks, scope->moment);
    if (--state->open_count == 0) {
        live_peaks_forget(&state->peaks);
    }
    return add_entry(&state->spreads[scope->number], scope, process_peak_bytes);
}

int scope_stack_end(struct scopes_state *state, const struct mark_row *mark)
{
    uint32_t number;
    struct scope_thread *thread = scope_thread_find(state, mark->thread_id);
    if (number_of(state, mark->name, &number) < 0) {
        return -ENOMEM;
    }
    if (thread == NULL || !is_open(thread, number)) {
        state->answer.unmatched_end_count++;
        return 0;
    }
    int result = 0;
    bool is_found = false;
    while (result == 0 && !is_found) {
        is_found = thread->scopes[thread->count - 1].number == number;
        result = scope_stack_pop(state, thread, !is_found);
    }
    return result;
}
