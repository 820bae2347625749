/*
 * relay_note.h - what the process that relays a Go program's stderr tells the collector: a message
 * of a sequenced socket each, as long as its kind needs.
 */
#ifndef ALLOCAUDIT_RELAY_NOTE_H
#define ALLOCAUDIT_RELAY_NOTE_H

#include <stddef.h>
#include <stdint.h>

#include "../../go/gctrace.h"
#include "../../go/object_trace.h"

enum relay_note_kind {
    RELAY_NOTE_CYCLE,
    RELAY_NOTE_SCAVENGE,
    RELAY_NOTE_OBJECT,
    RELAY_NOTE_END, /* everything written before it was asked has been passed on */
};

/* What has happened, and when its line was read. */
struct relay_note {
    uint32_t kind; /* enum relay_note_kind */
    uint32_t padding;
    uint64_t at_ticks;
    uint64_t unread_count; /* so far */
    uint64_t lost_count;
    uint64_t damaged_count;
    struct gc_cycle cycle;
    struct scavenge scavenge;
    struct traced_object object; /* only of RELAY_NOTE_OBJECT, and only as many frames as it has */
};

/* How long such a message is. */
static inline size_t relay_note_bytes(uint32_t kind, uint32_t frame_count)
{
    return kind != RELAY_NOTE_OBJECT
               ? offsetof(struct relay_note, object)
               : offsetof(struct relay_note, object) + offsetof(struct traced_object, frames) +
                     frame_count * sizeof(uint64_t);
}

#endif
