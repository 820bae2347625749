#include "scopes.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "../base/vec.h"
#include "scope_leaks.h"
#include "scope_stack.h"

static int out_of_memory(struct err *err)
{
    return err_set_errno(err, ENOMEM, "cannot count scopes");
}

static int take_marks(struct scopes_state *state, uint64_t before_ns, struct err *err)
{
    struct mark_row mark;
    int result;
    while ((result = mark_cursor_before(state->marks, before_ns, &mark, err)) > 0) {
        if (mark.is_begin && state->entry_count == 0) {
            result = scope_leaks_load(state, err);
        }
        if (result >= 0) {
            result =
                mark.is_begin ? scope_stack_begin(state, &mark) : scope_stack_end(state, &mark);
        }
        if (result < 0) {
            return result;
        }
    }
    return result;
}

static int note_site(struct scopes_state *state, uint32_t number, const struct block_facts *block)
{
    uint64_t key = (uint64_t)number << 32 | block->stack_id;
    uint32_t place;
    if (!map_get(&state->site_places, key, &place)) {
        place = (uint32_t)state->site_count;
        if (vec_reserve((void **)&state->sites, &state->site_capacity, state->site_count + 1,
                        sizeof(*state->sites)) < 0 ||
            map_put(&state->site_places, key, place) < 0) {
            return -ENOMEM;
        }
        state->sites[state->site_count++] =
            (struct scope_site){.number = number, .stack_id = block->stack_id};
    }
    state->sites[place].allocation_count++;
    state->sites[place].allocated_bytes += block->size_bytes;
    return 0;
}

static int note_birth(struct scopes_state *state, const struct block_facts *block)
{
    struct scope_thread *thread = scope_thread_find(state, block->thread_id);
    int result = 0;
    if (thread != NULL) {
        thread->last_id = block->id;
    }
    for (size_t i = 0; thread != NULL && i < thread->count && result == 0; i++) {
        struct open_scope *scope = &thread->scopes[i];
        scope->allocation_count++;
        scope->allocated_bytes += block->size_bytes;
        scope->live_count++;
        scope->live_bytes += block->size_bytes;
        scope->peak_bytes =
            scope->live_bytes > scope->peak_bytes ? scope->live_bytes : scope->peak_bytes;
        result = scope->is_repeated ? 0 : note_site(state, scope->number, block);
        result = result == 0 ? scope_leaks_note(state, scope, block) : result;
    }
    return result == 0 ? live_peaks_add(&state->peaks, block->size_bytes, state->open_count > 0)
                       : result;
}

/* Only what was born in a scope that is still open matters to it. */
static void note_death(struct scopes_state *state, const struct block_facts *block,
                       uint32_t by_thread_id)
{
    live_peaks_take(&state->peaks, block->size_bytes);
    struct scope_thread *thread = scope_thread_find(state, block->thread_id);
    for (size_t i = 0; thread != NULL && i < thread->count; i++) {
        struct open_scope *scope = &thread->scopes[i];
        if (block->born_ns >= scope->begins_ns && scope->live_count > 0) {
            scope->live_count--;
            scope->live_bytes -= block->size_bytes;
            scope->temporary_count +=
                block->id == thread->last_id && by_thread_id == block->thread_id;
        }
    }
}

static void note_free(const struct scopes_state *state, uint32_t thread_id)
{
    struct scope_thread *thread = scope_thread_find(state, thread_id);
    for (size_t i = 0; thread != NULL && i < thread->count; i++) {
        thread->scopes[i].free_count++;
    }
}

static int observe_scopes(void *context, const struct operation *operation, struct err *err)
{
    struct scopes_state *state = context;
    int result = take_marks(state, operation->at_ns, err);
    if (result == 0 && operation->kind != OPERATION_ALLOC) {
        note_free(state, operation->thread_id);
        note_death(state, &operation->ended, operation->thread_id);
    }
    if (result == 0 && operation->kind != OPERATION_FREE) {
        result = note_birth(state, &operation->made);
    }
    return result == -ENOMEM ? out_of_memory(err) : result;
}

/* ---- the answer --------------------------------------------------------------------------------
 */

