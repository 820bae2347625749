/*
 * recommend_verdict.c - whether there is anything to win, what to advise, and why not
 * (recommend_judge_headroom and recommend_decide in recommend_replay.h).
 */
#include "recommend_parts.h"
#include "recommend_replay.h"

int recommend_say_no(struct recommend_answer *answer, enum recommend_verdict verdict, int result)
{
    answer->verdict = verdict;
    return result;
}

int recommend_judge_headroom(struct recommend_answer *answer)
{
    const struct outcome *now = &answer->tried[0].outcome;
    const struct evidence_heap heap = {
        .peak_bytes = now->heap_peak_bytes.median,
        .mean_bytes = answer->has_mean ? recommend_mean_of(answer, now).median : 0,
    };
    answer->headroom = evidence_headroom(&answer->evidence, &heap);
    if (answer->goal->is_absolute || !headroom_is_none(&answer->headroom)) {
        return 0;
    }
    return recommend_say_no(
        answer, RECOMMEND_NO_CHANGE,
        str_printf(&answer->why,
                   "there is nothing to win: %.1f %% of its memory is lost by the "
                   "allocator at the peak, %.1f %% on average, and %.1f %% of its CPU "
                   "time is spent in it; below %.0f %% no allocator can be worth it",
                   100 * answer->headroom.peak, 100 * answer->headroom.mean,
                   100 * answer->headroom.cpu, 100 * ADVICE_HEADROOM_LEAST));
}

static int explain_no(struct recommend_answer *answer)
{
    const struct decision *decision = &answer->decision;
    if (decision->best == answer->tried_count - 1) {
        answer->verdict = RECOMMEND_INSUFFICIENT;
        return str_append(&answer->why, answer->untried_count > 0
                                            ? "only what was recorded could be replayed"
                                            : "no other allocator could be replayed: are jemalloc, "
                                              "tcmalloc or mimalloc installed?");
    }
    const struct recommend_tried *best = &answer->tried[decision->best + 1];
    enum advice_measure breach = decision_breach(answer->goal, &best->contender);
    if (decision->score > -answer->goal->least) {
        return str_printf(
            &answer->why,
            "the best of %zu tried (%s) changes what counts for '%s' by %+.1f %%, and "
            "less than -%.0f %% is not worth a change",
            answer->tried_count - 1, best->label, answer->goal->word, 100 * decision->score,
            100 * answer->goal->least);
    }
    if (breach != ADVICE_MEASURE_COUNT) {
        return str_printf(&answer->why,
                          "the best (%s) gains %.1f %%, but makes the %s worse by %.1f %%",
                          best->label, -100 * decision->score, recommend_measures[breach].label,
                          100 * best->contender.changes[breach].value);
    }
    return str_printf(&answer->why,
                      "the best (%s) gains %.1f %%, but measurements vary by more than that",
                      best->label, -100 * decision->score);
}

int recommend_decide(struct recommend_answer *answer)
{
    struct contender contenders[RECOMMEND_TRIED_MAX] = {{.is_lost = false}};
    size_t count = answer->tried_count - 1;
    bool has_finals = answer->repetition_count > 0;
    for (size_t i = 0; i < count; i++) {
        contenders[i] = answer->tried[i + 1].contender;
        contenders[i].is_lost |= has_finals && !answer->tried[i + 1].is_final;
    }
    answer->decision = decision_make(answer->goal, contenders, count);
    if (answer->decision.place < count) {
        answer->verdict = RECOMMEND_CHANGE;
        answer->advised = &answer->tried[answer->decision.place + 1];
        return 0;
    }
    answer->verdict = RECOMMEND_NO_CHANGE;
    int result = explain_no(answer);
    if (result == 0 && answer->untried_count > 0) {
        answer->verdict = RECOMMEND_INSUFFICIENT;
        result = str_printf(&answer->why,
                            "; and the time was up before %zu others were tried: give it a longer "
                            "--time-limit",
                            answer->untried_count);
    }
    return result;
}
