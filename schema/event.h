/*
 * event.h - the records that a thread of the program under test writes into its lane.
 *
 * A record is a row of 8-byte words in host byte order. Word 0 of every record is
 *   bits 56-63  tag       enum event_tag; says the length and the meaning of what follows
 *   bits 40-55  duration  how long the real call took, in ticks, as a duration code; 0 = not timed.
 *                         Of a free, EVENT_FREE_IS_TIMED: an EVENT_FREE_TIME follows in its lane
 *   bits  0-39  ticks     the stamp, as a distance from the chunk's base_ticks
 * An allocation is stamped after the real call and a free before it, so that sorting all lanes of
 * a process by stamp puts every free between the two allocations that share its address.
 * Within one lane stamps never decrease.
 */
#ifndef ALLOCAUDIT_EVENT_H
#define ALLOCAUDIT_EVENT_H

#include <assert.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* How a block came to be or went away. The names are those of the column `kind` / `free_kind`. */
#define ALLOC_KINDS(X)                                                                             \
    X(MALLOC, "malloc")                                                                            \
    X(CALLOC, "calloc")                                                                            \
    X(REALLOC, "realloc")                                                                          \
    X(REALLOCARRAY, "reallocarray")                                                                \
    X(MEMALIGN, "memalign")                                                                        \
    X(ALIGNED_ALLOC, "aligned_alloc")                                                              \
    X(POSIX_MEMALIGN, "posix_memalign")                                                            \
    X(VALLOC, "valloc")                                                                            \
    X(PVALLOC, "pvalloc")                                                                          \
    X(NEW, "new")                                                                                  \
    X(NEW_ARRAY, "new[]")                                                                          \
    X(MMAP, "mmap")                                                                                \
    X(MREMAP, "mremap")                                                                            \
    X(BRK, "brk")                                                                                  \
    X(INTERNAL, "internal") /* made by the recorder's own calls, or while the program had paused:  \
                               paired, never counted */                                            \
    X(GO, "go")             /* by Go's runtime: told by itself, never an event */

#define FREE_KINDS(X)                                                                              \
    X(FREE, "free")                                                                                \
    X(REALLOC, "realloc") /* the old block of a realloc; the new one follows in the same lane */   \
    X(CFREE, "cfree")                                                                              \
    X(FREE_SIZED, "free_sized")                                                                    \
    X(FREE_ALIGNED_SIZED, "free_aligned_sized")                                                    \
    X(DELETE, "delete")                                                                            \
    X(DELETE_ARRAY, "delete[]")                                                                    \
    X(MUNMAP, "munmap")                                                                            \
    X(MREMAP, "mremap")                                                                            \
    X(BRK, "brk")                                                                                  \
    X(UNSEEN, "unseen") /* its address was handed out again: the free itself was not recorded */   \
    X(SWEPT, "swept")   /* by Go's garbage collector: never an event */

/*
 * Errors of the program. The library in it tells of those that it can see: calls with a bad
 * alignment, and frees of what does not look like a block (SUSPECT_FREE), whose stack is else not
 * known. What these are, the collector finds out.
 */
#define FAULT_KINDS(X)                                                                             \
    X(SUSPECT_FREE, "invalid_free") /* of no live block; more is not known */                      \
    X(DOUBLE_FREE, "double_free")                                                                  \
    X(REALLOC_OF_FREED, "realloc_of_freed")                                                        \
    X(INTERIOR_FREE, "interior_free") /* of an address inside a live block */                      \
    X(FOREIGN_FREE, "foreign_free")   /* of what no allocation has given */                        \
    X(MISMATCHED_FREE, "mismatched_free")                                                          \
    X(WRONG_SIZE, "wrong_size")                                                                    \
    X(BAD_ALIGNMENT, "bad_alignment")

enum fault_kind {
#define X(name, text) FAULT_##name,
    FAULT_KINDS(X)
#undef X
    FAULT_KIND_COUNT
};

enum alloc_kind {
#define X(name, text) ALLOC_KIND_##name,
    ALLOC_KINDS(X)
#undef X
    ALLOC_KIND_COUNT
};

enum free_kind {
#define X(name, text) FREE_KIND_##name,
    FREE_KINDS(X)
#undef X
    FREE_KIND_COUNT
};

