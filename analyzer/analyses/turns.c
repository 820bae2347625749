#include "turns.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "../db/query_block.h"
#include "turn_nodes.h"
#include "turn_trial.h"

struct search {
    const struct trace *trace;
    uint32_t process_id;
    uint32_t thread_id;
    struct stack_tree *tree;
    struct turn_nodes nodes;
    struct turn_level levels[TURN_LEVELS_MAX];
    size_t level_count;
    struct turn_trials trials[TURN_LEVELS_MAX];
    size_t trials_count; /* begun */
};

static uint32_t busiest_thread(const struct trace *trace, uint32_t process_id)
{
    const struct thread_row *busiest = NULL;
    for (size_t i = 0; i < trace->thread_count; i++) {
        const struct thread_row *thread = &trace->threads[i];
        if (thread->process_id == process_id &&
            (busiest == NULL || thread->allocation_count > busiest->allocation_count)) {
            busiest = thread;
        }
    }
    return busiest != NULL ? busiest->id : 0;
}

static void note_node(struct search *search, size_t place, uint64_t at_ns)
{
    turn_nodes_note(&search->nodes, place, at_ns);
}

static void note_trials(struct search *search, size_t place, uint64_t at_ns)
{
    for (size_t i = 0; i < search->level_count; i++) {
        turn_trials_note(&search->trials[i], place, at_ns);
    }
}

/* Hands over each allocation of the thread. */
static int read_calls(struct search *search,
                      void (*note)(struct search *search, size_t place, uint64_t at_ns),
                      struct err *err)
{
    struct block_cursor *births = NULL;
    struct block_birth birth;
    int result = block_births_open(search->trace->db, search->process_id, &births, err);
    while (result == 0 && (result = block_cursor_birth(births, &birth, err)) > 0) {
        result = 0;
        size_t place = birth.block.thread_id == search->thread_id
                           ? stack_tree_find(search->tree, birth.block.stack_id)
                           : STACK_TREE_NONE;
        if (place != STACK_TREE_NONE) {
            note(search, place, birth.block.born_ns);
        }
    }
    block_cursor_close(births);
    return result;
}

static struct turn_figures figures_of(const struct histogram *histogram)
{
    return (struct turn_figures){
        .p10 = histogram_quantile(histogram, 0.1),
        .p50 = histogram_quantile(histogram, 0.5),
        .p90 = histogram_quantile(histogram, 0.9),
    };
}

/* The stack one frame longer through which most is allocated. */
static uint32_t find_callee(const struct search *search, size_t caller)
{
    size_t best = STACK_TREE_NONE;
    for (size_t place = caller + 1; place < stack_tree_count(search->tree); place++) {
        uint64_t calls = search->nodes.call_counts[place];
        if (stack_tree_parent(search->tree, place) == caller && calls > 0 &&
            (best == STACK_TREE_NONE || calls > search->nodes.call_counts[best])) {
            best = place;
        }
    }
    return best == STACK_TREE_NONE ? 0 : stack_tree_stack_id(search->tree, best);
}

static void add_step(const struct search *search, const struct turn_trials *trials,
                     const struct turn_trial *trial, size_t kid, struct turns *turns)
{
    size_t place = trials->level->kids[kid];
    turns->steps[turns->step_count++] = (struct turn_step){
        .stack_id = stack_tree_stack_id(search->tree, place),
        .callee_id = find_callee(search, place),
        .turn_count = trial->turns_with[kid],
        .allocation_count = trials->kid_calls[kid],
    };
}

static int compare_steps(const void *left, const void *right)
{
    const struct turn_step *a = left;
    const struct turn_step *b = right;
    if (a->turn_count != b->turn_count) {
        return a->turn_count > b->turn_count ? -1 : 1;
    }
    return (a->stack_id > b->stack_id) - (a->stack_id < b->stack_id);
}

static void tell(const struct search *search, const struct turn_trials *trials,
                 const struct turn_trial *trial, struct turns *turns)
{
    turns->thread_id = search->thread_id;
    turns->turn_count = trial->turn_count + 1; /* the last ends with the thread, or the loop */
    turns->thread_allocation_count = search->nodes.call_count;
    turns->allocation_count = trial->allocation_count;
    turns->evenness = turn_trial_evenness(trial);
    turns->duration_ns = figures_of(&trial->durations_ns);
    turns->allocations = figures_of(&trial->allocations);
    add_step(search, trials, trial, trial->kid, turns);
    for (size_t kid = 0; kid < trials->level->kid_count && turns->step_count < TURN_STEPS_MAX;
         kid++) {
        if (kid != trial->kid && trial->turns_with[kid] > 0) {
            add_step(search, trials, trial, kid, turns);
        }
    }
    qsort(turns->steps + 1, turns->step_count - 1, sizeof(*turns->steps), compare_steps);
}

/* Where a level looks like a loop but may be chance, what lies further in is at best a part. */
static void choose(const struct search *search, struct turns *turns)
{
    bool is_loop = false;
    for (size_t i = 0; i < search->level_count && !is_loop; i++) {
        const struct turn_trial *trial =
            turn_trials_choose(&search->trials[i], &search->nodes, &is_loop);
        if (trial != NULL) {
            tell(search, &search->trials[i], trial, turns);
        }
    }
}

static int find(struct search *search, struct turns *turns, struct err *err)
{
    int result = stack_tree_load(search->trace->db, &search->tree, err);
    if (result < 0) {
        return result;
    }
    if (turn_nodes_init(&search->nodes, search->tree) < 0) {
        return err_set_errno(err, ENOMEM, "cannot look for turns");
    }
    result = read_calls(search, note_node, err);
    if (result < 0) {
        return result;
    }
    result = turn_nodes_find_levels(&search->nodes, search->levels, &search->level_count);
    for (; result == 0 && search->trials_count < search->level_count; search->trials_count++) {
        size_t i = search->trials_count;
        result = turn_trials_init(&search->trials[i], &search->levels[i]);
    }
    if (result < 0) {
        return err_set_errno(err, ENOMEM, "cannot look for turns");
    }
    if (search->level_count > 0) {
        result = read_calls(search, note_trials, err);
    }
    if (result == 0) {
        choose(search, turns);
    }
    return result;
}

int turns_find(const struct trace *trace, uint32_t process_id, struct turns *out_turns,
               struct err *err)
{
    memset(out_turns, 0, sizeof(*out_turns));
    struct search *search = calloc(1, sizeof(*search));
    if (search == NULL) {
        return err_set_errno(err, ENOMEM, "cannot look for turns");
    }
    search->trace = trace;
    search->process_id = process_id;
    search->thread_id = busiest_thread(trace, process_id);
    int result = find(search, out_turns, err);
    for (size_t i = 0; i < search->trials_count; i++) {
        turn_trials_fini(&search->trials[i]);
    }
    for (size_t i = 0; i < TURN_LEVELS_MAX; i++) {
        free(search->levels[i].kid_of);
    }
    turn_nodes_fini(&search->nodes);
    stack_tree_destroy(search->tree);
    free(search);
    return result;
}
