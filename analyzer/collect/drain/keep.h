/*
 * keep.h - writes to the journal what a recording could not be continued without (journal.h).
 */
#ifndef ALLOCAUDIT_KEEP_H
#define ALLOCAUDIT_KEEP_H

#include <stdbool.h>
#include <stdint.h>

#include "../../../schema/event.h"
#include "../../base/err.h"
#include "../recording/recording.h"
#include "reader.h"

/* True for an event that is not the plain birth or death of a block. */
static inline bool keep_is_wanted(const uint64_t *words)
{
    unsigned tag = event_tag(words[0]);
    return !(tag - EVENT_ALLOC < ALLOC_KIND_MMAP || tag - EVENT_FREE < FREE_KIND_COUNT ||
             tag - EVENT_ALLOC_WIDE < ALLOC_KIND_MMAP || tag >= EVENT_PAUSED_ALLOC);
}

/* Notes the event at the reader's position and applies it. Returns as subject_apply(). */
int keep_and_apply(struct recording *recording, struct reader *reader, const uint64_t *words,
                   uint64_t stamp_ns, struct err *err);

/* A sample of the resident set was taken. */
void keep_rss(struct subject *subject, uint64_t at_ns, uint64_t rss_bytes);

/* The subject has ended as `end` and the fields beside it say. */
void keep_end(const struct subject *subject);

#endif