enum event_tag {
    EVENT_NONE = 0x00,  /* never written: what a chunk's unwritten part reads as */
    EVENT_ALLOC = 0x10, /* + alloc_kind; 3 words: address:48 slack:16 | size:32 stack:32 */
    EVENT_ALLOC_WIDE =
        0x30,               /* + alloc_kind; 5 words: address | size | usable | stack:32 align:32 */
    EVENT_FREE = 0x50,      /* + free_kind; 2 words: address:48 given:16, see event_given_word() */
    EVENT_FREE_WIDE = 0x70, /* + free_kind; 3 words: address | size (a munmap, a sized delete) */
    EVENT_FAILED = 0x90,    /* + alloc_kind; 3 words: size | stack:32: the real call gave NULL */
    EVENT_STACK = 0xb0,     /* struct event_stack */
    EVENT_MODULE = 0xb1,    /* struct event_module */
    EVENT_PROCESS = 0xb2,   /* struct event_process; first record of a process */
    EVENT_MARK = 0xb3,      /* struct event_mark */
    EVENT_LOST = 0xb4,      /* 2 words: how many events this lane could not write before this one */
    EVENT_COUNTER = 0xb5,   /* struct event_counter */
    EVENT_ALLOCATOR = 0xb6, /* struct event_counter: what the allocator says of itself */
    EVENT_FAULT = 0xb7,     /* 3 words: value | stack:32 call:16 fault:16; enum fault_kind */
    EVENT_REPORT = 0xb8,    /* struct event_report */
    EVENT_FREE_TIME = 0xb9, /* 2 words: address, of the lane's last timed free. It has come back */
    /* Of a thread that has paused (allocaudit_pause()): laid out as EVENT_ALLOC_WIDE and
     * EVENT_FREE. Their blocks are paired and never counted. */
    EVENT_PAUSED_ALLOC = 0xc0, /* + alloc_kind */
    EVENT_PAUSED_FREE = 0xd0,  /* + free_kind */
};

enum {
    EVENT_TICK_BITS = 40,
    EVENT_DURATION_BITS = 16,
    EVENT_ADDRESS_BITS = 48,
    EVENT_MAX_BYTES = 16384, /* no record is longer */
    EVENT_STACK_MAX_FRAMES = 1024,
    EVENT_FREE_IS_TIMED = 1,
};

/* In a compact record a slack (usable - requested bytes) of this value or more needs the wide one.
 */
#define EVENT_SLACK_LIMIT 0x10000u

/* Why frames end where they end. */
enum stack_ending {
    STACK_IS_WHOLE, /* at the outermost frame */
    STACK_IS_CUT,   /* at the depth limit: frames at the root end were left out */
    STACK_IS_LOST,  /* in code that has no unwind data */
};

/* Defines local_id for this lane. frames[0] is the return address nearest to the allocation. */
struct event_stack {
    uint64_t head;
    uint32_t local_id;
    uint16_t frame_count;
    uint16_t ending; /* enum stack_ending */
    uint64_t frames[];
};

/* A module that a later stack of any lane of this process has a frame in. */
struct event_module {
    uint64_t head;
    uint64_t start_address; /* mapped range [start, end) */
    uint64_t end_address;
    uint64_t load_bias; /* run-time address - ELF virtual address */
    uint16_t path_bytes;
    uint16_t build_id_bytes;
    uint32_t padding;
    char text[]; /* path, then the raw build id; padded with zeros to 8 bytes */
};

/* Flags of event_process. */
enum {
    PROCESS_IS_FORK = 1,            /* came by fork from a recorded process, memory inherited */
    PROCESS_MALLOC_IS_REPLACED = 2, /* the program brings its own malloc: ours is never called */
};

struct event_process {
    uint64_t head;
    uint32_t pid;
    uint32_t parent_pid;
    uint32_t parent_key; /* process key of the forking process; 0 = none */
    uint32_t flags;
    uint16_t executable_bytes;
    uint16_t command_bytes; /* /proc/PID/cmdline, NUL-separated, perhaps cut */
    uint16_t allocator_bytes;
    uint16_t allocator_version_bytes;
    char text[]; /* the four texts in this order; padded with zeros to 8 bytes */
};

/* As the program gives them (interposer/allocaudit.h); names are those of the column `kind`. */
enum mark_kind {
    MARK_KIND_MARK,
    MARK_KIND_FRAME,
    MARK_KIND_SCOPE_BEGIN,
    MARK_KIND_SCOPE_END,
    MARK_KIND_COUNT
};

struct event_mark {
    uint64_t head;
    uint32_t mark_kind; /* enum mark_kind */
    uint32_t name_bytes;
    char text[]; /* padded with zeros to 8 bytes */
};

/* What the library in the program has counted, under a name; a later one takes its place. Of what
 * the allocator says, all are kept; those asked for at one time follow one another. */
