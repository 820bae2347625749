#include "sim_timing.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "../base/vec.h"
#include "../model/live_objects.h"
#include "../model/operations.h"
#include "sim_heaps.h"
#include "sim_rules.h"

enum {
    BATCH_CALLS = 4096,
    CALLS_LEAST = 1000, /* of fewer, the first ones' page faults would be most of the time */
    NO_PLACE = 0,
};

/* A call whose blocks are places of an array, which is all that playing it needs. */
struct timed_call {
    enum operation_kind kind;
    uint32_t place;     /* of the new block, or of the one that is freed */
    uint32_t old_place; /* OPERATION_REALLOC */
    struct sim_thread *thread;
    int policy;
    struct sim_request request;
};

struct timing {
    struct sim_heaps heaps;
    struct sim_rules *rules;
    struct live_objects objects; /* block_bytes holds the place */
    void **blocks;               /* by place */
    size_t block_count;
    size_t block_capacity;
    uint32_t *free_places;
    size_t free_count;
    size_t free_capacity;
    struct timed_call batch[BATCH_CALLS];
    size_t call_count;
    uint64_t sum_ns;
    uint64_t sum_count;
};

static int take_place(struct timing *timing, uint64_t object_id, uint32_t *out_place)
{
    if (timing->free_count > 0) {
        *out_place = timing->free_places[--timing->free_count];
    } else {
        int result = vec_reserve((void **)&timing->blocks, &timing->block_capacity,
                                 timing->block_count + 1, sizeof(*timing->blocks));
        if (result < 0) {
            return result;
        }
        *out_place = (uint32_t)timing->block_count++;
    }
    struct live_object object = {.id = object_id, .block_bytes = *out_place};
    return live_objects_add(&timing->objects, &object);
}

/* NO_PLACE: the object was not there. Its place is free for calls after this one. */
static int free_place(struct timing *timing, uint64_t object_id, uint32_t *out_place)
{
    struct live_object object;
    *out_place = NO_PLACE;
    if (object_id == 0 || live_objects_remove(&timing->objects, object_id, &object) < 0) {
        return 0;
    }
    int result = vec_reserve((void **)&timing->free_places, &timing->free_capacity,
                             timing->free_count + 1, sizeof(*timing->free_places));
    if (result == 0) {
        *out_place = (uint32_t)object.block_bytes;
        timing->free_places[timing->free_count++] = *out_place;
    }
    return result;
}

static int prepare(struct timing *timing, const struct operation *operation, struct err *err)
{
    struct timed_call *call = &timing->batch[timing->call_count];
    *call = (struct timed_call){.kind = operation->kind, .request = sim_request_of(operation)};
    call->thread = sim_heaps_find(&timing->heaps, operation->thread_id, operation->at_ns);
    if (call->thread == NULL) {
        return err_set_errno(err, ENOMEM, "cannot simulate");
    }
    int result = 0;
    if (operation->kind != OPERATION_FREE) {
        result = sim_rules_choose(timing->rules, operation, &call->policy, err);
        if (result < 0) {
            return result;
        }
    }
    if (operation->kind == OPERATION_FREE) {
        result = free_place(timing, operation->ended.id, &call->place);
    } else {
        /* The new place before the old one is free: both are needed at once. */
        result = take_place(timing, operation->made.id, &call->place);
        if (result == 0 && operation->kind == OPERATION_REALLOC) {
            result = free_place(timing, operation->ended.id, &call->old_place);
        }
    }
    timing->call_count += result == 0 && call->place != NO_PLACE;
    return result == 0 ? 0 : err_set_errno(err, -result, "cannot simulate");
}

static uint64_t now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (uint64_t)now.tv_sec * 1000000000U + (uint64_t)now.tv_nsec;
}

static void play_batch(struct timing *timing)
{
    void **blocks = timing->blocks;
    uint64_t started_ns = now_ns();
    for (size_t i = 0; i < timing->call_count; i++) {
        const struct timed_call *call = &timing->batch[i];
        if (call->kind == OPERATION_FREE) {
            sim_give(&timing->heaps, call->thread, blocks[call->place]);
        } else if (call->kind == OPERATION_REALLOC && call->old_place != NO_PLACE) {
            blocks[call->place] = sim_resize(&timing->heaps, call->thread, blocks[call->old_place],
                                             call->policy, call->request);
        } else {
            blocks[call->place] =
                sim_take(&timing->heaps, call->thread, call->policy, call->request);
        }
    }
    timing->sum_ns += now_ns() - started_ns;
    timing->sum_count += timing->call_count;
    timing->call_count = 0;
}

static int play_all(struct timing *timing, struct db *db, uint32_t process_id, struct err *err)
{
    struct operations *operations = NULL;
    struct operation operation;
    int result = operations_open(db, process_id, &operations, err);
    while (result == 0 && (result = operations_next(operations, &operation, err)) > 0) {
        result = prepare(timing, &operation, err);
        if (result == 0 && timing->call_count == BATCH_CALLS) {
            play_batch(timing);
        }
    }
    operations_close(operations);
    if (result == 0) {
        play_batch(timing);
    }
    return result;
}

static int begin(struct timing *timing, const struct trace *trace, const struct sim_choice *choice,
                 struct err *err)
{
    uint32_t place; /* the first place stands for none */
    if (sim_heaps_init(&timing->heaps, trace, choice) < 0 ||
        take_place(timing, UINT64_MAX, &place) < 0) {
        return err_set_errno(err, ENOMEM, "cannot simulate");
    }
    return sim_rules_create(trace, choice->plan, &timing->rules, err);
}

int sim_timing_measure(const struct trace *trace, uint32_t process_id,
                       const struct sim_choice *choice, struct sim_timing *out_timing,
                       struct err *err)
{
    struct timing *timing = calloc(1, sizeof(*timing));
    if (timing == NULL) {
        return err_set_errno(err, ENOMEM, "cannot simulate");
    }
    int result = begin(timing, trace, choice, err);
    if (result == 0) {
        result = play_all(timing, trace->db, process_id, err);
    }
    out_timing->call_count = timing->sum_count;
    out_timing->call_ns = timing->sum_count >= CALLS_LEAST
                              ? (double)timing->sum_ns / (double)timing->sum_count
                              : (double)NAN;
    live_objects_fini(&timing->objects);
    sim_rules_destroy(timing->rules);
    sim_heaps_fini(&timing->heaps);
    free(timing->blocks);
    free(timing->free_places);
    free(timing);
    return result;
}
