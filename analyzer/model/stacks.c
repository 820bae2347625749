/*
 * The cache holds two things: each frame id's functions, and nothing else; stacks are walked up
 * anew, since a lookup by rowid costs about a microsecond.
 */
#include "stacks.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "../base/vec.h"
#include "../db/query_stack.h"
#include "wrappers.h"

enum {
    FRAME_BUCKETS = 4096,
    STACK_LIMIT = 65536,  /* deeper means a loop: the recorder keeps far fewer frames */
    INLINE_LIMIT = 65536, /* likewise for frames inlined into one another */
};

struct cached_frame {
    struct cached_frame *next;
    uint32_t frame_id;
    uint32_t inlined_by_id;
    struct stack_frame frame;
};

struct stacks {
    struct stack_lookup *lookup;
    struct db *db;
    struct cached_frame *buckets[FRAME_BUCKETS];
};

int stacks_create(struct db *db, struct stacks **out_stacks, struct err *err)
{
    struct stacks *stacks = calloc(1, sizeof(*stacks));
    if (stacks == NULL) {
        return err_set_errno(err, ENOMEM, "cannot read stacks");
    }
    int result = stack_lookup_create(db, &stacks->lookup, err);
    if (result < 0) {
        free(stacks);
        return result;
    }
    stacks->db = db;
    *out_stacks = stacks;
    return 0;
}

/* The copy's texts stand behind it in one block. */
static struct cached_frame *copy_frame(const struct frame_row *row)
{
    size_t function_bytes = strlen(row->function) + 1;
    size_t file_bytes = row->file != NULL ? strlen(row->file) + 1 : 0;
    size_t module_bytes = row->module != NULL ? strlen(row->module) + 1 : 0;
    struct cached_frame *cached =
        malloc(sizeof(*cached) + function_bytes + file_bytes + module_bytes);
    if (cached == NULL) {
        return NULL;
    }
    char *texts = (char *)(cached + 1);
    *cached = (struct cached_frame){
        .frame_id = row->id,
        .inlined_by_id = row->inlined_by_id,
        .frame = {.line = row->line, .is_inlined = row->inlined_by_id != 0},
    };
    cached->frame.function = memcpy(texts, row->function, function_bytes);
    if (file_bytes > 0) {
        cached->frame.file = memcpy(texts + function_bytes, row->file, file_bytes);
    }
    if (module_bytes > 0) {
        cached->frame.module =
            memcpy(texts + function_bytes + file_bytes, row->module, module_bytes);
    }
    return cached;
}

static int damaged(const struct stacks *stacks, const char *what, uint32_t id, struct err *err)
{
    return err_set(err, EBADMSG, "cannot read '%s': damaged: %s %u", db_path(stacks->db), what, id);
}

static int find_frame(struct stacks *stacks, uint32_t frame_id,
                      const struct cached_frame **out_frame, struct err *err)
{
    struct cached_frame **bucket = &stacks->buckets[frame_id % FRAME_BUCKETS];
    for (const struct cached_frame *frame = *bucket; frame != NULL; frame = frame->next) {
        if (frame->frame_id == frame_id) {
            *out_frame = frame;
            return 0;
        }
    }
    struct frame_row row;
    int result = stack_lookup_frame(stacks->lookup, frame_id, &row, err);
    if (result == 0) {
        return damaged(stacks, "a stack has a frame that is missing:", frame_id, err);
    }
    if (result < 0) {
        return result;
    }
    struct cached_frame *frame = copy_frame(&row);
    if (frame == NULL) {
        return err_set_errno(err, ENOMEM, "cannot read stacks");
    }
    frame->next = *bucket;
    *bucket = frame;
    *out_frame = frame;
    return 0;
}

/* Appends the functions at one address, innermost first. */
static int append_frame(struct stacks *stacks, uint32_t frame_id, struct call_stack *stack,
                        size_t *capacity, struct err *err)
{
    uint32_t next_id = frame_id;
    for (unsigned level = 0; next_id != 0; level++) {
        const struct cached_frame *frame = NULL;
        int result = find_frame(stacks, next_id, &frame, err);
        if (result < 0) {
            return result;
        }
        if (level == INLINE_LIMIT) {
            return damaged(stacks, "frames inlined in a circle at frame", frame_id, err);
        }
        result = vec_reserve((void **)&stack->frames, capacity, stack->count + 1,
                             sizeof(*stack->frames));
        if (result < 0) {
            return err_set_errno(err, -result, "cannot read stacks");
        }
        stack->frames[stack->count++] = &frame->frame;
        next_id = frame->inlined_by_id;
    }
    return 0;
}

/* Where everything is a wrapper, the outermost says more than malloc would. */
static size_t find_shown(const struct call_stack *stack)
{
    for (size_t i = 0; i < stack->count; i++) {
        if (!wrapper_is_allocator(stack->frames[i]->function)) {
            return i;
        }
    }
    return stack->count > 0 ? stack->count - 1 : 0;
}

int stacks_expand(struct stacks *stacks, uint32_t stack_id, struct call_stack *out_stack,
                  struct err *err)
{
    struct call_stack stack = {0};
    size_t capacity = 0;
    uint32_t next_id = stack_id;
    int result = 0;
    for (unsigned depth = 0; next_id != 0 && result == 0; depth++) {
        struct stack_row row;
        result = stack_lookup_stack(stacks->lookup, next_id, &row, err);
        if (result == 0 && depth == 0) {
            result = err_set(err, ENOENT, "there is no stack %u", stack_id);
        } else if (result == 0 || depth == STACK_LIMIT) {
            result = damaged(stacks, "no way to the root from stack", stack_id, err);
        }
        if (result < 0) {
            break;
        }
        stack.is_cut = row.frame_id == FRAME_CUT;
        result = stack.is_cut ? 0 : append_frame(stacks, row.frame_id, &stack, &capacity, err);
        next_id = row.parent_id;
    }
    if (result < 0) {
        call_stack_fini(&stack);
        return result;
    }
    stack.shown_index = find_shown(&stack);
    *out_stack = stack;
    return 0;
}

int stacks_expand_frame(struct stacks *stacks, uint32_t frame_id, struct call_stack *out_stack,
                        struct err *err)
{
    struct call_stack stack = {.is_cut = frame_id == FRAME_CUT};
    size_t capacity = 0;
    int result = append_frame(stacks, frame_id, &stack, &capacity, err);
    if (result < 0) {
        call_stack_fini(&stack);
        return result;
    }
    stack.shown_index = find_shown(&stack);
    *out_stack = stack;
    return 0;
}

const struct stack_frame *call_stack_shown(const struct call_stack *stack)
{
    return stack->count > 0 ? stack->frames[stack->shown_index] : NULL;
}

void call_stack_fini(struct call_stack *stack)
{
    free(stack->frames);
    *stack = (struct call_stack){0};
}

void stacks_destroy(struct stacks *stacks)
{
    if (stacks == NULL) {
        return;
    }
    for (size_t i = 0; i < FRAME_BUCKETS; i++) {
        struct cached_frame *frame = stacks->buckets[i];
        while (frame != NULL) {
            struct cached_frame *next = frame->next;
            free(frame);
            frame = next;
        }
    }
    stack_lookup_destroy(stacks->lookup);
    free(stacks);
}
