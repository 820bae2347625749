/*
 * selfcheck.h - what the self-check of call stacks has found (RING_UNWIND_CHECK), for people.
 *
 * The ring is shared with the program, so nothing in it is believed: counts are only shown, and
 * indices are checked.
 */
#ifndef ALLOCAUDIT_SELFCHECK_H
#define ALLOCAUDIT_SELFCHECK_H

#include <stdbool.h>

#include "../../schema/ring.h"
#include "../base/str.h"
#include "recording/recording.h"

/*
 * Appends lines, each ended by '\n': the counts first, then the first stacks that differed, with
 * the function names that their files give. *out_is_passed: all agreed, and they could be compared.
 * Returns 0 or -ENOMEM.
 */
int selfcheck_describe(const struct ring_check *check, const struct recording *recording,
                       struct str *text, bool *out_is_passed);

#endif
