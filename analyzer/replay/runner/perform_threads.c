/*
 * The thread that calls perform_by_threads() starts the others, in the order in which they began,
 * each when what its first operation waits for is done, and reads nothing of the script itself
 * but those first records.
 */
#include <errno.h>
#include <pthread.h>
#include <string.h>

#include "performer.h"
#include "turnstile.h"

enum {
    GAUGE_PERIOD_NS = 2000000,
    THREAD_STACK_BYTES = 256 * 1024,
    END_TRIES = 100,
    END_TRY_NS = 20000,
};

#define AT_END (UINT64_MAX - 1) /* what a turnstile counts when its thread is done */

struct crew;

struct member {
    struct turnstile turnstile; /* counts its records */
    struct performer performer;
    struct crew *crew;
    struct stage_stream *stream;
    pthread_t thread;
    uint64_t joined_count; /* records that were done before it was started */
    bool is_started;
    bool is_joined;
};

struct crew {
    struct stage *stage;
    const struct perform_settings *settings;
    struct gauge *gauge;
    struct member *members; /* by stream */
    uint32_t count;
    uint64_t started_ns;
    _Atomic bool is_done;
    uint64_t own_ns; /* of the thread that reads the gauge */
};

static void wait_until(const struct crew *crew, uint64_t recorded_ns)
{
    double speed = crew->settings->speed;
    if (speed <= 0) {
        return;
    }
    uint64_t until_ns = crew->started_ns + (uint64_t)((double)recorded_ns / speed);
    const struct timespec until = {
        .tv_sec = (time_t)(until_ns / 1000000000),
        .tv_nsec = (long)(until_ns % 1000000000),
    };
    while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL) == EINTR) {
    }
}

static inline __attribute__((always_inline)) void perform_stream(struct member *member,
                                                                 bool is_timed)
{
    struct crew *crew = member->crew;
    const struct script_record *record;
    uint64_t count = member->joined_count;
    while ((record = stage_stream_next(member->stream)) != NULL) {
        if (record->code == SCRIPT_WAIT) {
            turnstile_wait(&crew->members[record->slot].turnstile, record->value);
        } else if (record->code == SCRIPT_TIME) {
            wait_until(crew, record->value);
        } else if (record->code == SCRIPT_FRAME) {
            thread_arena_end_frame(member->performer.arena);
        } else {
            performer_do(&member->performer, record, is_timed);
        }
        turnstile_step(&member->turnstile, ++count);
    }
    /* A stream that could not be read to its end must not hold up the others. */
    turnstile_step(&member->turnstile, AT_END);
}

static void *member_main(void *argument)
{
    struct member *member = argument;
    if (member->performer.latencies != NULL) {
        perform_stream(member, true);
    } else {
        perform_stream(member, false);
    }
    return NULL;
}

static void *gauge_main(void *argument)
{
    struct crew *crew = argument;
    const struct timespec period = {.tv_nsec = GAUGE_PERIOD_NS};
    while (!crew->is_done) {
        (void)gauge_read(crew->gauge, stopwatch_ns(CLOCK_MONOTONIC));
        (void)clock_nanosleep(CLOCK_MONOTONIC, 0, &period, NULL);
    }
    crew->own_ns = stopwatch_ns(CLOCK_THREAD_CPUTIME_ID);
    return NULL;
}

static int make_members(struct crew *crew)
{
    crew->members = stage_map(crew->count * sizeof(*crew->members));
    struct thread_arena *arenas;
    if (crew->members == NULL || thread_arenas_open(&crew->stage->head, &arenas) < 0) {
        return -ENOMEM;
    }
    uint64_t overhead_ticks = crew->settings->is_timed ? performer_overhead() : 0;
    for (uint32_t i = 0; i < crew->count; i++) {
        struct member *member = &crew->members[i];
        turnstile_init(&member->turnstile);
        member->crew = crew;
        member->stream = &crew->stage->streams[i];
        member->performer = (struct performer){
            .slots = crew->stage->slots,
            .arena = arenas != NULL ? &arenas[i] : NULL,
            .touch_share = crew->settings->touch_share,
            .overhead_ticks = overhead_ticks,
        };
        if (crew->settings->is_timed) {
            member->performer.latencies = stage_map(PERFORM_CALL_COUNT * sizeof(struct histogram));
            if (member->performer.latencies == NULL) {
                return -ENOMEM;
            }
        }
    }
    return 0;
}