static int compare_sums(const void *left, const void *right)
{
    const struct scope_sum *a = left;
    const struct scope_sum *b = right;
    if (a->allocation_count != b->allocation_count) {
        return a->allocation_count > b->allocation_count ? -1 : 1;
    }
    return strcmp(a->name, b->name);
}

static int measure_all(struct scopes_state *state)
{
    int result = 0;
    for (size_t i = 0; i < state->answer.count && result == 0; i++) {
        struct scope_sum *sum = &state->answer.sums[i];
        for (unsigned figure = 0; figure < SCOPE_FIGURE_COUNT && result == 0; figure++) {
            result = spread_measure(&state->spreads[i].figures[figure], &sum->figures[figure]);
        }
    }
    return result;
}

static int compare_sites(const void *left, const void *right)
{
    const struct scope_site *a = left;
    const struct scope_site *b = right;
    if (a->number != b->number) {
        return a->number < b->number ? -1 : 1;
    }
    if (a->allocation_count != b->allocation_count) {
        return a->allocation_count > b->allocation_count ? -1 : 1;
    }
    return (a->stack_id > b->stack_id) - (a->stack_id < b->stack_id);
}

/* While the sums still stand by number. */
static void hand_out_sites(struct scopes_state *state)
{
    if (state->site_count > 0) {
        qsort(state->sites, state->site_count, sizeof(*state->sites), compare_sites);
    }
    for (size_t i = state->site_count; i-- > 0;) {
        struct scope_sum *sum = &state->answer.sums[state->sites[i].number];
        sum->sites = &state->sites[i];
        sum->site_count++;
    }
}

/* Names that only ever ended have no entry. */
static void drop_empty_sums(struct scopes *answer)
{
    size_t kept = 0;
    for (size_t i = 0; i < answer->count; i++) {
        if (answer->sums[i].entry_count > 0) {
            answer->sums[kept++] = answer->sums[i];
        }
    }
    answer->count = kept;
}

static void free_spreads(struct scopes_state *state)
{
    for (size_t i = 0; i < state->answer.count && state->spreads != NULL; i++) {
        for (unsigned figure = 0; figure < SCOPE_FIGURE_COUNT; figure++) {
            spread_fini(&state->spreads[i].figures[figure]);
        }
    }
    free(state->spreads);
    state->spreads = NULL;
}

static int finish_scopes(void *context, struct err *err)
{
    struct scopes_state *state = context;
    int result = take_marks(state, UINT64_MAX, err);
    for (size_t i = 0; i < state->thread_count && result == 0; i++) {
        while (state->threads[i].count > 0 && result == 0) {
            result = scope_stack_pop(state, &state->threads[i], true);
        }
    }
    result = result == 0 ? measure_all(state) : result;
    free_spreads(state);
    hand_out_sites(state);
    scope_leaks_hand_out(state);
    drop_empty_sums(&state->answer);
    if (state->answer.count > 0) {
        qsort(state->answer.sums, state->answer.count, sizeof(*state->answer.sums), compare_sums);
    }
    return result == -ENOMEM ? out_of_memory(err) : result;
}

static void destroy_scopes(void *context)
{
    struct scopes_state *state = context;
    if (state == NULL) {
        return;
    }
    free_spreads(state);
    for (size_t i = 0; i < state->thread_count; i++) {
        free(state->threads[i].scopes);
    }
    free(state->answer.sums);
    free(state->threads);
    words_fini(&state->names);
    map_fini(&state->pairs);
    free(state->sites);
    free(state->leaks);
    map_fini(&state->leak_kinds);
    live_peaks_fini(&state->peaks);
    map_fini(&state->site_places);
    map_fini(&state->thread_places);
    mark_cursor_close(state->marks);
    free(state);
}

static int create_scopes(const struct trace *trace, uint32_t process_id, void **out_state,
                         struct err *err)
{
    struct scopes_state *state = calloc(1, sizeof(*state));
    if (state == NULL) {
        return out_of_memory(err);
    }
    state->trace = trace;
    state->process_id = process_id;
    int result = scope_marks_open(trace->db, process_id, &state->marks, err);
    if (result < 0) {
        destroy_scopes(state);
        return result;
    }
    *out_state = state;
    return 0;
}

const struct analysis scopes_analysis = {
    .create = create_scopes,
    .observe = observe_scopes,
    .finish = finish_scopes,
    .destroy = destroy_scopes,
};
