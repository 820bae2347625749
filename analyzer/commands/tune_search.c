/*
 * tune_search.c - successive halving: all settings replayed once, the better half of them twice,
 * and so on, beside the recorded allocator and the others as they come (tune_search in
 * tune_answer.h).
 */
#include <string.h>
#include <time.h>

#include "../advice/halving.h"
#include "tune_answer.h"

enum {
    REPETITIONS_MIN = 2,
};

struct tune_job {
    struct tune_answer *tune;
    struct recommend_replay *replay;
    struct halving_plan plan;
    size_t yardstick_count;
};

static bool is_measured(const struct tune_entry *entry)
{
    return entry->repetition_count > 0 && !entry->tried->contender.is_lost;
}

/* ---- all of them, once ------------------------------------------------------------------------
 */

static int play_once(struct tune_job *job, struct tune_entry *entry, struct err *err)
{
    struct recommend_replay *replay = job->replay;
    int result = 0;
    replay_candidate_check(&entry->tried->candidate, replay->program);
    uint64_t before_ns = recommend_time_left_ns(replay);
    if (!entry->tried->candidate.is_lost) {
        result = recommend_play_once(replay, entry->tried, err);
        entry->repetition_count = 1;
        job->tune->replay_count++;
    }
    entry->round_ns = before_ns - recommend_time_left_ns(replay);
    recommend_compare(job->tune->answer, entry->tried);
    job->tune->tried_count++;
    return result;
}

/* What the last rung takes, with the fewest repetitions that tell a range. */
static uint64_t reserve_ns(const struct tune_job *job)
{
    return (HALVING_LAST + job->yardstick_count) * REPETITIONS_MIN * job->replay->round_ns;
}

/* Those from `first` on, as long as no more than `max` have been tried in all. */
static int play_from(struct tune_job *job, size_t first, size_t max, struct err *err)
{
    struct tune_answer *tune = job->tune;
    int result = 0;
    for (size_t i = first; i < tune->entry_count && result == 0; i++) {
        struct tune_entry *entry = &tune->entries[i];
        uint64_t needed_ns = job->replay->round_ns + reserve_ns(job);
        if (tune->tried_count >= max || !recommend_is_time_left(job->replay, needed_ns)) {
            tune->untried_count++;
        } else {
            result = play_once(job, entry, err);
        }
    }
    return result;
}

/* ---- rungs ------------------------------------------------------------------------------------
 */

/* Fills out_places with the yardsticks and then the best others; returns how many. */
static size_t choose(const struct tune_job *job, size_t count, size_t *out_places)
{
    const struct tune_answer *tune = job->tune;
    struct contender contenders[TUNE_ENTRIES_MAX];
    size_t order[TUNE_ENTRIES_MAX];
    size_t chosen = 0;
    for (size_t i = 0; i < tune->entry_count; i++) {
        const struct tune_entry *entry = &tune->entries[i];
        contenders[i] = entry->tried->contender;
        contenders[i].is_lost = !is_measured(entry);
        if (entry->is_yardstick && is_measured(entry)) {
            out_places[chosen++] = i;
        }
    }
    front_sort(tune->answer->goal, contenders, tune->entry_count, order);
    size_t last = chosen + count;
    for (size_t i = 0; i < tune->entry_count && chosen < last; i++) {
        const struct tune_entry *entry = &tune->entries[order[i]];
        if (is_measured(entry) && !entry->is_yardstick && entry->is_alive) {
            out_places[chosen++] = order[i];
        }
    }
    return chosen;
}

static uint64_t cost_ns(const struct tune_job *job, const size_t *places, size_t count)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < count; i++) {
        sum += job->tune->entries[places[i]].round_ns;
    }
    return sum;
}

static int play_rung(struct tune_job *job, const size_t *places, size_t count, unsigned repetitions,
                     struct err *err)
{
    struct tune_answer *tune = job->tune;
    struct recommend_tried *tried[TUNE_ENTRIES_MAX];
    for (size_t i = 0; i < tune->entry_count; i++) {
        tune->entries[i].is_alive = false;
    }
    for (size_t i = 0; i < count; i++) {
        tried[i] = tune->entries[places[i]].tried;
        tune->entries[places[i]].is_alive = true;
        tune->entries[places[i]].repetition_count = repetitions;
    }
    int result = recommend_play_several(job->replay, tried, count, repetitions, err);
    for (size_t i = 0; i < tune->entry_count && result == 0; i++) {
        if (tune->entries[i].repetition_count > 0) {
            recommend_compare(tune->answer, tune->entries[i].tried);
        }
    }
    job->replay->done_count += (uint64_t)count * repetitions;
    tune->replay_count += (uint64_t)count * repetitions;
    return result;
}

