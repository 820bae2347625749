/*
 * object_trace.h - what a Go program's runtime writes to stderr under GODEBUG=allocfreetrace=1:
 * every object, as it is allocated and as it is swept.
 *
 *     tracealloc(0xc000079860, 0xd0, uint8)
 *     goroutine 1 [running]:
 *     runtime.mallocgc(0xc8, 0x4892c0, 0x1)
 *     	/usr/lib/go-1.19/src/runtime/malloc.go:1131 +0x7b1 fp=0xc000066ea8 sp=... pc=0x40bc91
 *     main.temp(...)
 *     	/home/me/a.go:8 +0x25 fp=... sp=... pc=0x4812a5
 *
 * and an empty line; tracefree(0xc000079860, 0xd0) likewise, with the stack of the sweeper; and at
 * each collection tracegc() with the stacks of all goroutines. A lock keeps such records apart, but
 * each is some sixty writes, between which other threads write. So what comes is fed write by
 * write, and a write that cannot be the next part of the record is somebody else's. Single thread.
 */
#ifndef ALLOCAUDIT_OBJECT_TRACE_H
#define ALLOCAUDIT_OBJECT_TRACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    OBJECT_TRACE_FRAMES = 100,    /* the runtime writes no more */
    OBJECT_TRACE_MINOR_FIRST = 9, /* releases that do, go1.9 to go1.22 */
    OBJECT_TRACE_MINOR_LAST = 22,
};

/* An object was allocated, or found dead. */
struct traced_object {
    uint64_t address;
    uint64_t size_bytes; /* of its size class */
    uint32_t is_freed;
    uint32_t frame_count;                 /* of an allocation */
    uint64_t frames[OBJECT_TRACE_FRAMES]; /* return addresses, runtime.mallocgc's caller first */
};

enum object_trace_part {
    OBJECT_TRACE_FOREIGN,  /* it is none of the record's */
    OBJECT_TRACE_TAKEN,    /* it is */
    OBJECT_TRACE_COMPLETE, /* and trace->object is whole; valid until the next call */
};

struct object_trace {
    unsigned state; /* zeroed: before a record */
    unsigned kind;
    struct traced_object object;
    uint64_t damaged_count; /* records that another began within, or that never ended */
};

/* What one write is. */
enum object_trace_part object_trace_feed(struct object_trace *trace, const char *piece,
                                         size_t size_bytes);

/* Nothing more comes. */
void object_trace_finish(struct object_trace *trace);

#endif
