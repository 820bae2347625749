/*
 * trial_teller.h - what `allocaudit trial` tells while it lasts: its progress, who is left out, and
 * what it waits for.
 */
#ifndef ALLOCAUDIT_TRIAL_TELLER_H
#define ALLOCAUDIT_TRIAL_TELLER_H

#include <stdbool.h>

#include "../cli/term.h"
#include "../trial/trial.h"

struct trial_teller {
    const struct trial *trial;
    struct term_progress progress;
    bool is_output_shown;
};

/* Listens for it; `teller` must outlive the trial. */
struct trial_listener trial_teller_listener(struct trial_teller *teller);

#endif