/* A rung as planned, or smaller where time is short; none where not even that can be. */
static int climb(struct tune_job *job, size_t rung, struct err *err)
{
    size_t places[TUNE_ENTRIES_MAX];
    bool is_last = rung + 1 == job->plan.rung_count;
    size_t wanted = job->plan.rungs[rung].count;
    unsigned repetitions = job->plan.rungs[rung].repetitions;
    size_t count = choose(job, wanted, places);
    uint64_t left_ns = recommend_time_left_ns(job->replay);
    if (!is_last && repetitions * cost_ns(job, places, count) + reserve_ns(job) > left_ns) {
        return 0;
    }
    while (repetitions > REPETITIONS_MIN && repetitions * cost_ns(job, places, count) > left_ns) {
        repetitions--;
    }
    while (wanted > 1 && repetitions * cost_ns(job, places, count) > left_ns) {
        count = choose(job, --wanted, places);
    }
    if (repetitions * cost_ns(job, places, count) > left_ns && !is_last) {
        return 0;
    }
    return play_rung(job, places, count, repetitions, err);
}

/* ---- where they stand -------------------------------------------------------------------------
 */

static void find_front(struct tune_answer *tune)
{
    struct contender contenders[TUNE_ENTRIES_MAX];
    struct front_standing standings[TUNE_ENTRIES_MAX];
    for (size_t i = 0; i < tune->entry_count; i++) {
        const struct tune_entry *entry = &tune->entries[i];
        contenders[i] = entry->tried->contender;
        contenders[i].is_lost = !is_measured(entry) || !entry->is_alive;
    }
    front_find(tune->answer->goal, contenders, tune->entry_count, standings);
    for (size_t i = 0; i < tune->entry_count; i++) {
        tune->entries[i].standing = standings[i];
    }
}

static size_t count_yardsticks(const struct tune_answer *tune)
{
    size_t count = 0;
    for (size_t i = 0; i < tune->entry_count; i++) {
        count += tune->entries[i].is_yardstick;
    }
    return count;
}

/* The recorded allocator, the others as they come, and from that which settings to search. */
static int begin(struct tune_job *job, struct err *err)
{
    struct tune_answer *tune = job->tune;
    job->replay->round_ns = 0; /* of this mode it is another */
    int result = tune_begin_entries(tune, err);
    job->yardstick_count = tune->entry_count;
    job->replay->done_count = 0;
    job->replay->total_count = tune->entry_count;
    if (result == 0) {
        result = play_once(job, &tune->entries[0], err);
    }
    if (result == 0 && job->replay->round_ns > 0) {
        result = play_from(job, 1, tune->entry_count, err);
    }
    if (result == 0) {
        result = tune_make_entries(tune, err);
    }
    job->yardstick_count = count_yardsticks(tune);
    return result;
}

/* What is left of the time, for settings and rungs. */
static void plan(struct tune_job *job)
{
    const struct tune_answer *tune = job->tune;
    uint64_t round_ns = job->replay->round_ns;
    size_t count = tune->entry_count - tune->tried_count + TUNE_COMBINED_MAX;
    job->plan =
        halving_plan_make(count, job->yardstick_count,
                          round_ns > 0 ? recommend_time_left_ns(job->replay) / round_ns : 0);
    job->replay->done_count = 0;
    job->replay->total_count = job->plan.replay_count;
}

static int try_all(struct tune_job *job, struct err *err)
{
    struct tune_answer *tune = job->tune;
    size_t first = tune->tried_count + tune->untried_count;
    size_t first_combined = tune->entry_count;
    size_t wanted = job->plan.rung_count == 0 ? 0 : job->plan.rungs[0].count;
    size_t combined = wanted > 2 * TUNE_COMBINED_MAX ? TUNE_COMBINED_MAX : wanted / 3;
    size_t max = tune->tried_count + wanted;
    int result = play_from(job, first, max - combined, err);
    if (result == 0) {
        result = tune_combine_entries(tune, err);
    }
    if (result == 0) {
        result = play_from(job, first_combined, max, err);
    }
    for (size_t i = 0; i < tune->entry_count; i++) {
        tune->entries[i].is_alive = is_measured(&tune->entries[i]);
    }
    return result;
}

int tune_search(struct tune_answer *tune, struct recommend_replay *replay, struct err *err)
{
    struct tune_job job = {.tune = tune, .replay = replay};
    int result = begin(&job, err);
    if (result == 0) {
        plan(&job);
        result = try_all(&job, err);
    }
    for (size_t rung = job.plan.rung_count > 1 ? 1 : 0; rung < job.plan.rung_count && result == 0;
         rung++) {
        result = climb(&job, rung, err);
    }
    find_front(tune);
    return result;
}
