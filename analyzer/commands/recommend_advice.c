/*
 * recommend_advice.c - changes of single call sites that would still gain on top of the best stock
 * allocator (recommend_find_advice in recommend_replay.h).
 *
 * Each is measured: the recording without what the change spares, between two replays as it was
 * recorded, so that a machine that becomes slower meanwhile is seen in the range.
 */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../model/stacks.h"
#include "recommend_replay.h"

enum {
    REPETITIONS = 3,
};

/* The allocator that one would have anyway. */
static const struct recommend_tried *find_base(const struct recommend_answer *answer)
{
    const struct recommend_tried *best = &answer->tried[0];
    if (answer->advised != NULL && answer->advised->candidate.allocator.kind != ALLOCATOR_POLICY) {
        return answer->advised;
    }
    for (size_t i = 1; i < answer->tried_count && answer->advised != NULL; i++) {
        const struct recommend_tried *tried = &answer->tried[i];
        if (tried->is_final && !tried->contender.is_lost &&
            tried->candidate.allocator.kind != ALLOCATOR_POLICY &&
            decision_make(answer->goal, &tried->contender, 1).place == 0 &&
            (best == &answer->tried[0] || decision_score(answer->goal, &tried->contender) <
                                              decision_score(answer->goal, &best->contender))) {
            best = tried;
        }
    }
    return best;
}

/* ---- what it gains ----------------------------------------------------------------------------
 */

/* The base on one of two scripts. */
static int play(struct recommend_replay *replay, const struct script_head *head, int script_fd,
                struct recommend_tried *out_tried, struct err *err)
{
    struct recommend_replay own = *replay;
    struct recommend_tried *tried[] = {out_tried};
    *out_tried = *replay->answer->advice_base;
    out_tried->effort = 0;
    out_tried->worst_ns = (struct round_spread){.median = 0};
    own.rounds.head = head;
    own.rounds.script_fd = script_fd;
    own.rounds.watcher = NULL;
    return recommend_play_several(&own, tried, 1, REPETITIONS, err);
}

/* What it is to both is its change; the worst and the best of both is its range. */
static void join_changes(struct contender *contender, const struct contender *other)
{
    contender->is_lost |= other->is_lost;
    for (int i = 0; i < ADVICE_MEASURE_COUNT; i++) {
        struct change *change = &contender->changes[i];
        const struct change *again = &other->changes[i];
        change->is_known &= again->is_known;
        change->value = (change->value + again->value) / 2;
        change->low = fmin(change->low, again->low);
        change->high = fmax(change->high, again->high);
    }
}

/* The blocks that were left out, as they lie in their arena. What its calls take is not known. */
static void add_arena(struct recommend_tried *tried, const struct own_arena *arena)
{
    const struct {
        struct round_spread *spread;
        double bytes;
    } parts[] = {{&tried->outcome.heap_peak_bytes, arena->peak_bytes},
                 {&tried->outcome.heap_mean_bytes, arena->mean_bytes},
                 {&tried->outcome.heap_end_bytes, arena->end_bytes}};
    for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
        parts[i].spread->median += parts[i].bytes;
        parts[i].spread->min += parts[i].bytes;
        parts[i].spread->max += parts[i].bytes;
    }
}

static void keep_memory_alone(struct contender *contender)
{
    for (int i = 0; i < ADVICE_MEASURE_COUNT; i++) {
        contender->changes[i].is_known &= i == ADVICE_PEAK || i == ADVICE_MEAN;
    }
}

/* `places`: before, with the change, after. */
static void judge(const struct recommend_answer *answer, struct recommend_tried places[3],
                  struct recommend_advice *advice)
{
    if (places[0].candidate.is_lost || places[2].candidate.is_lost) {
        return;
    }
    if (advice->kind == RECOMMEND_OWN_ARENA) {
        add_arena(&places[1], &advice->arena);
    }
    recommend_compare_to(answer, &places[0], &places[1]);
    advice->contender = places[1].contender;
    recommend_compare_to(answer, &places[2], &places[1]);
    join_changes(&advice->contender, &places[1].contender);
    if (advice->kind == RECOMMEND_OWN_ARENA) {
        keep_memory_alone(&advice->contender);
    }
    advice->is_known = !advice->contender.is_lost;
    advice->is_worth_it =
        advice->is_known && decision_make(answer->goal, &advice->contender, 1).place == 0;
}

