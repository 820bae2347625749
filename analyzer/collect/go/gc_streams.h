/*
 * gc_streams.h - which of the Go programs that write to one stderr a collection belongs to.
 *
 * Their lines do not say. But each program counts its collections from 1, and the time in a line is
 * counted from the program's start, so that the moment at which it was read, less that time, is
 * that start or a little later. A line goes on the program whose count it continues, and of several
 * the one with the nearest start. Single thread.
 */
#ifndef ALLOCAUDIT_GC_STREAMS_H
#define ALLOCAUDIT_GC_STREAMS_H

#include <stdbool.h>
#include <stdint.h>

#include "../../go/gctrace.h"

enum {
    GC_STREAMS_MAX = 64, /* programs at a time; the one heard least recently is forgotten */
};

struct gc_stream {
    uint64_t last_cycle;
    uint64_t started_ns; /* the earliest that its lines say */
    uint64_t heard_ns;
};

struct gc_streams {
    struct gc_stream items[GC_STREAMS_MAX]; /* [0] is the command's own */
    unsigned count;
};

/* Begins with the command, started at that moment. */
void gc_streams_begin(struct gc_streams *streams, uint64_t started_ns);

/* A line was read at `at_ns`. True if it is the command's own. */
bool gc_streams_is_own(struct gc_streams *streams, const struct gc_cycle *cycle, uint64_t at_ns);

#endif
