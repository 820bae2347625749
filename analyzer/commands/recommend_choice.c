/*
 * recommend_choice.c - the call sites at which a change of the code could gain something: a buffer
 * reserved, an arena of its own, an arena for a frame (recommend_choose_advice in
 * recommend_replay.h).
 */
#include <errno.h>
#include <math.h>
#include <string.h>

#include "../advice/reserve_choice.h"
#include "../analyses/heap_pages.h"
#include "../analyses/latencies.h"
#include "recommend_replay.h"

/* What is read of the calls, in one go; frames last, where there are none. */
enum {
    GROWTH,
    HEAP_PAGES,
    FRAMES,
    RUN_COUNT
};

#define SHARE_LEAST 0.02 /* of a figure of the whole program */

enum {
    CHUNK_LEAST_BYTES = 1 << 16, /* of frame arenas */
    CHUNK_MOST_BYTES = 1 << 20,
};

static struct recommend_advice *add_advice(struct recommend_answer *answer,
                                           enum recommend_advice_kind kind, uint32_t stack_id)
{
    struct recommend_advice *advice = &answer->advice[answer->advice_count++];
    *advice = (struct recommend_advice){.kind = kind, .stack_id = stack_id};
    return advice;
}

static int find_realloc_time(const struct recommend_answer *answer, double *out_ns, struct err *err)
{
    struct latencies latencies;
    int result = latencies_load(answer->trace->db, answer->process->id, false, &latencies, err);
    *out_ns = NAN;
    if (result < 0) {
        return result;
    }
    for (size_t i = 0; i < latencies.kind_count; i++) {
        if (strcmp(latencies.kinds[i].kind, "realloc") == 0) {
            *out_ns = latencies.kinds[i].time_ns;
        }
    }
    latencies_fini(&latencies);
    return 0;
}

static void add_reserves(struct recommend_answer *answer, const struct growth *growth,
                         double realloc_time_ns)
{
    const struct reserve_yardstick yardstick = {
        .realloc_time_ns = realloc_time_ns,
        .cpu_time_ns = (double)answer->evidence.cpu_time_ns,
        .peak_bytes = (double)answer->evidence.rss_peak_bytes,
        .share_least = SHARE_LEAST,
    };
    struct reserve_choice choices[RESERVE_CHOICES_MAX];
    size_t count = reserve_choose(growth, &yardstick, choices);
    for (size_t i = 0; i < count && answer->advice_count < RECOMMEND_ADVICE_MAX; i++) {
        struct recommend_advice *advice =
            add_advice(answer, RECOMMEND_RESERVE, choices[i].stack_id);
        advice->size_bytes = choices[i].reserve.reserve_bytes;
        advice->spared_step_count = choices[i].reserve.spared_step_count;
        advice->spared_copied_bytes = choices[i].reserve.spared_copied_bytes;
    }
}

/* Sites that hold pages which would be empty without them, and need less for themselves. */
static int add_own_arenas(struct recommend_replay *replay, const struct heap_pages *pages,
                          struct err *err)
{
    struct recommend_answer *answer = replay->answer;
    double least_bytes = SHARE_LEAST * (double)answer->evidence.rss_peak_bytes;
    struct own_arena arenas[OWN_ARENAS_MAX];
    size_t count = 0;
    for (size_t i = 0; i < pages->repacked_count && count < OWN_ARENAS_MAX; i++) {
        const struct pin_row *pin = &pages->pins[i];
        if (fmax(pin_saving(&pin->at_peak), pin_saving(&pin->at_end)) >= least_bytes) {
            arenas[count++].stack_id = pin->stack_id;
        }
    }
    if (count == 0) {
        return 0;
    }
    if (!recommend_is_time_left(replay, replay->reading_ns)) {
        return err_set(err, ECANCELED, "no time is left");
    }
    int result = own_arenas_measure(answer->trace, answer->process->id, arenas, count, err);
    for (size_t i = 0; i < count && result == 0; i++) {
        add_advice(answer, RECOMMEND_OWN_ARENA, arenas[i].stack_id)->arena = arenas[i];
    }
    return result;
}

