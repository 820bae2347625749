#include "ordering.h"

#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdlib.h>

#define NO_THREAD UINT32_MAX

struct ordering_thread {
    uint64_t ended_ns;     /* of its last event, as recorded */
    uint64_t told_ns;      /* the last time in its stream; UINT64_MAX: none */
    uint64_t next_join_ns; /* when the first of its running children ends */
    uint32_t first_child;
    uint32_t next_sibling;
    uint64_t window;         /* in which it was last seen */
    uint64_t mark;           /* its records at the end of the window before the current one */
    uint64_t old_mark;       /* and of the one before that */
    uint64_t changed_window; /* in which old_mark last rose */
    bool is_over;            /* and a later thread begins behind it */
};

int ordering_init(struct ordering *ordering, const struct trace *trace, uint32_t process_id,
                  uint32_t thread_limit)
{
    *ordering = (struct ordering){
        .trace = trace,
        .process_id = process_id,
        .thread_limit = thread_limit,
        .last_thread = NO_THREAD,
        .began_ns = UINT64_MAX,
    };
    ordering->threads = calloc((size_t)thread_limit + 1, sizeof(*ordering->threads));
    return ordering->threads != NULL ? 0 : -ENOMEM;
}

int ordering_add(struct ordering *ordering, uint32_t stream, const struct script_record *record,
                 struct err *err)
{
    ordering->record_count++;
    return script_writer_add(ordering->writer, stream, record, err);
}

int ordering_wait(struct ordering *ordering, uint32_t stream, uint32_t other, uint64_t count,
                  struct err *err)
{
    const struct script_record record = {.value = count, .slot = other, .code = SCRIPT_WAIT};
    return ordering_add(ordering, stream, &record, err);
}

static int wait_for_all(struct ordering *ordering, uint32_t stream, uint32_t other, struct err *err)
{
    return ordering_wait(ordering, stream, other, script_writer_count(ordering->writer, other),
                         err);
}

/* A new thread may take over what those that have ended leave behind: an arena, a cache. */
static int join_ended(struct ordering *ordering, uint32_t stream, uint64_t now_ns, struct err *err)
{
    int result = 0;
    for (uint32_t i = 0; i < stream && result == 0; i++) {
        struct ordering_thread *other = &ordering->threads[i];
        if (other->ended_ns < now_ns && !other->is_over) {
            const struct script_record record = {
                .value = script_writer_count(ordering->writer, i), .slot = i, .code = SCRIPT_JOIN};
            other->is_over = true;
            result = script_writer_rest(ordering->writer, i, err);
            if (result == 0) {
                result = ordering_add(ordering, stream, &record, err);
            }
        }
    }
    return result;
}

static int begin_thread(struct ordering *ordering, uint32_t stream, uint64_t now_ns,
                        struct err *err)
{
    uint32_t creator = ordering->last_thread;
    if (creator == NO_THREAD) {
        return 0;
    }
    int result = join_ended(ordering, stream, now_ns, err);
    if (result < 0) {
        return result;
    }
    struct ordering_thread *thread = &ordering->threads[stream];
    struct ordering_thread *parent = &ordering->threads[creator];
    thread->next_sibling = parent->first_child;
    parent->first_child = stream;
    if (thread->ended_ns < parent->next_join_ns) {
        parent->next_join_ns = thread->ended_ns;
    }
    ordering->start_count++;
    return wait_for_all(ordering, stream, creator, err);
}

static int find_thread(struct ordering *ordering, const struct operation *operation,
                       uint32_t *out_stream, struct err *err)
{
    if (map_get(&ordering->thread_index, operation->thread_id, out_stream)) {
        return 0;
    }
    const struct thread_row *row = trace_thread(ordering->trace, operation->thread_id);
    if (row == NULL || row->process_id != ordering->process_id ||
        ordering->begun_count == ordering->thread_limit) {
        return err_set(
            err, EBADMSG,
            "cannot replay '%s': damaged: block %" PRIu64 " belongs to no thread of its process",
            db_path(ordering->trace->db),
            operation->kind == OPERATION_FREE ? operation->ended.id : operation->made.id);
    }
    uint32_t stream = ordering->begun_count++;
    ordering->threads[stream] = (struct ordering_thread){
        .ended_ns = row->ended_ns,
        .told_ns = UINT64_MAX,
        .next_join_ns = UINT64_MAX,
        .first_child = NO_THREAD,
        .next_sibling = NO_THREAD,
        .window = ordering->window,
    };
    if (map_put(&ordering->thread_index, operation->thread_id, stream) < 0) {
        return err_set_errno(err, ENOMEM, "cannot replay");
    }
    *out_stream = stream;
    return begin_thread(ordering, stream, operation->at_ns, err);
}

