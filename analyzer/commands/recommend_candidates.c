/*
 * recommend_candidates.c - the recorded allocator, and which others with which settings are
 * replayed once (recommend_add_recorded and recommend_try_all in recommend_replay.h).
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "recommend_replay.h"

enum {
    BEST_ALLOCATORS = 2, /* whose variants are tried */
};

static bool is_of_allocators(const char *name)
{
    static const char *const starts[] = {"MALLOC_", "GLIBC_TUNABLES", "MIMALLOC_", "TCMALLOC_"};
    bool is_found = false;
    for (size_t i = 0; i < sizeof(starts) / sizeof(starts[0]); i++) {
        is_found = is_found || strncmp(name, starts[i], strlen(starts[i])) == 0;
    }
    return is_found;
}

int recommend_add_recorded(struct recommend_answer *answer, struct err *err)
{
    struct recommend_tried *tried = &answer->tried[answer->tried_count++];
    const char *library = answer->process->allocator;
    bool is_glibc = env_lint_allocator_of(library) == ENV_LINT_GLIBC;
    size_t count = 0;
    tried->label = "as recorded";
    (void)snprintf(tried->name, sizeof(tried->name), "%s", is_glibc ? "glibc" : library);
    for (size_t i = 0; i < answer->trace->variable_count && count < REPLAY_CANDIDATE_PAIRS_MAX;
         i++) {
        const struct environment_row *variable = &answer->trace->variables[i];
        struct str *pair = &answer->recorded_pairs[count];
        if (!is_of_allocators(variable->name)) {
            continue;
        }
        if (str_printf(pair, "%s=%s", variable->name, variable->value) < 0) {
            return err_set_errno(err, ENOMEM, "cannot recommend");
        }
        tried->pairs[count++] = str_text(pair);
    }
    return replay_candidate_init(&tried->candidate, tried->name, tried->pairs, err);
}

static bool sets_same_variable(const char *pair, const char *other)
{
    size_t length = strcspn(pair, "=");
    return strncmp(pair, other, length + 1) == 0;
}

static bool is_recorded_on(const struct recommend_answer *answer, const char *name)
{
    struct allocator allocator;
    if (allocators_find(name, &allocator, NULL) < 0) {
        return false;
    }
    const char *library = allocator.kind == ALLOCATOR_GLIBC ? "libc.so.6" : allocator.path;
    return allocator.kind != ALLOCATOR_POLICY &&
           env_lint_allocator_of(answer->process->allocator) == env_lint_allocator_of(library);
}

void recommend_join_pairs(const struct recommend_answer *answer, const char *allocator,
                          const char *const *pairs, struct recommend_tried *tried)
{
    const struct recommend_tried *recorded = &answer->tried[0];
    size_t count = 0;
    for (; pairs[count] != NULL; count++) {
        tried->pairs[count] = pairs[count];
    }
    /* As it is means as it is, without any setting. */
    bool is_kept = count > 0 && !answer->has_bad_settings && is_recorded_on(answer, allocator);
    for (size_t i = 0; is_kept && recorded->pairs[i] != NULL; i++) {
        bool is_set = count == REPLAY_CANDIDATE_PAIRS_MAX;
        for (size_t j = 0; pairs[j] != NULL; j++) {
            is_set = is_set || sets_same_variable(pairs[j], recorded->pairs[i]);
        }
        if (!is_set) {
            tried->pairs[count++] = recorded->pairs[i];
        }
    }
}

static int add_remedy(struct recommend_answer *answer, const struct remedy *remedy, struct err *err)
{
    struct recommend_tried *tried = &answer->tried[answer->tried_count];
    const char *const pairs[] = {remedy->pair, NULL};
    *tried = (struct recommend_tried){.remedy = remedy,
                                      .label = remedy->label,
                                      .setting = remedy->pair,
                                      .effort = remedy->effort};
    (void)snprintf(tried->name, sizeof(tried->name), "%s", remedy->allocator);
    if (allocators_find(remedy->allocator, &(struct allocator){0}, NULL) < 0 ||
        (remedy->pair == NULL && answer->tried[0].pairs[0] == NULL &&
         is_recorded_on(answer, remedy->allocator))) {
        return 0;
    }
    recommend_join_pairs(answer, remedy->allocator, pairs, tried);
    int result = replay_candidate_init(&tried->candidate, tried->name, tried->pairs, err);
    answer->tried_count += result == 0;
    return result;
}

static int try_remedy(struct recommend_replay *replay, const struct remedy *remedy, struct err *err)
{
    struct recommend_answer *answer = replay->answer;
    size_t count = answer->tried_count;
    int result = add_remedy(answer, remedy, err);
    if (result < 0 || answer->tried_count == count) {
        return result;
    }
    struct recommend_tried *tried = &answer->tried[count];
    replay_candidate_check(&tried->candidate, replay->program);
    if (!tried->candidate.is_lost) {
        result = recommend_play_once(replay, tried, err);
    }
    recommend_compare(answer, tried);
    return result;
}

/* The allocators of the best so far, each once. */
static size_t find_best(const struct recommend_answer *answer, const char *out_names[])
{
    size_t count = 0;
    while (count < BEST_ALLOCATORS) {
        const struct recommend_tried *best = NULL;
        for (size_t i = 0; i < answer->tried_count; i++) {
            const struct recommend_tried *tried = &answer->tried[i];
            bool is_named =
                tried->contender.is_lost || tried->candidate.allocator.kind == ALLOCATOR_POLICY ||
                decision_breach(answer->goal, &tried->contender) != ADVICE_MEASURE_COUNT;
            for (size_t j = 0; j < count; j++) {
                is_named = is_named || strcmp(out_names[j], tried->name) == 0;
            }
            if (!is_named && (best == NULL || decision_score(answer->goal, &tried->contender) <
                                                  decision_score(answer->goal, &best->contender))) {
                best = tried;
            }
        }
        if (best == NULL) {
            return count;
        }
        out_names[count++] = best->name;
    }
    return count;
}

int recommend_try_all(struct recommend_replay *replay, bool has_variants, struct err *err)
{
    struct recommend_answer *answer = replay->answer;
    const char *names[BEST_ALLOCATORS] = {NULL};
    size_t name_count = has_variants ? find_best(answer, names) : 0;
    size_t count;
    const struct remedy *all = remedies(&count);
    for (size_t i = 0; i < count && answer->tried_count < RECOMMEND_TRIED_MAX; i++) {
        bool is_meant =
            all[i].is_variant == has_variants &&
            remedy_suits(&all[i], &answer->evidence, (enum advice_goal)answer->settings->goal);
        for (size_t j = 0; j < name_count; j++) {
            if (strcmp(names[j], all[i].allocator) == 0) {
                break;
            }
            is_meant = is_meant && j + 1 < name_count;
        }
        if (is_meant &&
            !recommend_is_time_left(replay, (RECOMMEND_FINALISTS + 1) * replay->round_ns)) {
            answer->untried_count += has_variants ? 0 : 1;
        } else if (is_meant) {
            int result = try_remedy(replay, &all[i], err);
            if (result < 0) {
                return result;
            }
        }
    }
    return 0;
}
