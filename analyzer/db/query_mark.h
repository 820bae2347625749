/*
 * query_mark.h - the ends of frames that a program has announced (allocaudit_frame()), in the order
 * of time. Single thread.
 */
#ifndef ALLOCAUDIT_QUERY_MARK_H
#define ALLOCAUDIT_QUERY_MARK_H

#include <stddef.h>
#include <stdint.h>

#include "../base/err.h"
#include "open.h"

struct frame_mark {
    uint64_t at_ns;
    uint32_t thread_id;
};

/* Returns 0 and *out_marks is the caller's, to be freed; or a negative errno, told in err. */
int query_frame_marks(struct db *db, uint32_t process_id, struct frame_mark **out_marks,
                      size_t *out_count, struct err *err);

#endif
