/*
 * completeness.h - whether a recording holds what an answer has to be made of.
 *
 * What lacks calls looks like a smaller program: a limit that holds then proves nothing, and the
 * rest would be played as if it were all. Single thread.
 */
#ifndef ALLOCAUDIT_COMPLETENESS_H
#define ALLOCAUDIT_COMPLETENESS_H

#include <stdbool.h>
#include <stdint.h>

#include "../base/err.h"
#include "trace.h"

struct completeness_need {
    const char *verb; /* "replay": errors begin with "cannot replay 'FILE': " */
    const char *hint; /* how to get an answer from an incomplete one; NULL: there is no way */
    const char *unseen_hint; /* the same where the program behind a shell was not seen */
    uint32_t process_id;     /* whose events must all be there; 0: of all processes */
    bool has_each_call;      /* sums are not enough */
    bool may_be_unseen;      /* that program */
    bool may_be_cut;         /* events may be lost, at the end or on the way */
};

/* Returns 0, or -ENODATA with what is missing in err. */
int completeness_check(const struct trace *trace, const struct completeness_need *need,
                       struct err *err);

#endif
