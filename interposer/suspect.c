#include "suspect.h"

#include <stddef.h>

#include "../schema/plan_table.h"
#include "environment.h"
#include "policy/settings.h"
#include "real.h"
#include "sys.h"

struct suspect_marks suspect_marks;
_Atomic uint64_t suspect_regions[SUSPECT_REGIONS];

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

bool suspect_probe(const void *block)
{
    uintptr_t address = (uintptr_t)block;
    uint64_t region = address >> SUSPECT_REGION_BITS;
    if (!sys_is_word_readable(address - 8) || !sys_is_word_readable(address + 8)) {
        return false;
    }
    atomic_store_explicit(&suspect_regions[region % SUSPECT_REGIONS], region + 1,
                          memory_order_relaxed);
    return true;
}

bool suspect_is_free_by_far(const void *block)
{
    const uint64_t *words = block;
    uint64_t size = words[-1];
    const uint64_t *neighbour = words + size / 8 - 1;
    if (size < SUSPECT_LARGE || (size & SUSPECT_IS_MAPPED) != 0 ||
        suspect_is_one_page(neighbour, words - 1)) {
        return false;
    }
    return !suspect_may_read(neighbour) || (*neighbour & SUSPECT_PREVIOUS_IN_USE) == 0;
}
