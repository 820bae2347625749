/*
 * arena_choice.h - which call sites could share an arena that is reset when a frame ends: those of
 * which every block that was made in a frame was freed in that frame, warm-up included.
 *
 * Next to nothing of a site may be allocated outside of frames, and all of them together must be
 * able to save a share of the CPU time or of the peak that counts: the time of their calls, twice
 * since each block is freed, or by their share of all calls; or what they had live at most. So
 * sites that are left out could not have gained. Single thread.
 */
#ifndef ALLOCAUDIT_ARENA_CHOICE_H
#define ALLOCAUDIT_ARENA_CHOICE_H

#include <stddef.h>
#include <stdint.h>

#include "../analyses/frames.h"
#include "../base/err.h"
#include "../db/open.h"

enum {
    ARENA_SITES_MAX = 64,
};

struct arena_yardstick {
    double allocator_time_ns; /* of the whole process, like the others */
    double allocation_count;
    double cpu_time_ns;
    double peak_bytes;  /* resident */
    double share_least; /* of CPU time or peak, to be worth it */
};

struct arena_choice {
    const struct frame_series *series;
    uint32_t stack_ids[ARENA_SITES_MAX]; /* by allocations, most first */
    size_t stack_count;                  /* 0: no arena could gain enough */
    uint64_t allocation_count;           /* of all of them */
    uint64_t size_max_bytes;             /* of a block */
    uint64_t frame_max_bytes;            /* that a frame allocates, of other sites, too */
    double live_max_bytes;               /* of all of them, if they had most live at once */
    double time_ns;                      /* in the calls that allocate there, estimated */
};

/* Of one series of frames of a process. Returns 0 or the negative errno of a failed read. */
int arena_choose(struct db *db, uint32_t process_id, const struct frame_series *series,
                 const struct arena_yardstick *yardstick, struct arena_choice *out_choice,
                 struct err *err);

#endif
