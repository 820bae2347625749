/*
 * gctrace.h - the lines that Go's runtime writes to stderr under GODEBUG=gctrace=1,scavtrace=1.
 *
 *     gc 4 @0.135s 12%: 0.025+3.1+0.006 ms clock, 0.05+1.2/2.9/0+0.013 ms cpu, 26->27->14 MB,
 *     27 MB goal, 0 MB stacks, 0 MB globals, 2 P (forced)
 *
 * on one line. Go before 1.18 leaves out stacks and globals. Of memory given back to the kernel
 *
 *     scav 0 KiB work, 2968 KiB total, 87% util (forced)
 *
 * and since 1.21 "scav 0 KiB work (bg), 8 KiB work (eager), 2968 KiB now, 87% util".
 */
#ifndef ALLOCAUDIT_GCTRACE_H
#define ALLOCAUDIT_GCTRACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    GCTRACE_LINE_BYTES = 320, /* longer lines are none */
};

#define GCTRACE_UNKNOWN UINT64_MAX

/* One garbage collection. Sizes have the precision of the line: whole MiB. */
struct gc_cycle {
    uint64_t cycle;          /* 1 is the first of its process */
    uint64_t since_start_ns; /* of the program, when it began */
    uint64_t gc_cpu_pct;     /* of all CPU time available since the start, so far */
    uint64_t sweep_stop_ns;  /* the world stood still to begin */
    uint64_t mark_ns;        /* marking, beside the program */
    uint64_t mark_stop_ns;   /* the world stood still to end */
    uint64_t sweep_stop_cpu_ns;
    uint64_t assist_cpu_ns;     /* done by goroutines that wanted to allocate */
    uint64_t background_cpu_ns; /* by the collector's own goroutines */
    uint64_t idle_cpu_ns;       /* by processors that had nothing else to do */
    uint64_t mark_stop_cpu_ns;
    uint64_t heap_start_bytes; /* when it began */
    uint64_t heap_end_bytes;   /* when marking ended */
    uint64_t heap_live_bytes;  /* of that, reachable */
    uint64_t heap_goal_bytes;  /* where it was to end */
    uint64_t stack_bytes;      /* GCTRACE_UNKNOWN: the line does not say */
    uint64_t global_bytes;
    uint64_t processor_count;
    bool is_forced; /* by runtime.GC() or debug.FreeOSMemory() */
};

/* One on the timeline of a recording. */
struct gc_event {
    uint64_t at_ns; /* when its line was read, right after its end */
    struct gc_cycle cycle;
};

/* Memory of the heap was given back to the kernel: since the line before, or by force. */
struct scavenge {
    uint64_t at_ns; /* when its line was read; not of the line */
    uint64_t released_bytes;
    uint64_t eager_bytes;    /* by goroutines that would have gone beyond a limit;
                                GCTRACE_UNKNOWN: the line does not say */
    uint64_t returned_bytes; /* of the heap, the kernel has now */
    uint64_t in_use_pct;     /* of what it has not */
    bool is_forced;          /* by debug.FreeOSMemory() */
};

enum gctrace_match {
    GCTRACE_NONE,     /* no such line begins so */
    GCTRACE_BEGIN,    /* a line may begin so */
    GCTRACE_COMPLETE, /* a whole line, with its '\n' */
};

/* What the text is. Of a whole line *out_cycle holds what it says. */
enum gctrace_match gctrace_match(const char *text, size_t size_bytes, struct gc_cycle *out_cycle);

/* The same of memory given back; out_scavenge->at_ns is 0. */
enum gctrace_match scavtrace_match(const char *text, size_t size_bytes,
                                   struct scavenge *out_scavenge);

/* True if it begins as all lines of either kind do, a collection's up to the time: then what
 * follows is worded anew. */
bool gctrace_has_begun(const char *text, size_t size_bytes);

#endif
