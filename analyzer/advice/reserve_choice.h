/*
 * reserve_choice.h - where reserving a buffer at once could be worth a change of the program: the
 * sites that are worth measuring.
 *
 * A site is chosen if all of its steps, taken away, could save a share of the CPU time or of the
 * peak that counts. Its share of the time in realloc is taken for as large as its share of the
 * steps or of the bytes copied, whichever is larger; of the peak a move can take as much as its old
 * block. So a site that is left out could not have gained. No state.
 */
#ifndef ALLOCAUDIT_RESERVE_CHOICE_H
#define ALLOCAUDIT_RESERVE_CHOICE_H

#include "../analyses/growth.h"

enum {
    RESERVE_CHOICES_MAX = 3,
};

struct reserve_yardstick {
    double realloc_time_ns; /* of the whole process; not a number: not known */
    double cpu_time_ns;
    double peak_bytes;  /* resident */
    double share_least; /* of CPU time or peak, to be worth it */
};

struct reserve_choice {
    uint32_t stack_id;
    struct growth_reserve reserve; /* for 99 % of its blocks */
};

/* The best first; how many there are. */
size_t reserve_choose(const struct growth *growth, const struct reserve_yardstick *yardstick,
                      struct reserve_choice out_choices[RESERVE_CHOICES_MAX]);

#endif
