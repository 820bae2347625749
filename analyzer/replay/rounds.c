#include "rounds.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    WORD_BYTES = 32,
};

static const char *const mode_words[] = {
    [ROUNDS_SERIAL] = "serial",
    [ROUNDS_VIRTUAL] = "virtual",
    [ROUNDS_THREADS] = "threads",
};

struct rounds {
    const struct rounds_settings *settings;
    struct str answer;
    struct str talk;
    struct str preload;
    struct player_result ready;    /* before the first call, under plain glibc */
    struct player_result *memory;  /* by candidate, then by round */
    struct player_result *latency; /* the same */
};

/* What allocaudit-replay is started with; the answer is in rounds->answer. */
struct play_request {
    const char *what;                         /* its first word */
    const struct replay_candidate *candidate; /* NULL: plain glibc */
    enum rounds_mode mode;
    double touch_share;
};

static int run_player(struct rounds *rounds, const struct play_request *request, struct err *err)
{
    const struct rounds_settings *settings = rounds->settings;
    char speed[WORD_BYTES];
    char touch[WORD_BYTES];
    bool is_ready = strcmp(request->what, "ready") == 0;
    (void)snprintf(speed, sizeof(speed), "%.6g", settings->speed);
    (void)snprintf(touch, sizeof(touch), "%.6f", request->touch_share);
    const char *const words[] = {
        settings->program,       request->what, PLAYER_SCRIPT, mode_words[request->mode],
        is_ready ? NULL : touch, speed,         NULL,
    };
    const char *const no_pairs[] = {NULL};
    const struct replay_candidate *candidate = request->candidate;
    const char *library = candidate != NULL ? candidate->allocator.path : "";
    bool has_both = library[0] != '\0' && settings->companion[0] != '\0';
    str_clear(&rounds->preload);
    if (str_printf(&rounds->preload, "%s%s%s", library, has_both ? ":" : "", settings->companion) <
        0) {
        return err_set_errno(err, ENOMEM, "cannot replay");
    }
    const struct player_job job = {
        .program = settings->program,
        .preload = str_text(&rounds->preload),
        .pairs = candidate != NULL ? candidate->pairs : no_pairs,
        .words = words,
        .script_fd = settings->script_fd,
    };
    return player_run(&job, &rounds->answer, &rounds->talk, err);
}

static int play(struct rounds *rounds, const char *what, const struct replay_candidate *candidate,
                struct player_result *out_result, struct err *err)
{
    const struct play_request request = {
        .what = what,
        .candidate = candidate,
        .mode = rounds->settings->mode,
        .touch_share = rounds->settings->touch_share,
    };
    int result = run_player(rounds, &request, err);
    return result < 0 ? result : player_read(str_text(&rounds->answer), out_result, err);
}

/* Every call of the recording was made, or the figures are of something else. */
static int check_calls(const struct rounds *rounds, const struct player_result *result,
                       struct err *err)
{
    const struct script_head *head = rounds->settings->head;
    uint64_t wanted = head->alloc_count + head->realloc_count + head->free_count;
    if (result->call_count != wanted) {
        return err_set(err, EBADMSG, "made %" PRIu64 " of %" PRIu64 " calls", result->call_count,
                       wanted);
    }
    return 0;
}

static void play_round(struct rounds *rounds, struct replay_candidate *candidate, size_t place)
{
    struct err err;
    int result = play(rounds, "memory", candidate, &rounds->memory[place], &err);
    if (result == 0) {
        result = check_calls(rounds, &rounds->memory[place], &err);
    }
    if (result == 0) {
        result = play(rounds, "latency", candidate, &rounds->latency[place], &err);
    }
    if (result < 0) {
        replay_candidate_lose(candidate, &err);
    }
}

static int compare(const void *a, const void *b)
{
    double one = *(const double *)a;
    double other = *(const double *)b;
    return (one > other) - (one < other);
}

