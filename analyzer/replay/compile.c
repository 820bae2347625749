#include "compile.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "../db/query_mark.h"
#include "../model/operations.h"
#include "object_slots.h"
#include "ordering.h"

enum {
    WATCH_STEP = 1 << 16,
};

struct compile {
    const struct trace *trace;
    const struct compile_settings *settings;
    struct script_writer *writer;
    struct ordering ordering;
    struct object_slots slots;
    struct live_objects reserved; /* see neutral.h */
    struct mark_cursor *marks;    /* NULL: there are no frame arenas */
    uint64_t done_count;
    uint64_t live_bytes;
    struct script_head head;
};

static int damaged(const struct compile *compile, uint64_t object_id, const char *what,
                   struct err *err)
{
    return err_set(err, EBADMSG, "cannot replay '%s': damaged: block %" PRIu64 " %s",
                   db_path(compile->trace->db), object_id, what);
}

static int failed_slot(const struct compile *compile, int result, uint64_t object_id,
                       struct err *err)
{
    return result == -EEXIST ? damaged(compile, object_id, "is born twice", err)
                             : err_set_errno(err, -result, "cannot replay");
}

/* The object in the slot is there from here on, made by `stream`. */
static void note_birth(struct compile *compile, uint32_t place, uint32_t stream,
                       uint64_t size_bytes)
{
    struct script_head *head = &compile->head;
    struct slot *slot = &compile->slots.items[place];
    slot->size_bytes = size_bytes;
    slot->thread = stream;
    slot->record = script_writer_count(compile->writer, stream);
    compile->live_bytes += size_bytes;
    head->allocated_bytes += size_bytes;
    if (compile->live_bytes > head->peak_bytes) {
        head->peak_bytes = compile->live_bytes;
        head->peak_record = compile->ordering.record_count;
    }
}

static bool is_in_arena(const struct compile *compile, const struct block_facts *block)
{
    const struct frame_arena *arena = compile->settings->arena;
    uint32_t value;
    return arena != NULL && map_get(&arena->stacks, block->stack_id, &value);
}

/* Of threads that have made no call yet there is no arena. */
static int end_frames(struct compile *compile, uint64_t before_ns, struct err *err)
{
    const struct script_record record = {.code = SCRIPT_FRAME};
    struct mark_row mark;
    uint32_t stream;
    int result;
    while ((result = mark_cursor_before(compile->marks, before_ns, &mark, err)) > 0) {
        if (strcmp(mark.name, compile->settings->arena->series_name) == 0 &&
            map_get(&compile->ordering.thread_index, mark.thread_id, &stream) &&
            (result = ordering_add(&compile->ordering, stream, &record, err)) < 0) {
            break;
        }
    }
    return result;
}

static uint8_t log2_of(uint64_t alignment)
{
    return alignment > 1 ? (uint8_t)(63 - __builtin_clzll(alignment)) : 0;
}

static int add_alloc(struct compile *compile, uint32_t stream, const struct operation *operation,
                     struct err *err)
{
    struct script_record record = {.value = operation->made.size_bytes, .code = SCRIPT_MALLOC};
    int result = object_slots_take(&compile->slots, operation->made.id, stream, &record.slot);
    record.arenas = is_in_arena(compile, &operation->made) ? SCRIPT_ARENA_NEW : 0;
    if (result < 0) {
        return failed_slot(compile, result, operation->made.id, err);
    }
    if (operation->alignment > 1) {
        record.code = SCRIPT_ALIGNED;
        record.alignment_log2 = log2_of(operation->alignment);
    } else if (operation->is_zeroed) {
        record.code = SCRIPT_CALLOC;
    }
    result = ordering_add(&compile->ordering, stream, &record, err);
    compile->head.alloc_count++;
    note_birth(compile, record.slot, stream, operation->made.size_bytes);
    return result;
}

/* The slot of a block that is to be freed or realloc'ed, after waiting for who made it. */
static int receive(struct compile *compile, uint32_t stream, uint64_t object_id, uint32_t *out_slot,
                   struct err *err)
{
    if (object_slots_find(&compile->slots, object_id, out_slot) < 0) {
        return damaged(compile, object_id, "ends but does not live", err);
    }
    const struct slot *slot = &compile->slots.items[*out_slot];
    if (slot->thread == stream) {
        return 0;
    }
    compile->head.handoff_count++;
    return ordering_wait(&compile->ordering, stream, slot->thread, slot->record, err);
}

static int add_realloc(struct compile *compile, uint32_t stream, const struct operation *operation,
                       struct err *err)
{
    struct script_record record = {.value = operation->made.size_bytes, .code = SCRIPT_REALLOC};
    int result = receive(compile, stream, operation->ended.id, &record.slot, err);
    if (result < 0) {
        return result;
    }
    record.arenas = is_in_arena(compile, &operation->made) ? SCRIPT_ARENA_NEW : 0;
    record.arenas |= is_in_arena(compile, &operation->ended) ? SCRIPT_ARENA_OLD : 0;
    result = object_slots_rename(&compile->slots, record.slot, operation->made.id);
    if (result < 0) {
        return failed_slot(compile, result, operation->made.id, err);
    }
    result = ordering_add(&compile->ordering, stream, &record, err);
    compile->live_bytes -= compile->slots.items[record.slot].size_bytes;
    compile->head.realloc_count++;
    note_birth(compile, record.slot, stream, operation->made.size_bytes);
    return result;
}

