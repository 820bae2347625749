/*
 * journal.h - what a collector knows besides the blocks, kept so that its death loses nothing.
 *
 * A file in the session directory, appended to while recording: lanes as they open and close, and
 * every event that is not the plain birth or death of a block. Read from the start it gives the
 * same subjects, threads, stacks and sites, under the same ids, as the collector had. It is mapped,
 * so a SIGKILL loses none of it; a record counts once its length, written last, is there.
 *
 * A disk that is full ends the journal, never the recording. Single thread.
 */
#ifndef ALLOCAUDIT_JOURNAL_H
#define ALLOCAUDIT_JOURNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../../base/err.h"
#include "../../go/gctrace.h"
#include "../../go/go_binary.h"
#include "clock.h"
#include "contexts.h"
#include "live.h"
#include "tally.h"

#define JOURNAL_FILE "journal"

enum journal_tag {
    JOURNAL_LANE_OPENED = 1,
    JOURNAL_LANE_CLOSED, /* struct journal_lane, of which only `lane` counts */
    JOURNAL_EVENT,       /* an event as it stood in the ring; written before it is applied */
    JOURNAL_STACK,       /* a stack that was known already under another number */
    JOURNAL_UNKNOWN_SITE,
    JOURNAL_PARKED,
    JOURNAL_EARLY_FREE,
    JOURNAL_END,
    JOURNAL_RSS,
    JOURNAL_CONTEXT,
    JOURNAL_GO_PROCESS, /* behind it the path of its file and the command, each ended by '\0' */
    JOURNAL_GO_SITE,    /* behind it the frames as offsets in its file, the allocating one first */
    JOURNAL_GO_READING, /* behind it what has changed, as struct tally_change */
    JOURNAL_GC,         /* struct gc_event */
    JOURNAL_SCAVENGE,   /* struct scavenge */
    JOURNAL_GO_OBJECTS, /* from here on its objects are blocks */
};

struct journal_record {
    uint32_t size_bytes; /* of the whole record, a multiple of 8; 0: no more records */
    uint32_t tag;        /* enum journal_tag */
};

/* What is marked as changing is updated in place after the record was written. */
struct journal_lane {
    uint32_t lane; /* index in the ring */
    uint32_t key;
    uint32_t pid;
    uint32_t tid;
    uint64_t now_ns;
    uint64_t stranger_count; /* changing: frees by this thread that found no block */
    uint64_t stranger_ns;    /* changing: stamp of the last one */
    char name[16];           /* changing: of the thread */
};

struct journal_event {
    uint32_t lane;
    uint32_t words_bytes;
    uint64_t position; /* in the lane, see schema/ring.h */
    uint64_t stamp_ns;
    uint64_t row_count; /* rows written before it */
    uint64_t words[];
};

struct journal_stack {
    uint32_t lane;
    uint32_t local_id;
    uint32_t site;
    uint32_t padding;
    uint64_t position;
};

struct journal_site {
    uint32_t subject_id;
    uint32_t padding;
};

/* A block that waits for an earlier free of its address (blocks.h). */
struct journal_parked {
    uint32_t subject_id;
    uint32_t padding;
    struct block block;
};

/* A free that waits for its block. */
struct journal_early_free {
    uint32_t subject_id;
    uint32_t by;
    uint32_t kind;
    uint32_t padding;
    uint64_t address;
    uint64_t died_ns;
};

struct journal_end {
    uint32_t subject_id;
    uint32_t end; /* enum subject_end */
    int32_t exit_status;
    int32_t exit_signal;
    uint64_t ended_ns;
};

struct journal_rss {
    uint32_t subject_id;
    uint32_t padding;
    uint64_t at_ns;
    uint64_t rss_bytes; /* changing: the most of one slice of the timeline */
};

/* A new context, before the first row of it. */
struct journal_context {
    struct context context;
};

/* The command is a Go program, and its process is known. */
struct journal_go_process {
    uint32_t pid;
    uint32_t is_made;    /* nothing in it tells of itself */
    uint32_t path_bytes; /* with its '\0' */
    uint32_t command_bytes;
    uint32_t has_gc;
    uint32_t padding;
    char version[GO_VERSION_BYTES];
    char site_reason[128]; /* changing */
    char gc_reason[128];
    uint64_t unread_line_count; /* changing, as the others */
    uint64_t foreign_line_count;
    uint64_t lost_line_count;
    uint64_t damaged_object_count;
};

struct journal_go_objects {
    uint64_t at_ns;
};

struct journal_go_site {
    uint32_t frame_count;
    uint32_t padding;
    uint64_t offsets[];
};

/* Its memory profile was read. */
struct journal_go_reading {
    uint64_t at_ns;
    uint64_t rate_bytes;
    uint32_t is_last; /* as the program ended */
    uint32_t change_count;
    struct tally_change changes[];
};

struct journal {
    int fd;
    unsigned char *bytes; /* the mapped file; NULL: there is none */
    uint64_t map_bytes;
    uint64_t allocated_bytes;
    uint64_t used_bytes;
    bool is_full; /* nothing more is added */
};

/* Starts one in `directory`. Where that fails nothing is kept, which the caller may ignore. */
int journal_create(struct journal *journal, const char *directory, const struct clock *clock);

/* Notes the calibrated clock. */
void journal_set_clock(struct journal *journal, const struct clock *clock);

/*
 * Appends a record of a body and, behind it, tail_bytes more (a multiple of 8; tail may be NULL).
 * Returns where the body lies, valid until journal_fini(); NULL if nothing was kept. `journal` may
 * be NULL.
 */
void *journal_add(struct journal *journal, enum journal_tag tag, const void *body,
                  size_t body_bytes, const void *tail, size_t tail_bytes);

/* Opens what another process left in `directory`; it is not changed. Returns 0, -ENOENT or -EINVAL.
 */
int journal_open(struct journal *journal, const char *directory, struct clock *out_clock,
                 bool *out_is_whole, struct err *err);

/* The next record, or NULL at the end. Start with *cursor = 0. Its size has been checked. */
const struct journal_record *journal_next(const struct journal *journal, uint64_t *cursor);

/* The body of a record, or NULL if it is shorter than body_bytes. */
const void *journal_body(const struct journal_record *record, size_t body_bytes);

/* Unmaps it; the file stays. Zeroed or closed is fine. */
void journal_fini(struct journal *journal);

#endif