/* values[] is sorted in place. */
static struct round_spread spread_of(double *values, size_t count)
{
    qsort(values, count, sizeof(*values), compare);
    return (struct round_spread){
        .median = (values[(count - 1) / 2] + values[count / 2]) / 2,
        .min = values[0],
        .max = values[count - 1],
    };
}

/* What is taken off, as it is there before the first call under plain glibc. */
enum floor_kind {
    FLOOR_NONE,
    FLOOR_RESIDENT,
    FLOOR_PRIVATE,
    FLOOR_COUNT
};

struct column {
    size_t from; /* offset of a uint64_t in struct player_result */
    size_t to;   /* offset of a struct round_spread in struct outcome */
    enum floor_kind floor;
};

#define COLUMN(from_member, to_member, floor)                                                      \
    {                                                                                              \
        offsetof(struct player_result, from_member), offsetof(struct outcome, to_member), floor    \
    }

static const struct column columns[] = {
    COLUMN(rss_peak_bytes, heap_peak_bytes, FLOOR_RESIDENT),
    COLUMN(private_peak_bytes, private_peak_bytes, FLOOR_PRIVATE),
    COLUMN(rss_mean_bytes, heap_mean_bytes, FLOOR_RESIDENT),
    COLUMN(rss_end_bytes, heap_end_bytes, FLOOR_RESIDENT),
    COLUMN(rss_at_peak_bytes, heap_at_peak_bytes, FLOOR_RESIDENT),
    COLUMN(fault_count, fault_count, FLOOR_NONE),
    COLUMN(cpu_ns, cpu_ns, FLOOR_NONE),
    COLUMN(wall_ns, wall_ns, FLOOR_NONE),
};

static void sum_up_memory(const struct rounds *rounds, const struct player_result *results,
                          double *values, struct outcome *outcome)
{
    size_t count = rounds->settings->repetition_count;
    const uint64_t floors[FLOOR_COUNT] = {
        [FLOOR_RESIDENT] = rounds->ready.rss_ready_bytes,
        [FLOOR_PRIVATE] = rounds->ready.private_ready_bytes,
    };
    for (size_t c = 0; c < sizeof(columns) / sizeof(columns[0]); c++) {
        uint64_t floor_bytes = floors[columns[c].floor];
        for (size_t i = 0; i < count; i++) {
            const uint64_t *value =
                (const uint64_t *)(const void *)((const char *)&results[i] + columns[c].from);
            values[i] = *value > floor_bytes ? (double)(*value - floor_bytes) : 0;
        }
        *(struct round_spread *)(void *)((char *)outcome + columns[c].to) =
            spread_of(values, count);
    }
}

static void sum_up_latency(const struct rounds *rounds, const struct player_result *results,
                           double *values, struct outcome *outcome)
{
    size_t count = rounds->settings->repetition_count;
    for (unsigned call = 0; call < PLAYER_CALL_COUNT; call++) {
        outcome->call_counts[call] = results[0].latencies[call].count;
        for (size_t i = 0; i < count; i++) {
            values[i] = results[i].latencies[call].p50_ns;
        }
        outcome->p50_ns[call] = spread_of(values, count);
        for (size_t i = 0; i < count; i++) {
            values[i] = results[i].latencies[call].p99_ns;
        }
        outcome->p99_ns[call] = spread_of(values, count);
        for (size_t i = 0; i < count; i++) {
            values[i] = results[i].latencies[call].p999_ns;
        }
        outcome->p999_ns[call] = spread_of(values, count);
        for (size_t i = 0; i < count; i++) {
            values[i] = results[i].latencies[call].max_ns;
        }
        outcome->max_ns[call] = spread_of(values, count);
    }
}