static int add_free(struct compile *compile, uint32_t stream, const struct operation *operation,
                    struct err *err)
{
    struct script_record record = {.code = SCRIPT_FREE};
    int result = receive(compile, stream, operation->ended.id, &record.slot, err);
    if (result < 0) {
        return result;
    }
    record.arenas = is_in_arena(compile, &operation->ended) ? SCRIPT_ARENA_OLD : 0;
    compile->live_bytes -= compile->slots.items[record.slot].size_bytes;
    object_slots_give(&compile->slots, record.slot, stream);
    compile->head.free_count++;
    return ordering_add(&compile->ordering, stream, &record, err);
}

/* The block stays where a realloc was. */
static int add_kept(struct compile *compile, uint32_t stream, const struct operation *operation,
                    struct err *err)
{
    struct script_record record = {.value = operation->made.size_bytes, .code = SCRIPT_KEEP};
    int result = receive(compile, stream, operation->ended.id, &record.slot, err);
    return result < 0 ? result : ordering_add(&compile->ordering, stream, &record, err);
}

static int add_operation(struct compile *compile, const struct operation *operation, bool is_kept,
                         struct err *err)
{
    const struct compile_settings *settings = compile->settings;
    uint32_t stream;
    int result = ordering_enter(&compile->ordering, operation, &stream, err);
    if (result < 0) {
        return result;
    }
    compile->head.began_ns = compile->ordering.began_ns;
    compile->head.duration_ns = operation->at_ns - compile->ordering.began_ns;
    if (compile->done_count++ % WATCH_STEP == 0 && settings->watcher != NULL) {
        settings->watcher(settings->context, compile->done_count);
    }
    if (is_kept) {
        return add_kept(compile, stream, operation, err);
    }
    switch (operation->kind) {
    case OPERATION_ALLOC:
        return add_alloc(compile, stream, operation, err);
    case OPERATION_REALLOC:
        return add_realloc(compile, stream, operation, err);
    default:
        return add_free(compile, stream, operation, err);
    }
}

static int add_all(struct compile *compile, struct err *err)
{
    struct operations *operations = NULL;
    struct operation operation;
    int result =
        operations_open(compile->trace->db, compile->settings->process_id, &operations, err);
    if (result < 0) {
        return result;
    }
    const struct neutral *neutral = compile->settings->neutral;
    while ((result = operations_next(operations, &operation, err)) > 0) {
        int rest = NEUTRAL_STAYS;
        if (compile->marks != NULL && (result = end_frames(compile, operation.at_ns, err)) < 0) {
            break;
        }
        if (neutral != NULL) {
            rest = neutral_apply(neutral, compile->trace, &compile->reserved, &operation);
        }
        if (rest == NEUTRAL_GONE) {
            continue;
        }
        result = rest < 0 ? err_set_errno(err, -rest, "cannot replay")
                          : add_operation(compile, &operation, rest == NEUTRAL_KEPT, err);
        if (result < 0) {
            break;
        }
    }
    operations_close(operations);
    if (result == 0 && compile->done_count == 0) {
        result = err_set(err, ENODATA, "cannot replay '%s': the process made no allocation",
                         db_path(compile->trace->db));
    }
    return result;
}

static uint32_t count_threads(const struct trace *trace, uint32_t process_id)
{
    uint32_t count = 0;
    for (size_t i = 0; i < trace->thread_count; i++) {
        count += trace->threads[i].process_id == process_id;
    }
    return count;
}

static int begin(struct compile *compile, struct err *err)
{
    const struct compile_settings *settings = compile->settings;
    uint32_t thread_count = count_threads(compile->trace, settings->process_id);
    if (ordering_init(&compile->ordering, compile->trace, settings->process_id, thread_count) < 0 ||
        object_slots_init(&compile->slots, thread_count) < 0) {
        return err_set_errno(err, ENOMEM, "cannot replay");
    }
    int result = script_writer_create(settings->folder, thread_count, &compile->writer, err);
    compile->ordering.writer = compile->writer;
    if (result == 0 && settings->arena != NULL) {
        compile->head.arena_chunk_bytes = settings->arena->chunk_bytes;
        compile->head.arena_spare_count = settings->arena->spare_count;
        result = frame_marks_open(compile->trace->db, settings->process_id, &compile->marks, err);
    }
    return result;
}

static int finish(struct compile *compile, struct err *err)
{
    struct script_head *head = &compile->head;
    head->slot_count = compile->slots.count;
    head->began_count = compile->ordering.begun_count;
    head->start_count = compile->ordering.start_count;
    head->join_count = compile->ordering.join_count;
    return script_writer_finish(compile->writer, head, err);
}

int compile_process(const struct trace *trace, const struct compile_settings *settings,
                    struct script_head *out_head, struct err *err)
{
    struct compile compile = {.trace = trace, .settings = settings};
    int result = begin(&compile, err);
    if (result == 0) {
        result = add_all(&compile, err);
    }
    if (result == 0) {
        result = finish(&compile, err); /* a file descriptor */
    }
    if (result >= 0) {
        *out_head = compile.head;
    }
    mark_cursor_close(compile.marks);
    script_writer_destroy(compile.writer);
    object_slots_fini(&compile.slots);
    live_objects_fini(&compile.reserved);
    ordering_fini(&compile.ordering);
    return result;
}