/* Waits for the children that have ended. */
static int join_children(struct ordering *ordering, uint32_t stream, uint64_t now_ns,
                         struct err *err)
{
    struct ordering_thread *parent = &ordering->threads[stream];
    uint32_t *link = &parent->first_child;
    int result = 0;
    parent->next_join_ns = UINT64_MAX;
    while (*link != NO_THREAD && result == 0) {
        uint32_t child = *link;
        struct ordering_thread *thread = &ordering->threads[child];
        if (thread->ended_ns >= now_ns) {
            parent->next_join_ns =
                thread->ended_ns < parent->next_join_ns ? thread->ended_ns : parent->next_join_ns;
            link = &thread->next_sibling;
            continue;
        }
        *link = thread->next_sibling;
        ordering->join_count++;
        result = wait_for_all(ordering, stream, child, err);
    }
    return result;
}

/* Notes how far every thread had got when a window ended. */
static void turn_window(struct ordering *ordering)
{
    ordering->window = ordering->record_count / ORDERING_WINDOW;
    for (uint32_t i = 0; i < ordering->begun_count; i++) {
        struct ordering_thread *thread = &ordering->threads[i];
        if (thread->old_mark != thread->mark) {
            thread->old_mark = thread->mark;
            thread->changed_window = ordering->window;
        }
        thread->mark = script_writer_count(ordering->writer, i);
    }
}

/* A thread's first operation in a window waits for what others had done two windows ago. */
static int enter_window(struct ordering *ordering, uint32_t stream, struct err *err)
{
    struct ordering_thread *thread = &ordering->threads[stream];
    uint64_t seen_window = thread->window;
    int result = 0;
    thread->window = ordering->window;
    for (uint32_t i = 0; i < ordering->begun_count && result == 0; i++) {
        const struct ordering_thread *other = &ordering->threads[i];
        if (i != stream && other->old_mark > 0 && other->changed_window > seen_window) {
            result = ordering_wait(ordering, stream, i, other->old_mark, err);
        }
    }
    return result;
}

static int tell_time(struct ordering *ordering, uint32_t stream, uint64_t now_ns, struct err *err)
{
    struct ordering_thread *thread = &ordering->threads[stream];
    uint64_t elapsed_ns = now_ns - ordering->began_ns;
    if (thread->told_ns != UINT64_MAX && elapsed_ns - thread->told_ns < SCRIPT_TIME_STEP_NS) {
        return 0;
    }
    const struct script_record record = {.value = elapsed_ns, .code = SCRIPT_TIME};
    thread->told_ns = elapsed_ns;
    return ordering_add(ordering, stream, &record, err);
}

int ordering_enter(struct ordering *ordering, const struct operation *operation,
                   uint32_t *out_stream, struct err *err)
{
    uint64_t now_ns = operation->at_ns;
    if (ordering->began_ns == UINT64_MAX) {
        ordering->began_ns = now_ns;
    }
    if (ordering->record_count / ORDERING_WINDOW != ordering->window) {
        turn_window(ordering);
    }
    uint32_t stream;
    int result = find_thread(ordering, operation, &stream, err);
    if (result < 0) {
        return result;
    }
    if (ordering->threads[stream].next_join_ns < now_ns) {
        result = join_children(ordering, stream, now_ns, err);
    }
    if (result == 0 && ordering->threads[stream].window != ordering->window) {
        result = enter_window(ordering, stream, err);
    }
    if (result == 0) {
        result = tell_time(ordering, stream, now_ns, err);
    }
    ordering->last_thread = stream;
    *out_stream = stream;
    return result;
}

void ordering_fini(struct ordering *ordering)
{
    map_fini(&ordering->thread_index);
    free(ordering->threads);
    *ordering = (struct ordering){0};
}