static int run_all(struct rounds *rounds, struct replay_candidate *candidates, size_t count,
                   struct err *err)
{
    const struct rounds_settings *settings = rounds->settings;
    int result = play(rounds, "ready", NULL, &rounds->ready, err);
    if (result < 0) {
        err_prepend(err, "the replay");
        return result;
    }
    for (size_t round = 0; round < settings->repetition_count; round++) {
        for (size_t i = 0; i < count; i++) {
            size_t candidate = (i + round) % count;
            if (settings->watcher != NULL) {
                settings->watcher(settings->context, round * count + i,
                                  settings->repetition_count * count);
            }
            if (!candidates[candidate].is_lost) {
                play_round(rounds, &candidates[candidate],
                           candidate * settings->repetition_count + round);
            }
        }
    }
    return 0;
}

static void raise_to(uint64_t *level, uint64_t value)
{
    *level = value > *level ? value : *level;
}

static void sum_up(const struct rounds *rounds, const struct replay_candidate *candidates,
                   struct outcome *outcomes, size_t count, double *values)
{
    size_t repetition_count = rounds->settings->repetition_count;
    for (size_t i = 0; i < count; i++) {
        outcomes[i] = (struct outcome){0};
        if (candidates[i].is_lost) {
            continue;
        }
        const struct player_result *memory = &rounds->memory[i * repetition_count];
        outcomes[i].run_count = repetition_count;
        for (size_t run = 0; run < repetition_count; run++) {
            raise_to(&outcomes[i].failed_count, memory[run].failed_count);
            raise_to(&outcomes[i].missed_count, memory[run].missed_count);
        }
        sum_up_memory(rounds, memory, values, &outcomes[i]);
        sum_up_latency(rounds, &rounds->latency[i * repetition_count], values, &outcomes[i]);
    }
}

static void free_texts(struct rounds *rounds)
{
    str_fini(&rounds->answer);
    str_fini(&rounds->talk);
    str_fini(&rounds->preload);
}

int rounds_play_curve(const struct rounds_settings *settings,
                      const struct replay_candidate *candidate, double touch_share,
                      struct resident_curve *out_curve, struct err *err)
{
    struct rounds rounds = {.settings = settings};
    const struct play_request request = {
        .what = "curve",
        .candidate = candidate,
        .mode = ROUNDS_SERIAL,
        .touch_share = touch_share,
    };
    int result = run_player(&rounds, &request, err);
    if (result == 0) {
        result = resident_curve_read(str_text(&rounds.answer), out_curve, err);
    }
    if (result < 0) {
        err_prepend(err, "the replay on the recorded allocator");
    }
    free_texts(&rounds);
    return result;
}

int rounds_play_worst(const struct rounds_settings *settings,
                      const struct replay_candidate *candidate, uint64_t *out_ns, struct err *err)
{
    struct rounds rounds = {.settings = settings};
    const struct play_request request = {
        .what = "worst",
        .candidate = candidate,
        .mode = ROUNDS_SERIAL,
        .touch_share = settings->touch_share,
    };
    struct player_result result = {0};
    int code = run_player(&rounds, &request, err);
    if (code == 0) {
        code = player_read(str_text(&rounds.answer), &result, err);
    }
    *out_ns = result.worst_ns;
    free_texts(&rounds);
    return code;
}

int rounds_run(const struct rounds_settings *settings, struct replay_candidate *candidates,
               struct outcome *out_outcomes, size_t count, struct err *err)
{
    size_t run_count = count * settings->repetition_count;
    struct rounds rounds = {
        .settings = settings,
        .memory = calloc(run_count + 1, sizeof(*rounds.memory)),
        .latency = calloc(run_count + 1, sizeof(*rounds.latency)),
    };
    double *values = calloc(settings->repetition_count + 1, sizeof(*values));
    int result = 0;
    if (rounds.memory == NULL || rounds.latency == NULL || values == NULL) {
        result = err_set_errno(err, ENOMEM, "cannot replay");
    }
    if (result == 0) {
        result = run_all(&rounds, candidates, count, err);
    }
    if (result == 0) {
        sum_up(&rounds, candidates, out_outcomes, count, values);
    }
    free_texts(&rounds);
    free(rounds.memory);
    free(rounds.latency);
    free(values);
    return result;
}