struct event_counter {
    uint64_t head;
    uint64_t value;
    uint32_t name_bytes;
    uint32_t place; /* EVENT_ALLOCATOR: 0 for the first of those asked for at one time */
    char text[];    /* padded with zeros to 8 bytes */
};

/* What a sanitizer's runtime has printed about an error, in parts that follow one another in their
 * lane. */
struct event_report {
    uint64_t head;
    uint32_t text_bytes;
    uint32_t is_last;
    char text[]; /* padded with zeros to 8 bytes */
};

static_assert(sizeof(struct event_stack) == 16, "event_stack layout");
static_assert(sizeof(struct event_module) == 40, "event_module layout");
static_assert(sizeof(struct event_process) == 32, "event_process layout");
static_assert(sizeof(struct event_mark) == 16, "event_mark layout");
static_assert(sizeof(struct event_counter) == 24, "event_counter layout");
static_assert(sizeof(struct event_report) == 16, "event_report layout");

static inline uint64_t event_head(unsigned tag, unsigned duration_code, uint64_t ticks)
{
    return (uint64_t)tag << 56 | (uint64_t)duration_code << EVENT_TICK_BITS | ticks;
}

static inline unsigned event_tag(uint64_t head)
{
    return (unsigned)(head >> 56);
}

static inline unsigned event_duration_code(uint64_t head)
{
    return (unsigned)(head >> EVENT_TICK_BITS) & 0xffffu;
}

static inline uint64_t event_ticks(uint64_t head)
{
    return head & ((UINT64_C(1) << EVENT_TICK_BITS) - 1);
}

/* The size that a sized delete gives, in the upper bits of a free's address: 0 = none was given, or
 * one that is too large for them; else one more than it. */
static inline uint64_t event_given_word(size_t given_bytes)
{
    return given_bytes < EVENT_SLACK_LIMIT - 1 ? (uint64_t)(given_bytes + 1) << EVENT_ADDRESS_BITS
                                               : 0;
}

static inline uint64_t event_free_address(const uint64_t *words)
{
    return words[1] & ((UINT64_C(1) << EVENT_ADDRESS_BITS) - 1);
}

static inline unsigned event_given_code(const uint64_t *words)
{
    return (unsigned)(words[1] >> EVENT_ADDRESS_BITS);
}

/*
 * A duration code is a small float: 11 bits of mantissa, 5 of exponent. Exact below 2048 ticks,
 * within 0.1 % above. 0 means "not timed", so a timed call of 0 ticks counts as 1.
 */
static inline unsigned event_duration_encode(uint64_t ticks)
{
    unsigned exponent = 0;
    if (ticks >= 2048) {
        exponent = 53u - (unsigned)__builtin_clzll(ticks);
        ticks >>= exponent;
    }
    if (exponent > 31) {
        return 0xffffu;
    }
    unsigned code = exponent << 11 | (unsigned)ticks;
    return code == 0 ? 1 : code;
}

static inline uint64_t event_duration_decode(unsigned code)
{
    return (uint64_t)(code & 0x7ffu) << (code >> 11);
}

/* event_bytes() for any tag. */
size_t event_bytes_slowly(const uint64_t *words, size_t available_bytes);

/*
 * The length of the record at `words`, or 0 if it is not a whole valid record within
 * available_bytes (at least 8): what comes out of shared memory is checked before it is believed.
 */
static inline size_t event_bytes(const uint64_t *words, size_t available_bytes)
{
    unsigned tag = event_tag(words[0]);
    if (tag - EVENT_ALLOC < ALLOC_KIND_COUNT && available_bytes >= 3 * 8) {
        return 3 * 8;
    }
    if (tag - EVENT_FREE < FREE_KIND_COUNT && available_bytes >= 2 * 8) {
        return 2 * 8;
    }
    return event_bytes_slowly(words, available_bytes);
}

/* True for a mapping, of which parts may be freed; all else is a block. */
static inline bool event_alloc_is_range(unsigned kind)
{
    return kind == ALLOC_KIND_MMAP || kind == ALLOC_KIND_MREMAP || kind == ALLOC_KIND_BRK;
}

static_assert(EVENT_PAUSED_ALLOC + ALLOC_KIND_COUNT <= EVENT_PAUSED_FREE, "tags do not overlap");

/* The texts of the lists above; "unknown" for a number that is none of them. */
const char *event_alloc_kind_name(unsigned kind);
const char *event_free_kind_name(unsigned kind);
const char *event_fault_kind_name(unsigned kind);

#endif
