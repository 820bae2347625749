/*
 * ring.h - the shared memory between the program under test and the collector.
 *
 * One file, made and owned by the collector, mapped by every recorded process:
 *
 *   +--------+------------------+---------+---------+---------+-- - -
 *   | header | lane[0..capacity)| chunk 0 | chunk 1 | chunk 2 |  grows
 *   +--------+------------------+---------+---------+---------+-- - -
 *
 * A lane belongs to one thread (to one nesting level of it, so that a signal handler which
 * interrupts a hook has a lane of its own). It is a chain of chunks: the writer fills a chunk,
 * takes a fresh one from the free list, links it and goes on; the collector follows the chain and
 * gives chunks back once read. One writer, one reader, no lock.
 *
 * A chunk's `published` word holds how many bytes are readable, and in its lowest bit whether the
 * writer is between taking a stamp and publishing it. Such a thread may be preempted, so the
 * collector must not merge beyond the last moment at which it saw the word in an earlier state.
 */
#ifndef ALLOCAUDIT_RING_H
#define ALLOCAUDIT_RING_H

#include <assert.h>
#include <stdatomic.h>
#include <stdint.h>

#define RING_ENV   "ALLOCAUDIT_RING" /* path of the ring file, in the program's environment */
#define RING_MAGIC UINT64_C(0x31474e4952415541) /* "AUARING1" */

enum {
    RING_VERSION = 10,
    RING_CHUNK_BYTES = 32768,
    RING_LANE_CAPACITY = 16384,
    RING_HEADER_BYTES = 32768,
    RING_FORKED_PIDS = 128,
    RING_SCANS = 16,
    RING_UNRECORDED_MOST = 32,
    RING_UNRECORDED_PATH_BYTES = 352,
    RING_STACKS_MOST = 16,
    RING_STACKS_TEXT_BYTES = 8192,
    RING_NO_CHUNK = 0, /* chunk numbers start at 1 */
    PUBLISHED_BUSY = 1,
};

#define PUBLISHED_FREE UINT32_MAX /* the chunk is on the free list: no lane may lead to it */

enum ring_clock {
    RING_CLOCK_TSC = 1,       /* ticks are those of an invariant time stamp counter */
    RING_CLOCK_MONOTONIC = 2, /* ticks are ns of CLOCK_MONOTONIC */
};

enum ring_flags {
    RING_RECORD_MMAP = 1,
    RING_DROP_WHEN_FULL = 2,
    RING_FOLLOW_CHILDREN = 4,
    RING_SCAN_LEAKS = 8, /* processes that end wait for struct ring_scan */
};

enum ring_unwind {
    RING_UNWIND_AUTO = 0,
    RING_UNWIND_FP = 1,
    RING_UNWIND_LIBUNWIND = 2,
    RING_UNWIND_CHECK = 3, /* auto, and every stack is compared with libunwind's */
};

enum lane_state {
    LANE_FREE = 0,
    LANE_CLAIMED = 1, /* being set up by its thread */
    LANE_OPEN = 2,
    LANE_CLOSED = 3, /* its thread has gone; the collector reads the rest and frees it */
};

/*
 * A process that is about to end asks the collector to look which blocks can still be reached, and
 * one thread of it waits for the answer. The one who waits frees the entry; where it has gone, the
 * collector does.
 */
enum scan_state {
    SCAN_FREE = 0,
    SCAN_CLAIMED = 1, /* being filled in */
    SCAN_ASKED = 2,   /* futex: somebody waits here for it to change */
    SCAN_DONE = 3,
};

struct ring_scan {
    _Atomic uint32_t state; /* enum scan_state */
    uint32_t process_key;
    uint32_t pid;
    uint32_t tid;              /* of the thread that waits */
    uint64_t stack_address;    /* of that thread: what lies deeper is in use, registers, too */
    uint64_t asked_ticks;      /* everything stamped before counts */
    _Atomic uint32_t progress; /* the collector is at work as long as it changes */
};

/*
 * `allocaudit leaks --now` asks the collector to look at a process that runs on. The one who asks
 * frees the entry.
 */
struct ring_look {
    _Atomic uint32_t state;    /* enum scan_state */
    _Atomic uint32_t progress; /* the collector is at work as long as it changes */
    uint32_t pid;              /* whose blocks */
    int32_t error;             /* 0: the answer lies in the session's directory (leak_demand.h) */
    uint32_t looked_count;     /* how often it was looked at */
    uint32_t is_moving;        /* its threads could not all be stopped */
    uint64_t still_ns;         /* how long they were */
    char reason[128];          /* of an error, for people */
};

/* What one stack has allocated, as the thread that asks has counted it. */
struct asked_stack {
    uint32_t local_id; /* its number in that thread's lane */
    uint64_t count;
    uint64_t size_bytes;
};

/* SCAN_ASKED becomes this before the answer is written, so that who gives up knows. */
#define STACKS_TOLD UINT32_C(4)
/* The one who asked has given up meanwhile: the collector frees the entry. */
#define STACKS_LEFT UINT32_C(5)

