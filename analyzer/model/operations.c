/*
 * Three cursors. Births come sorted; deaths and links come by id. Merging the last two tells which
 * deaths are the first half of a realloc, which the birth of the new block stands for.
 */
#include "operations.h"

#include <errno.h>
#include <stdlib.h>

struct operations {
    struct block_cursor *births;
    struct block_cursor *deaths;
    struct block_cursor *links;
    struct block_cursor *finder; /* of blocks that a realloc ended */
    struct block_birth birth;    /* the next of each, if there is one */
    struct block_death death;
    uint64_t link;
    int has_birth; /* 0: no more */
    int has_death;
    int has_link;
    bool is_begun;
    uint64_t now_ns;
};

int operations_open(struct db *db, uint32_t process_id, struct operations **out_operations,
                    struct err *err)
{
    struct operations *operations = calloc(1, sizeof(*operations));
    if (operations == NULL) {
        return err_set_errno(err, ENOMEM, "cannot read '%s'", db_path(db));
    }
    int result = block_births_open(db, process_id, &operations->births, err);
    if (result == 0) {
        result = block_deaths_open(db, process_id, &operations->deaths, err);
    }
    if (result == 0) {
        result = block_links_open(db, &operations->links, err);
    }
    if (result == 0) {
        result = block_finder_open(db, &operations->finder, err);
    }
    if (result < 0) {
        operations_close(operations);
        return result;
    }
    *out_operations = operations;
    return 0;
}

static int next_birth(struct operations *operations, struct err *err)
{
    operations->has_birth = block_cursor_birth(operations->births, &operations->birth, err);
    return operations->has_birth;
}

/* True if a later block continues the one that has just died. */
static int find_link(struct operations *operations, bool *out_is_linked, struct err *err)
{
    while (operations->has_link > 0 && operations->link < operations->death.block.id) {
        operations->has_link = block_cursor_link(operations->links, &operations->link, err);
    }
    *out_is_linked = operations->has_link > 0 && operations->link == operations->death.block.id;
    return operations->has_link;
}

/* The next death that is a call of its own. */
static int next_death(struct operations *operations, struct err *err)
{
    bool is_linked = true;
    while (is_linked) {
        operations->has_death = block_cursor_death(operations->deaths, &operations->death, err);
        if (operations->has_death <= 0) {
            return operations->has_death;
        }
        int result = find_link(operations, &is_linked, err);
        if (result < 0) {
            return result;
        }
    }
    return operations->has_death;
}

static int begin(struct operations *operations, struct err *err)
{
    operations->is_begun = true;
    operations->has_link = block_cursor_link(operations->links, &operations->link, err);
    if (operations->has_link < 0) {
        return operations->has_link;
    }
    int result = next_birth(operations, err);
    return result < 0 ? result : next_death(operations, err);
}

static bool is_birth_next(const struct operations *operations)
{
    const struct block_birth *birth = &operations->birth;
    const struct block_death *death = &operations->death;
    if (operations->has_birth == 0 || operations->has_death == 0) {
        return operations->has_birth != 0;
    }
    if (birth->block.born_ns != death->died_ns) {
        return birth->block.born_ns < death->died_ns;
    }
    return death->block.born_ns == death->died_ns && birth->block.id <= death->block.id;
}

/* Two processors' clocks may differ by a little, and rows stand as the calls were paired. */
static uint64_t forward(struct operations *operations, uint64_t at_ns)
{
    operations->now_ns = at_ns > operations->now_ns ? at_ns : operations->now_ns;
    return operations->now_ns;
}

static int take_birth(struct operations *operations, struct operation *operation, struct err *err)
{
    const struct block_birth *birth = &operations->birth;
    *operation = (struct operation){
        .kind = birth->realloc_of_id != 0 ? OPERATION_REALLOC : OPERATION_ALLOC,
        .alloc_kind = birth->kind,
        .at_ns = forward(operations, birth->block.born_ns),
        .made = birth->block,
        .alignment = birth->alignment,
        .thread_id = birth->block.thread_id,
        .is_zeroed = birth->kind == ALLOC_KIND_CALLOC,
    };
    if (birth->realloc_of_id != 0) {
        operation->ended.id = birth->realloc_of_id;
        int result =
            block_cursor_find(operations->finder, birth->realloc_of_id, &operation->ended, err);
        if (result < 0) {
            return result;
        }
    }
    return next_birth(operations, err);
}

static int take_death(struct operations *operations, struct operation *operation, struct err *err)
{
    const struct block_death *death = &operations->death;
    *operation = (struct operation){
        .kind = OPERATION_FREE,
        .at_ns = forward(operations, death->died_ns),
        .ended = death->block,
        .thread_id = death->thread_id,
    };
    return next_death(operations, err);
}

int operations_next(struct operations *operations, struct operation *out_operation, struct err *err)
{
    int result = operations->is_begun ? 0 : begin(operations, err);
    if (result < 0) {
        return result;
    }
    if (operations->has_birth == 0 && operations->has_death == 0) {
        return 0;
    }
    struct operation operation;
    result = is_birth_next(operations) ? take_birth(operations, &operation, err)
                                       : take_death(operations, &operation, err);
    if (result < 0) {
        return result;
    }
    *out_operation = operation;
    return 1;
}

void operations_close(struct operations *operations)
{
    if (operations != NULL) {
        block_cursor_close(operations->births);
        block_cursor_close(operations->deaths);
        block_cursor_close(operations->links);
        block_cursor_close(operations->finder);
        free(operations);
    }
}
