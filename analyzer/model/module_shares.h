/*
 * module_shares.h - which modules (the program, its libraries) ask for memory.
 *
 * A site belongs to the module of the frame that is shown for it: the first that is no wrapper of
 * an allocator.
 */
#ifndef ALLOCAUDIT_MODULE_SHARES_H
#define ALLOCAUDIT_MODULE_SHARES_H

#include <stddef.h>
#include <stdint.h>

#include "../base/err.h"
#include "sites.h"
#include "stacks.h"

struct module_share {
    const char *path; /* a module of the recording; NULL: not in any known module */
    const char *build_id;
    const char *symbols; /* NULL where path is */
    uint64_t site_count;
    uint64_t allocation_count;
    uint64_t allocated_bytes;
};

/* Most allocations first; modules without any come last, by path. The keys count and bytes must be
 * loaded. Returns the number of shares, at most INT_MAX, and *out_shares is the caller's to free();
 * or a negative errno. */
int module_shares_load(const struct trace *trace, struct stacks *stacks, const struct sites *sites,
                       struct module_share **out_shares, struct err *err);

#endif