/*
 * A thread of the program asks for the names behind its stacks: a test has failed. One at a time;
 * the one who asks frees the entry, and takes over that of one who has ended.
 */
struct ring_stacks {
    _Atomic uint32_t state; /* enum scan_state, STACKS_TOLD, STACKS_LEFT; futex as there */
    uint32_t process_key;
    uint32_t pid;
    uint32_t tid;
    uint32_t lane;
    uint32_t stack_count;     /* of `stacks` */
    uint32_t is_by_bytes;     /* most bytes first; else most allocations */
    uint64_t asked_ticks;     /* everything stamped before counts */
    uint64_t more_count;      /* stacks beside these */
    uint64_t forgotten_count; /* allocations before those that were counted */
    struct asked_stack stacks[RING_STACKS_MOST];
    char text[RING_STACKS_TEXT_BYTES]; /* the answer: lines, and a NUL; "" if it is not known */
};

enum unrecorded_state {
    UNRECORDED_FREE = 0,
    UNRECORDED_CLAIMED = 1, /* being filled in */
    UNRECORDED_TOLD = 2,
};

/* A program that recorded processes have started, and that nothing can be preloaded into. */
struct ring_unrecorded {
    _Atomic uint32_t state; /* enum unrecorded_state */
    _Atomic uint32_t count; /* processes; an exec that fails takes its own back */
    uint32_t reason;        /* enum unrecorded_reason */
    uint32_t pid;           /* of the first; 0: not known */
    uint32_t process_key;   /* of who started it */
    uint64_t ticks;
    char path[RING_UNRECORDED_PATH_BYTES]; /* ended by a NUL; cut at its front: "..." */
};

/* How a stack compares with what other unwinders see at the same place (interposer/check.h). */
enum check_verdict {
    CHECK_EQUAL,
    CHECK_DIFFERENT,
    CHECK_ENDED_EARLY, /* libunwind's is the inner part of ours; libgcc's is ours */
    CHECK_ALONE,       /* libunwind's is another one; libgcc's is ours */
    CHECK_UNFINISHED,  /* ours ends early, in [unknown], though there is unwind data */
    CHECK_GUESSED,     /* equal up to code without unwind data, where only libunwind goes on */
    CHECK_SKIPPED,     /* not compared: libunwind was not there yet, or no memory */
    CHECK_VERDICTS
};

enum {
    CHECK_SAMPLES = 4, /* the last is for CHECK_ENDED_EARLY and CHECK_ALONE */
    CHECK_SAMPLE_FRAMES = 20,
};

/* A stack that was not equal: both versions, from a little before the first difference on. */
struct check_sample {
    _Atomic uint32_t is_taken;
    _Atomic uint32_t is_complete;
    uint32_t process_key;
    uint32_t verdict;       /* enum check_verdict */
    uint32_t skipped_count; /* inner frames, equal in both, that are left out */
    uint32_t different_at;  /* index in the arrays of the first difference */
    uint32_t own_count;     /* frames in own[] */
    uint32_t other_count;
    uint64_t own[CHECK_SAMPLE_FRAMES];
    uint64_t other[CHECK_SAMPLE_FRAMES]; /* libunwind's */
};

struct ring_check {
    _Atomic uint64_t counts[CHECK_VERDICTS];
    struct check_sample samples[CHECK_SAMPLES];
};

struct ring_header {
    uint64_t magic;
    uint32_t version;
    uint32_t clock;                /* enum ring_clock */
    uint32_t flags;                /* enum ring_flags */
    uint32_t depth_limit;          /* frames kept of a stack */
    uint64_t max_bytes;            /* the file never grows beyond this */
    uint32_t unwind;               /* enum ring_unwind */
    uint64_t sample_bytes;         /* mean distance of sample points; 0: all is recorded */
    uint64_t sample_seed;          /* of their places */
    uint64_t introspect_ns;        /* how often to ask the allocator about itself; 0: never */
    _Atomic uint32_t is_recording; /* 0: the collector has stopped; write nothing more */

    /*
     * A robust futex word held by the collector's thread. The kernel sets FUTEX_OWNER_DIED in it
     * when the collector dies of whatever cause, so that no writer ever waits for the dead.
     */
    _Atomic uint32_t collector_alive;

    _Alignas(64) _Atomic uint64_t free_chunks; /* stack of free chunks: ABA tag:32 | number:32 */
    _Atomic uint32_t freed_count;              /* futex: goes up when chunks were given back */
    _Atomic uint32_t waiting_count;            /* writers asleep on it */
    _Atomic uint32_t chunk_count;              /* chunks that exist so far */
    _Atomic uint32_t is_exhausted; /* every chunk is held by a waiting writer: give up, count */

    _Alignas(64) _Atomic uint32_t lane_high; /* lanes [0, lane_high) were ever in use */
    _Atomic uint32_t next_process_key;       /* next process key to hand out; starts at 1 */
    _Atomic uint64_t lost_event_count;       /* events that found no lane to be written to */
    _Atomic uint32_t
        unmapped_process_count; /* programs that had no room for the ring: unrecorded */
    _Atomic uint32_t first_pid; /* the only one recorded without RING_FOLLOW_CHILDREN */

