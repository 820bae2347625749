/*
 * recommend_finals.c - the best, replayed several times side by side with the recorded one
 * (recommend_play_finals in recommend_replay.h).
 */
#include <errno.h>
#include <stdlib.h>

#include "recommend_replay.h"

enum {
    REPETITIONS_MAX = 5,
    REPETITIONS_MIN = 2,
};

/* Marks the best that the goal allows; the recorded one is always there. */
static size_t choose_finalists(struct recommend_answer *answer)
{
    size_t count = 1;
    answer->tried[0].is_final = true;
    while (count <= RECOMMEND_FINALISTS) {
        struct recommend_tried *best = NULL;
        for (size_t i = 1; i < answer->tried_count; i++) {
            struct recommend_tried *tried = &answer->tried[i];
            double score = decision_score(answer->goal, &tried->contender);
            if (!tried->contender.is_lost && !tried->is_final &&
                decision_breach(answer->goal, &tried->contender) == ADVICE_MEASURE_COUNT &&
                score < -answer->goal->least / 2 &&
                (best == NULL || score < decision_score(answer->goal, &best->contender))) {
                best = tried;
            }
        }
        if (best == NULL) {
            return count;
        }
        best->is_final = true;
        count++;
    }
    return count;
}

static unsigned repetitions_for(const struct recommend_replay *replay, size_t count)
{
    unsigned repetitions = REPETITIONS_MAX;
    while (repetitions > REPETITIONS_MIN &&
           !recommend_is_time_left(replay, repetitions * count * replay->round_ns)) {
        repetitions--;
    }
    return repetitions;
}

int recommend_play_several(struct recommend_replay *replay, struct recommend_tried **tried,
                           size_t count, unsigned repetitions, struct err *err)
{
    struct replay_candidate *candidates = calloc(count + 1, sizeof(*candidates));
    struct outcome *outcomes = calloc(count + 1, sizeof(*outcomes));
    int result =
        candidates == NULL || outcomes == NULL ? err_set_errno(err, ENOMEM, "cannot replay") : 0;
    for (size_t i = 0; i < count && result == 0; i++) {
        candidates[i] = tried[i]->candidate;
    }
    replay->rounds.repetition_count = repetitions;
    if (result == 0) {
        result = rounds_run(&replay->rounds, candidates, outcomes, count, err);
    }
    for (size_t i = 0; i < count && result == 0; i++) {
        tried[i]->outcome = outcomes[i];
        tried[i]->candidate.is_lost = candidates[i].is_lost;
        tried[i]->candidate.problem = candidates[i].problem;
        result = recommend_measure_extremes(replay, tried[i], err);
    }
    free(candidates);
    free(outcomes);
    return result;
}

int recommend_play_finals(struct recommend_replay *replay, struct err *err)
{
    struct recommend_answer *answer = replay->answer;
    struct recommend_tried *finalists[RECOMMEND_FINALISTS + 1];
    size_t count = choose_finalists(answer);
    if (count == 1) {
        return 0;
    }
    count = 0;
    for (size_t i = 0; i < answer->tried_count; i++) {
        if (answer->tried[i].is_final) {
            finalists[count++] = &answer->tried[i];
        }
    }
    answer->repetition_count = repetitions_for(replay, count);
    replay->done_count = 0;
    replay->total_count = count * answer->repetition_count;
    int result = recommend_play_several(replay, finalists, count, answer->repetition_count, err);
    for (size_t i = 0; i < answer->tried_count && result == 0; i++) {
        recommend_compare(answer, &answer->tried[i]);
    }
    return result;
}
