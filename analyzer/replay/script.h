/*
 * script.h - a recording compiled for the replay: the file that allocaudit-replay carries out.
 *
 * The file is a head, then chunks of SCRIPT_CHUNK_RECORDS records each, then the table that says
 * which stream each chunk belongs to; one that is not full ends with SCRIPT_END. Stream t <
 * thread_count holds what thread t does, in order; the last stream is the total order: runs of
 * records of one thread each. Objects are named by slots, which are used again once their object is
 * gone. Host byte order: it is read at once, on the same machine.
 *
 * A record that keeps its block stands for a realloc that is not made: what the replay itself takes
 * for a record is there as before.
 *
 * Blocks of sites that the script was compiled to keep in a frame arena are marked where they come
 * and where they go; each thread that has such has an arena of its own, and is told where its
 * frames end.
 *
 * A wait names a record of another thread that has to be done before the record behind it. Waits
 * and times stand in the streams of threads and count there as records.
 */
#ifndef ALLOCAUDIT_SCRIPT_H
#define ALLOCAUDIT_SCRIPT_H

#include <assert.h>
#include <stddef.h>
#include <stdint.h>

#define SCRIPT_MAGIC UINT64_C(0x31797274736c6c61)

enum {
    SCRIPT_CHUNK_RECORDS = 2048,
    SCRIPT_CHUNK_BYTES = 32768,
    SCRIPT_HEAD_BYTES = 4096,    /* where the first chunk lies */
    SCRIPT_TIME_STEP_NS = 20000, /* a thread's times are told at most so often */
};

enum script_code {
    SCRIPT_END,     /* what the unwritten rest of a chunk reads as */
    SCRIPT_MALLOC,  /* slot, value: bytes */
    SCRIPT_CALLOC,  /* the same */
    SCRIPT_ALIGNED, /* the same, at a multiple of 1 << alignment_log2 */
    SCRIPT_REALLOC, /* slot: holds the old block, and then the new one */
    SCRIPT_FREE,    /* slot */
    SCRIPT_WAIT,    /* slot: a thread; value: how many of its records must be done */
    SCRIPT_JOIN,    /* as a wait, first of all in a stream: and that thread is over */
    SCRIPT_TIME,    /* value: ns since the process's first operation */
    SCRIPT_KEEP,    /* slot: its block stays; value: bytes of it that are used from here on */
    SCRIPT_FRAME,   /* the thread's frame ends: only where there are frame arenas */
    SCRIPT_RUN,     /* of the total order. slot: a thread; value: how many of its records */
    SCRIPT_CODE_COUNT
};

/* Bits of a record's arenas. */
enum {
    SCRIPT_ARENA_OLD = 1, /* the block that goes is in a frame arena */
    SCRIPT_ARENA_NEW = 2, /* the block that comes is to be in one */
};

struct script_record {
    uint64_t value;
    uint32_t slot;
    uint8_t code; /* enum script_code */
    uint8_t alignment_log2;
    uint16_t arenas;
};
static_assert(sizeof(struct script_record) == 16, "four to a cache line");
static_assert(SCRIPT_CHUNK_BYTES == SCRIPT_CHUNK_RECORDS * sizeof(struct script_record),
              "a chunk is full of records");

struct script_head {
    uint64_t magic;
    uint64_t chunk_count;
    uint64_t chunk_table_offset; /* chunk_count numbers of streams, uint32_t */
    uint64_t slot_count;
    uint64_t alloc_count; /* malloc, calloc and aligned */
    uint64_t realloc_count;
    uint64_t free_count;
    uint64_t handoff_count; /* blocks that one thread made and another freed or realloc'ed */
    uint64_t start_count;   /* waits of a thread's first operation for its creator */
    uint64_t join_count;    /* waits of a creator for the end of what it created */
    uint64_t allocated_bytes;
    uint64_t peak_bytes;        /* most requested bytes live */
    uint64_t peak_record;       /* records of the total order that lead there */
    uint64_t record_count;      /* of all threads */
    uint64_t began_ns;          /* of the first operation, since the run began */
    uint64_t duration_ns;       /* from there to the last */
    uint64_t arena_chunk_bytes; /* of frame arenas; 0: there are none */
    uint64_t arena_spare_count; /* empty chunks that each keeps */
    uint32_t thread_count;
    uint32_t began_count; /* streams below it have records, in the order in which threads began */
};
static_assert(sizeof(struct script_head) <= SCRIPT_HEAD_BYTES, "the head has room");

#endif
