#include "suspect.h"

#include <stddef.h>

#include "../schema/plan_table.h"
#include "environment.h"
#include "policy/settings.h"
#include "real.h"

struct suspect_marks suspect_marks;

enum {
    POINTER_BITS = 47, /* a secret is any 64 bits; links of lists are addresses */
};

void suspect_begin(bool is_glibc)
{
    bool is_routed = environment_find(POLICY_ENV) != NULL || environment_find(PLAN_ENV) != NULL;
    if (is_glibc && !is_routed && suspect_marks.free_secret == SUSPECT_NOTHING) {
        suspect_marks.free_secret = SUSPECT_TO_LEARN;
    }
}

/* Reads a block that was just freed: it lies on a list of this thread, whom nobody else can give it
 * away for. Were it returned to the system, its size would have said so. */
void suspect_learn(void *block)
{
    enum {
        SMALL = 1040, /* the lists of a thread hold no larger ones */
    };
    volatile const uint64_t *words = block;
    uint64_t before = words[1];
    bool is_small = words[-1] < SMALL;
    real.free(block);
    uint64_t after = is_small ? words[1] : before;
    if (after != before && after >> POINTER_BITS != 0) {
        suspect_marks.free_secret = after;
    }
}
