/*
 * emit_room.h - room and a stamp for one event that takes the long way.
 */
#ifndef ALLOCAUDIT_EMIT_ROOM_H
#define ALLOCAUDIT_EMIT_ROOM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lane.h"
#include "self.h"

/* Room for one event, and a chunk young enough for its stamp. */
static inline bool emit_reserve(struct self *self, size_t bytes)
{
    struct writer *writer = self_writer(self);
    if (__builtin_expect(!lane_reserve(writer, bytes), 0)) {
        self_give_up(self);
        return false;
    }
    return true;
}

/* The stamp of now. A chunk that has grown too old is left for a fresh one first. */
static inline uint64_t emit_stamp(struct writer *writer)
{
    uint64_t ticks = lane_stamp(writer);
    if (__builtin_expect(ticks >= LANE_STALE_TICKS, 0)) {
        lane_cancel(writer);
        if (lane_refill(writer)) {
            lane_begin(writer);
        }
        ticks = lane_stamp(writer) & (LANE_STALE_TICKS - 1);
    }
    return ticks;
}

#endif
