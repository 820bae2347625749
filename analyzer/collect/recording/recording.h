/*
 * recording.h - everything that one `allocaudit run` gathers, from the first event to the last row.
 *
 * Owns the subjects, the stacks and modules that they share, and the rows being written. Single
 * thread.
 */
#ifndef ALLOCAUDIT_RECORDING_H
#define ALLOCAUDIT_RECORDING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../../base/err.h"
#include "../../base/words.h"
#include "../../go/gctrace.h"
#include "../../go/go_binary.h"
#include "../rows/rowpack.h"
#include "clock.h"
#include "contexts.h"
#include "faults.h"
#include "journal.h"
#include "modules.h"
#include "sanitizer_reports.h"
#include "stacktree.h"
#include "subject.h"
#include "unrecorded.h"

/* Takes rows where they cannot be packed: see recording_add_row(). */
struct row_sink {
    int (*append)(struct row_sink *sink, const struct block_row *row, uint64_t *out_id,
                  struct err *err);
};

/* What could be recorded of a Go program beside its C allocations. */
struct go_facts {
    uint32_t process_id; /* of all gc_events, too; 0: there is none */
    char version[GO_VERSION_BYTES];
    const char *site_source; /* "exit", "reading", "objects" or "none" (go_runtime.site_source) */
    char site_reason[128];   /* why no better; "": there is none better */
    uint64_t profile_rate_bytes;
    uint64_t profile_read_ns; /* the last reading; 0: none */
    uint64_t profile_reading_count;
    const char *gc_source; /* "gctrace" or "none" */
    char gc_reason[128];
    uint64_t unread_line_count;  /* worded differently */
    uint64_t foreign_line_count; /* of other Go programs that write to the same stderr */
    uint64_t lost_line_count;
    uint64_t damaged_object_count; /* could not be read: left out */
};

/* A function whose name came with it, not from a file. */
struct given_name {
    const char *function;
    const char *file; /* NULL: not known */
    uint32_t line;
    uint32_t symbol_count; /* it, and those behind it in the array that it was inlined into */
};

struct recording {
    struct clock clock;
    struct stacktree stacks;
    struct modules modules;
    struct contexts contexts;
    struct rowpack *rows;
    struct row_sink *sink;          /* used if `rows` is NULL */
    struct journal *journal;        /* NULL: what happens need not be remembered */
    uint64_t sample_bytes;          /* 0: everything was recorded; else see weight.h */
    enum leak_outcome leak_outcome; /* of a process that does not ask */
    bool is_sites_only;             /* blocks that died get no rows */
    const char *directory; /* where live blocks are kept; NULL: in memory of this process only */
    struct subject **subjects;
    size_t subject_count;
    size_t subject_capacity;
    struct block_row unwritten_row; /* counted already when writing it failed */
    bool has_unwritten_row;
    uint32_t thread_count; /* rows of `thread` so far */
    struct mark *marks;
    size_t mark_count;
    size_t mark_capacity;
    struct words mark_names;
    struct counter *counters;
    size_t counter_count;
    size_t counter_capacity;
    struct allocator_fact *facts; /* by time within a process */
    size_t fact_count;
    size_t fact_capacity;
    struct gc_event *gc_events;
    size_t gc_event_count;
    size_t gc_event_capacity;
    struct scavenge *scavenges;
    size_t scavenge_count;
    size_t scavenge_capacity;
    const struct given_name *given_names; /* by offset - 1; NULL: names are in files */
    struct go_facts go;                   /* version "": the command is no Go program */
    struct faults faults;
    struct sanitizer_reports reports;
    struct unrecorded unrecorded; /* known at the end */
    uint64_t live_bytes;          /* over all subjects */
    uint64_t peak_bytes;
    uint64_t peak_ns;
};

enum {
    RECORDING_FACTS_MOST = 200000,
};

struct mark {
    uint32_t process_id;
    uint32_t thread_id;
    uint64_t at_ns;
    uint32_t kind;
    uint32_t name; /* its number in mark_names */
};

struct counter {
    uint32_t process_id;
    uint64_t at_ns;
    uint64_t value;
    char *name;
};

/* A figure that an allocator gave about itself. */
struct allocator_fact {
    uint32_t process_id;
    uint64_t at_ns;
    uint64_t value;
    char *name;
};

/* Returns 0 or -ENOMEM. `rows` stays the caller's. */
int recording_init(struct recording *recording, struct rowpack *rows);
void recording_fini(struct recording *recording);

/* Appends a row of `block`, as rowpack_append(); or gives the id 0 if such rows are not kept. */
static inline int recording_add_row(struct recording *recording, const struct block_row *row,
                                    uint64_t *out_id, struct err *err)
{
    if (recording->is_sites_only && row->lifetime_ns != BLOCK_ROW_LIVE) {
        *out_id = 0;
        return 0;
    }
    if (__builtin_expect(recording->rows != NULL, 1)) {
        return rowpack_append(recording->rows, row, out_id, err);
    }
    return recording->sink->append(recording->sink, row, out_id, err);
}

/* The id of a context, noted in the journal where it is new. Returns 0 or -ENOMEM. */
int recording_context(struct recording *recording, const struct context *context, uint32_t *out_id);

/* The subject with this key, or NULL. */
struct subject *recording_find(const struct recording *recording, uint32_t key);

/* The subject with this key, made if it is new. Returns 0 or -ENOMEM. */
int recording_subject(struct recording *recording, uint32_t key, uint32_t pid, uint64_t now_ns,
                      struct subject **out_subject);

/* Keeps the mark, with this name. Returns 0 or -ENOMEM. */
/* Returns 0 or -ENOMEM. */
int recording_add_gc(struct recording *recording, const struct gc_event *event);
int recording_add_scavenge(struct recording *recording, const struct scavenge *scavenge);

/* Keeps a copy of the name. Returns 0 or -ENOMEM. */
int recording_add_mark(struct recording *recording, const struct mark *mark, const char *name,
                       size_t name_bytes);

/* How many frames were ended under that name. */
uint64_t recording_count_frames(const struct recording *recording, const char *name);

/* The name is copied. A counter of that name that the process has already gets the new value. */
int recording_set_counter(struct recording *recording, const struct counter *counter,
                          const char *name, size_t name_bytes);

/* The name is copied. Beyond RECORDING_FACTS_MOST they are dropped. */
int recording_add_fact(struct recording *recording, const struct allocator_fact *fact,
                       const char *name, size_t name_bytes);

#endif
