#include "replay_candidate.h"

#include <errno.h>
#include <stdio.h>

#include "effective.h"

void replay_candidate_lose(struct replay_candidate *candidate, const struct err *err)
{
    candidate->problem = *err;
    candidate->is_lost = true;
}

int replay_candidate_init(struct replay_candidate *candidate, const char *name,
                          const char *const *pairs, struct err *err)
{
    struct err problem;
    *candidate = (struct replay_candidate){.name = name};
    int result = allocators_find(name, &candidate->allocator, &problem);
    if (result == -EINVAL) {
        return err_set(err, EINVAL, "%s", problem.text);
    }
    if (result < 0) {
        replay_candidate_lose(candidate, &problem);
    }
    size_t count = 0;
    for (; count < REPLAY_CANDIDATE_PAIRS_MAX && pairs[count] != NULL; count++) {
        candidate->pairs[count] = pairs[count];
    }
    if (candidate->allocator.kind == ALLOCATOR_POLICY) {
        (void)snprintf(candidate->policy, sizeof(candidate->policy), POLICY_ENV "=%s",
                       candidate->allocator.policy);
        candidate->pairs[count] = candidate->policy;
    }
    return 0;
}

int replay_candidate_run(const struct replay_candidate *candidate, const char *program,
                         const char *const *words, struct str *out_answer, struct err *err)
{
    const struct player_job job = {
        .program = program,
        .preload = candidate->allocator.path,
        .pairs = candidate->pairs,
        .words = words,
        .script_fd = -1,
    };
    struct str talk = {0};
    int result = player_run(&job, out_answer, &talk, err);
    str_fini(&talk);
    return result;
}

void replay_candidate_check(struct replay_candidate *candidate, const char *program)
{
    struct err err;
    if (!candidate->is_lost && effective_check(candidate, program, &err) < 0) {
        replay_candidate_lose(candidate, &err);
    }
}
