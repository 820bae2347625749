/*
 * counted_leaks.h - which of the blocks that were live at the end count as leaks: those of chosen
 * kinds that no suppression names. Single thread.
 */
#ifndef ALLOCAUDIT_COUNTED_LEAKS_H
#define ALLOCAUDIT_COUNTED_LEAKS_H

#include "site_leaks.h"
#include "sites.h"
#include "stacks.h"
#include "suppressions.h"

struct counted_leaks {
    unsigned kinds;                    /* LEAK_BIT; blocks of unknown kind count in any case */
    struct suppressions *suppressions; /* NULL: none; gets what it has suppressed */
};

/*
 * Takes what does not count off the keys LEAKED and LEAKED_COUNT of the sites, where they are
 * loaded. Returns 0 or a negative errno.
 */
int counted_leaks_apply(const struct counted_leaks *counted, const struct site_leaks *leaks,
                        struct stacks *stacks, struct sites *sites, struct err *err);

#endif