/* A frame in one chunk, if that can be; four of the largest block in any case. */
static void set_chunks(struct recommend_frames *frames, const struct arena_choice *choice)
{
    uint64_t frame_bytes = choice->frame_max_bytes + choice->frame_max_bytes / 4; /* rounded up */
    frames->chunk_bytes = CHUNK_LEAST_BYTES;
    while (
        frames->chunk_bytes < CHUNK_MOST_BYTES &&
        (frames->chunk_bytes < frame_bytes || frames->chunk_bytes / 4 < choice->size_max_bytes)) {
        frames->chunk_bytes *= 2;
    }
    frames->spare_count = frame_bytes / frames->chunk_bytes + 1;
}

/* Of the frames under that name of which there are most. */
static int add_frame_arena(struct recommend_answer *answer, const struct frames *frames,
                           struct err *err)
{
    const struct evidence *evidence = &answer->evidence;
    const struct arena_yardstick yardstick = {
        .allocator_time_ns = evidence->allocator_time_ns,
        .allocation_count = (double)evidence->allocation_count,
        .cpu_time_ns = (double)evidence->cpu_time_ns,
        .peak_bytes = (double)evidence->rss_peak_bytes,
        .share_least = SHARE_LEAST,
    };
    struct arena_choice choice;
    if (frames->series_count == 0) {
        return 0;
    }
    int result = arena_choose(answer->trace->db, answer->process->id, &frames->series[0],
                              &yardstick, &choice, err);
    if (result < 0 || choice.stack_count == 0) {
        return result;
    }
    struct recommend_advice *advice =
        add_advice(answer, RECOMMEND_FRAME_ARENA, choice.stack_ids[0]);
    struct recommend_frames *own = &advice->frames;
    own->series_name = strdup(choice.series->name);
    own->stack_count = choice.stack_count;
    memcpy(own->stack_ids, choice.stack_ids, choice.stack_count * sizeof(choice.stack_ids[0]));
    set_chunks(own, &choice);
    own->allocation_count = choice.allocation_count;
    own->frame_count = choice.series->frame_count;
    return own->series_name != NULL ? 0 : err_set_errno(err, ENOMEM, "cannot recommend");
}

static int add_all(struct recommend_replay *replay, const struct analysis_run *runs,
                   double realloc_time_ns, struct err *err)
{
    struct recommend_answer *answer = replay->answer;
    int result = 0;
    if (answer->evidence.has_frames) {
        result = add_frame_arena(answer, runs[FRAMES].state, err);
    }
    if (result == 0) {
        add_reserves(answer, growth_of(runs[GROWTH].state), realloc_time_ns);
        result = add_own_arenas(replay, runs[HEAP_PAGES].state, err);
    }
    return result;
}

int recommend_choose_advice(struct recommend_replay *replay, struct err *err)
{
    struct recommend_answer *answer = replay->answer;
    struct analysis_run runs[] = {[GROWTH] = {.analysis = &growth_analysis},
                                  [HEAP_PAGES] = {.analysis = &heap_pages_analysis},
                                  [FRAMES] = {.analysis = &frames_analysis}};
    size_t count = answer->evidence.has_frames ? RUN_COUNT : FRAMES;
    double realloc_time_ns = NAN;
    int result = find_realloc_time(answer, &realloc_time_ns, err);
    if (result == 0) {
        uint64_t left_ns = recommend_time_left_ns(replay);
        result = analyses_run(answer->trace, answer->process->id, runs, count,
                              recommend_watch_reading, replay, err);
        replay->reading_ns = left_ns - recommend_time_left_ns(replay);
    }
    if (result == 0) {
        result = add_all(replay, runs, realloc_time_ns, err);
    }
    analyses_end(runs, count);
    return result;
}
