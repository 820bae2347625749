/*
 * replay_candidate.h - one allocator that a recording is replayed on: what it takes to run under
 * it, and whether its options really took.
 *
 * An allocator that does not know an option says nothing, or a line that nobody reads, and runs
 * with what it had. Here that is an error: what was asked for is compared with what the allocator
 * itself says, where it can say it. Single thread.
 */
#ifndef ALLOCAUDIT_REPLAY_CANDIDATE_H
#define ALLOCAUDIT_REPLAY_CANDIDATE_H

#include <stdbool.h>

#include "../../interposer/policy/settings.h"
#include "../base/err.h"
#include "../catalog/allocators.h"
#include "player.h"

enum {
    REPLAY_CANDIDATE_PAIRS_MAX = 60,
};

struct replay_candidate {
    const char *name; /* as it was asked for; must outlive it */
    struct allocator allocator;
    char policy[ALLOCATOR_POLICY_BYTES + sizeof(POLICY_ENV)]; /* NAME=VALUE, of one of our own */
    const char *pairs[REPLAY_CANDIDATE_PAIRS_MAX + 2];        /* NAME=VALUE, NULL-ended */
    struct err problem;
    bool is_lost; /* it cannot be run, or did not end: problem says why */
};

/*
 * Fills *out_candidate from a name or a path. `pairs` (NULL-ended, NAME=VALUE) are for all
 * candidates and must outlive it. Returns 0 (also where the library is missing: then it is lost),
 * or -EINVAL: the name is wrong, told with the nearest right one.
 */
int replay_candidate_init(struct replay_candidate *candidate, const char *name,
                          const char *const *pairs, struct err *err);

/*
 * Runs allocaudit-replay on it, without a script: `words` are its arguments, NULL-ended. As
 * player_run() otherwise; what it says on stderr is left out.
 */
int replay_candidate_run(const struct replay_candidate *candidate, const char *program,
                         const char *const *words, struct str *out_answer, struct err *err);

/* Runs it once without a script and compares. If something did not take, it is lost. */
void replay_candidate_check(struct replay_candidate *candidate, const char *program);

/* It is lost, for the reason in err. */
void replay_candidate_lose(struct replay_candidate *candidate, const struct err *err);

#endif
