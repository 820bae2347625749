/*
 * subject.h - one recorded process image: what it is, what it has live, and its figures so far.
 *
 * Applying an event changes the live blocks and the tally, and appends a row for a block that died.
 * Events must come in the order of their stamps. Single thread.
 */
#ifndef ALLOCAUDIT_SUBJECT_H
#define ALLOCAUDIT_SUBJECT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../../../schema/event.h"
#include "../../base/err.h"
#include "../../base/map.h"
#include "leak_outcome.h"
#include "live.h"
#include "memory_samples.h"
#include "ranges.h"
#include "resident.h"
#include "tally.h"

struct recording;
struct journal_lane;
struct journal_rss;

enum subject_start {
    SUBJECT_STARTED_BY_RUN,
    SUBJECT_STARTED_BY_FORK,
    SUBJECT_STARTED_BY_EXEC,
};

enum subject_end {
    SUBJECT_RUNNING,
    SUBJECT_EXITED,
    SUBJECT_SIGNALLED,
    SUBJECT_EXECUTED, /* turned into another program */
    SUBJECT_GONE,     /* ended; how is not known, since it was not our child */
    SUBJECT_DETACHED, /* still runs, but is not recorded any more */
};

struct thread {
    uint32_t id; /* row of the table `thread` */
    uint32_t tid;
    char name[16];
    uint64_t next_name_ns; /* when to look again for its name */
    uint64_t started_ns;
    uint64_t ended_ns;
    uint64_t allocation_count;
    uint64_t allocated_bytes;
    uint64_t free_count;
    uint64_t remote_free_count;
    uint64_t temporary_count;  /* freed by it before its next allocation */
    uint64_t stranger_address; /* what it freed last that was no live block; 0: nothing */
    uint32_t open_lanes;
    struct journal_lane *kept; /* its record in the journal; may be NULL */
};

struct module_load {
    uint64_t start_address;
    uint64_t end_address;
    uint64_t load_bias;
    uint64_t loaded_ns;
    uint32_t module; /* row of the table `module` */
};

/* An allocation whose address is still taken: its free is on its way in another lane. */
struct parked {
    struct block block;
    uint64_t duration_ns;
    bool is_timed;
};

/* A free whose block is not known: its allocation may be on its way in another lane. */
struct early_free {
    uint64_t address;
    bool is_swapped; /* its own block seems to have got the free of the block to come */
    struct death death;
    enum free_kind kind;
    uint32_t by;
};

/* Who freed an address last. */
struct recent_free {
    uint64_t address;
    uint64_t died_ns;
    uint32_t by;
};

enum {
    SUBJECT_RECENT_FREES = 64, /* more than there can be in the time that stamps may be wrong by */
};

struct subject {
    struct recording *recording;
    uint32_t id;
    uint32_t key;
    uint32_t pid;       /* as the process itself knows it */
    uint32_t true_pid;  /* in our pid namespace; 0: not known (yet), or it has ended */
    uint32_t parent_id; /* 0: none */
    enum subject_start start;
    enum subject_end end;
    bool is_watched;
    bool is_announced;
    bool is_malloc_replaced;
    bool is_finished; /* nothing more will come; its rows are complete */
    int exit_status;
    int exit_signal;
    int pid_fd; /* becomes readable when the process ends; -1: none */
    struct resident resident;
    char *executable;
    char *command;
    char *allocator;
    char *allocator_version;
    uint64_t started_ns;
    uint64_t ended_ns;
    uint64_t last_event_ns;
    uint64_t rss_peak_bytes;
    uint64_t cpu_time_ns;         /* user and system; 0: not known */
    uint64_t cpu_time_start_ns;   /* what the pid had used before this image came */
    struct journal_rss *kept_rss; /* of the present slice, in the journal; may be NULL */
    uint64_t kept_rss_slice;
    uint64_t inherited_free_count;
    uint64_t unpaired_free_count;
    uint64_t lost_event_count;
    uint64_t paused_allocation_count; /* while the program had paused: counted nowhere else */
    uint64_t paused_allocated_bytes;
    uint64_t leaked_count;
    uint64_t leaked_bytes;
    enum leak_outcome leak_outcome;
    uint64_t leak_scanned_ns;   /* blocks born before have their kind */
    uint64_t leak_scan_ns;      /* how long it took */
    struct leak_sum *leak_sums; /* by site, LEAK_KIND_COUNT each; NULL: none */
    struct tally tally;
    struct live live;
    struct ranges ranges;
    struct memory_samples memory;
    uint64_t asked_ns; /* when the allocator gave the figures that are coming in */
    struct thread *threads;
    size_t thread_count;
    size_t thread_capacity;
    struct module_load *loads;
    size_t load_count;
    size_t load_capacity;
    struct map frame_of_address; /* run-time address -> frame id, until modules change */
    struct early_free *early;
    size_t early_count;
    size_t early_capacity;
    struct recent_free recent[SUBJECT_RECENT_FREES]; /* by address, of several threads only */
    struct parked *parked;
    size_t parked_count;
    size_t parked_capacity;
};

/* What the reader of a lane knows that its events do not repeat. */
struct lane_context {
    struct subject *subject;
    uint32_t thread; /* index in subject->threads */
    uint32_t *sites; /* local stack id -> site index */
    size_t site_count;
    size_t site_capacity;
    struct block realloc_from; /* address 0: the last event was not the free of a realloc */
    uint64_t realloc_from_id;
    struct block timed; /* freed by the last timed free; address 0: there is none */
    uint8_t timed_kind; /* enum free_kind */
};

/* Returns 0 and *out_subject is the caller's; or -ENOMEM. */
int subject_create(struct recording *recording, uint32_t key, uint32_t pid, uint64_t started_ns,
                   struct subject **out_subject);
void subject_destroy(struct subject *subject);

/* The thread of a lane, by kernel thread id; a new row unless a lane of it is open. 0 or -ENOMEM.
 */
int subject_open_thread(struct subject *subject, uint32_t tid, uint64_t now_ns,
                        uint32_t *out_thread);

/* What a thread said that it is called; "" says nothing. It may lack its final 0. */
void thread_take_name(struct thread *thread, const char name[16]);

/* The two plain events, EVENT_ALLOC and EVENT_FREE, of a subject that is not finished. Return as
 * subject_apply(). */
int subject_apply_alloc(struct lane_context *lane, const uint64_t *words, uint64_t stamp_ns,
                        struct err *err);
int subject_apply_free(struct lane_context *lane, const uint64_t *words, uint64_t stamp_ns,
                       struct err *err);

/* Notes when the lane's last event was. */
static inline void subject_touch(const struct lane_context *lane, uint64_t stamp_ns)
{
    lane->subject->last_event_ns = stamp_ns;
    lane->subject->threads[lane->thread].ended_ns = stamp_ns;
}

/* Applies one checked event. Returns 0, -ENOMEM, or the errno of a failed write with *err set. */
int subject_apply(struct lane_context *lane, const uint64_t *words, uint64_t stamp_ns,
                  struct err *err);

/* From now on a lane's events mean this site by local_id. Returns 0 or -ENOMEM. */
int subject_define_site(struct lane_context *lane, uint32_t local_id, uint32_t site);

/* All its lanes are read to the end: what is live becomes rows and counts as leaked. `end` is set.
 */
int subject_finish(struct subject *subject, struct err *err);

const char *subject_start_name(enum subject_start start);
const char *subject_end_name(enum subject_end end); /* NULL while running */

#endif