static int compile_frames(struct recommend_answer *answer, const struct recommend_frames *frames,
                          struct script_head *out_head, struct err *err)
{
    struct frame_arena arena = {.series_name = frames->series_name,
                                .chunk_bytes = frames->chunk_bytes,
                                .spare_count = frames->spare_count};
    int result = 0;
    for (size_t i = 0; i < frames->stack_count && result == 0; i++) {
        result = map_put(&arena.stacks, frames->stack_ids[i], 0);
    }
    result = result < 0 ? err_set_errno(err, -result, "cannot recommend")
                        : recommend_compile(answer, (struct recommend_variant){.arena = &arena},
                                            out_head, err);
    map_fini(&arena.stacks);
    return result;
}

/* The recording as it would be with the change; a file descriptor. */
static int compile(struct recommend_answer *answer, const struct recommend_advice *advice,
                   struct script_head *out_head, struct err *err)
{
    const struct neutral neutral = {
        .kind = advice->kind == RECOMMEND_RESERVE ? NEUTRAL_GROWTH : NEUTRAL_SITE,
        .stack_id = advice->stack_id,
        .reserve_bytes = advice->size_bytes,
    };
    return advice->kind == RECOMMEND_FRAME_ARENA
               ? compile_frames(answer, &advice->frames, out_head, err)
               : recommend_compile(answer, (struct recommend_variant){.neutral = &neutral},
                                   out_head, err);
}

static int measure(struct recommend_replay *replay, struct recommend_tried places[3],
                   struct recommend_advice *advice, struct err *err)
{
    struct recommend_answer *answer = replay->answer;
    struct script_head head = answer->head;
    int fd = compile(answer, advice, &head, err);
    if (fd < 0) {
        return fd;
    }
    int result = play(replay, &head, fd, &places[1], err);
    if (result == 0) {
        result = play(replay, &answer->head, replay->script_fd, &places[2], err);
    }
    if (result == 0) {
        judge(answer, places, advice);
    }
    (void)close(fd);
    return result;
}

static int measure_all(struct recommend_replay *replay, struct recommend_tried places[3],
                       struct err *err)
{
    struct recommend_answer *answer = replay->answer;
    uint64_t needed_ns = 2 * REPETITIONS * replay->round_ns;
    int result = 0;
    for (size_t i = 0; i < answer->advice_count && result == 0; i++) {
        if (!recommend_is_time_left(replay, i == 0 ? needed_ns * 3 / 2 : needed_ns)) {
            break;
        }
        if (i == 0) {
            result = play(replay, &answer->head, replay->script_fd, &places[0], err);
        } else {
            places[0] = places[2];
        }
        if (result == 0) {
            result = measure(replay, places, &answer->advice[i], err);
        }
    }
    return result;
}

static int name_places(struct recommend_answer *answer, struct err *err)
{
    struct stacks *stacks;
    int result = stacks_create(answer->trace->db, &stacks, err);
    for (size_t i = 0; i < answer->advice_count && result == 0; i++) {
        struct recommend_advice *advice = &answer->advice[i];
        struct call_stack stack = {0};
        result = stacks_expand(stacks, advice->stack_id, &stack, err);
        const struct stack_frame *frame = result == 0 ? call_stack_shown(&stack) : NULL;
        if (frame != NULL) {
            (void)snprintf(advice->function, sizeof(advice->function), "%s", frame->function);
            (void)snprintf(advice->file, sizeof(advice->file), "%s",
                           frame->file != NULL ? frame->file : "");
            advice->line = frame->line;
        }
        call_stack_fini(&stack);
    }
    stacks_destroy(stacks);
    return result;
}

int recommend_find_advice(struct recommend_replay *replay, struct err *err)
{
    struct recommend_answer *answer = replay->answer;
    struct recommend_tried *places = calloc(3, sizeof(*places));
    if (places == NULL) {
        return err_set_errno(err, ENOMEM, "cannot recommend");
    }
    answer->advice_base = find_base(answer);
    int result =
        recommend_time_left_ns(replay) > 0 ? recommend_choose_advice(replay, err) : -ECANCELED;
    if (result == -ECANCELED) {
        answer->is_advice_cut = true;
        result = 0;
    }
    if (result == 0) {
        result = measure_all(replay, places, err);
    }
    if (result == 0 && answer->advice_count > 0) {
        result = name_places(answer, err);
    }
    answer->has_advice = result == 0;
    free(places);
    return result;
}