/* A thread that was recorded to be over is left behind for good, so that what it had (an arena, a
 * cache) is free for the next. Should it have more to do after all, nobody waits for that. */
static void join_ended(struct member *member, uint64_t count)
{
    const struct timespec pause = {.tv_nsec = END_TRY_NS};
    turnstile_wait(&member->turnstile, count);
    for (unsigned i = 0; i < END_TRIES && member->is_started && !member->is_joined; i++) {
        if (atomic_load(&member->turnstile.count) == AT_END) {
            member->is_joined = pthread_join(member->thread, NULL) == 0;
        } else {
            (void)clock_nanosleep(CLOCK_MONOTONIC, 0, &pause, NULL);
        }
    }
}

/* A thread is not there before what it waits for first: as many live at once as were recorded. */
static int start_member(struct crew *crew, struct member *member, const pthread_attr_t *attributes)
{
    const struct script_record *first = stage_stream_next(member->stream);
    while (first != NULL && first->code == SCRIPT_JOIN && first->slot < crew->count) {
        join_ended(&crew->members[first->slot], first->value);
        turnstile_step(&member->turnstile, ++member->joined_count);
        first = stage_stream_next(member->stream);
    }
    if (first == NULL) {
        return -EINVAL;
    }
    if (first->code == SCRIPT_WAIT && first->slot < crew->count) {
        turnstile_wait(&crew->members[first->slot].turnstile, first->value);
    }
    member->stream->next--; /* its thread reads that record again */
    int code = pthread_create(&member->thread, attributes, member_main, member);
    member->is_started = code == 0;
    return -code;
}

static int run_members(struct crew *crew, const pthread_attr_t *attributes)
{
    int result = 0;
    for (uint32_t i = 0; i < crew->count && result == 0; i++) {
        result = start_member(crew, &crew->members[i], attributes);
    }
    for (uint32_t i = 0; i < crew->count; i++) {
        struct member *member = &crew->members[i];
        if (!member->is_started) { /* or others would wait for it for ever */
            turnstile_step(&member->turnstile, AT_END);
        }
    }
    for (uint32_t i = 0; i < crew->count; i++) {
        if (crew->members[i].is_started && !crew->members[i].is_joined) {
            (void)pthread_join(crew->members[i].thread, NULL);
        }
    }
    return result;
}

static void sum_up(const struct crew *crew, struct perform_result *result)
{
    *result = (struct perform_result){.own_ns = crew->own_ns};
    for (uint32_t i = 0; i < crew->count; i++) {
        const struct performer *performer = &crew->members[i].performer;
        result->call_count += performer->call_count;
        result->failed_count += performer->failed_count;
        result->missed_count += performer->missed_count;
        if (performer->latencies == NULL) {
            continue;
        }
        if (result->latencies == NULL) {
            result->latencies = performer->latencies;
            continue;
        }
        for (unsigned call = 0; call < PERFORM_CALL_COUNT; call++) {
            histogram_merge(&result->latencies[call], &performer->latencies[call]);
        }
    }
}

int perform_by_threads(struct stage *stage, const struct perform_settings *settings,
                       struct gauge *gauge, struct perform_result *out_result)
{
    struct crew crew = {
        .stage = stage, .settings = settings, .gauge = gauge, .count = stage->head.began_count};
    pthread_attr_t attributes;
    pthread_t gauger;
    turnstile_prepare();
    int result = make_members(&crew);
    if (result < 0) {
        return result;
    }
    (void)pthread_attr_init(&attributes);
    (void)pthread_attr_setstacksize(&attributes, THREAD_STACK_BYTES);
    if (gauge != NULL) {
        result = -pthread_create(&gauger, &attributes, gauge_main, &crew);
    }
    if (result == 0) {
        crew.started_ns = stopwatch_ns(CLOCK_MONOTONIC);
        result = run_members(&crew, &attributes);
        crew.is_done = true;
        if (gauge != NULL) {
            (void)pthread_join(gauger, NULL);
        }
    }
    (void)pthread_attr_destroy(&attributes);
    sum_up(&crew, out_result);
    return result;
}