    /*
     * Children attach at their first allocation, which a daemon may make long after its parents
     * have ended. So that the collector knows of them, each fork is counted before it happens, and
     * the child leaves its process id.
     */
    _Atomic uint32_t begun_forks;
    _Atomic uint32_t done_forks;
    _Atomic uint32_t forked_pids[RING_FORKED_PIDS]; /* of fork n: [n % RING_FORKED_PIDS] */

    _Atomic uint32_t scan_count;        /* futex: how often a scan was asked for */
    struct ring_scan scans[RING_SCANS]; /* with RING_SCAN_LEAKS */
    struct ring_look look;
    struct ring_stacks stacks;

    struct ring_check check; /* with RING_UNWIND_CHECK */

    struct ring_unrecorded unrecorded[RING_UNRECORDED_MOST];
    _Atomic uint32_t unrecorded_more; /* processes for which there was no room there */
};

struct lane {
    _Alignas(64) _Atomic uint32_t state; /* enum lane_state */
    _Atomic uint32_t first_chunk;
    uint32_t process_key;
    uint32_t pid;
    uint32_t tid;
    uint32_t level; /* 0 for the thread itself, 1.. for what interrupts its hooks */
    /*
     * The collector's own: chunk number << 32 | bytes of it whose events have been applied, so that
     * another one can go on where a killed one stopped. 0: nothing read yet.
     */
    _Atomic uint64_t read_position;
    /* When its thread found that nobody collects any more; 0: it has not. Other threads of the
     * process may have written on into the chunks that they had. */
    _Atomic uint64_t stopped_ticks;
    /* As its thread, of level 0, knows it: a main thread's from the start, others' from when they
     * name themselves. "": not known. */
    char thread_name[16];
};

/* Read to its end; the collector is about to free the lane. */
#define LANE_READ_TO_END UINT64_MAX

struct chunk {
    _Atomic uint32_t published; /* readable bytes of `words`, | PUBLISHED_BUSY */
    _Atomic uint32_t next;      /* in a lane: the next chunk; on the free list: the next free one */
    uint64_t base_ticks;
    uint64_t words[RING_CHUNK_BYTES / 8 - 2];
};

static_assert(sizeof(struct ring_header) <= RING_HEADER_BYTES, "ring header fits its pages");
static_assert(sizeof(struct lane) == 64, "a lane is one cache line");
static_assert(sizeof(struct chunk) == RING_CHUNK_BYTES, "chunk layout");

#define RING_LANES_OFFSET  RING_HEADER_BYTES
#define RING_CHUNKS_OFFSET (RING_HEADER_BYTES + RING_LANE_CAPACITY * sizeof(struct lane))

static inline struct lane *ring_lane(struct ring_header *ring, uint32_t index)
{
    return (struct lane *)((char *)ring + RING_LANES_OFFSET) + index;
}

/* `number` must be in [1, chunk_count]: data from the other side is checked before this call. */
static inline struct chunk *ring_chunk(struct ring_header *ring, uint32_t number)
{
    return (struct chunk *)((char *)ring + RING_CHUNKS_OFFSET) + (number - 1);
}

static inline uint64_t ring_bytes(uint32_t chunk_count)
{
    return RING_CHUNKS_OFFSET + (uint64_t)chunk_count * RING_CHUNK_BYTES;
}

/* Takes a chunk off the free list; RING_NO_CHUNK when it is empty. Any thread, any process. */
static inline uint32_t ring_take_chunk(struct ring_header *ring)
{
    uint64_t head = atomic_load_explicit(&ring->free_chunks, memory_order_acquire);
    for (;;) {
        uint32_t number = (uint32_t)head;
        if (number == RING_NO_CHUNK) {
            return RING_NO_CHUNK;
        }
        uint32_t next = atomic_load_explicit(&ring_chunk(ring, number)->next, memory_order_relaxed);
        uint64_t successor = ((head >> 32) + 1) << 32 | next;
        if (atomic_compare_exchange_weak_explicit(&ring->free_chunks, &head, successor,
                                                  memory_order_acquire, memory_order_acquire)) {
            return number;
        }
    }
}

static inline void ring_give_chunk(struct ring_header *ring, uint32_t number)
{
    struct chunk *chunk = ring_chunk(ring, number);
    uint64_t head = atomic_load_explicit(&ring->free_chunks, memory_order_relaxed);
    uint64_t successor;
    atomic_store_explicit(&chunk->published, PUBLISHED_FREE, memory_order_relaxed);
    do {
        atomic_store_explicit(&chunk->next, (uint32_t)head, memory_order_relaxed);
        successor = ((head >> 32) + 1) << 32 | number;
    } while (!atomic_compare_exchange_weak_explicit(&ring->free_chunks, &head, successor,
                                                    memory_order_release, memory_order_relaxed));
}

#endif
