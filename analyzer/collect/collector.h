/*
 * collector.h - one run from start to finish: starts the command, drains what it writes while it
 * runs, and leaves a finished database.
 */
#ifndef ALLOCAUDIT_COLLECTOR_H
#define ALLOCAUDIT_COLLECTOR_H

#include <stdbool.h>
#include <stdint.h>

#include "../base/err.h"
#include "drain/congestion.h"
#include "drain/drain.h"
#include "drain/session.h"
#include "go/go_run.h"
#include "leaks/leak_bell.h"
#include "leaks/leak_check.h"
#include "leaks/leak_demand.h"
#include "recording/recording.h"
#include "rows/ballast.h"
#include "tables/frame_place.h"
#include "tables/store.h"
#include "target/kin.h"
#include "target/launch.h"

struct collector_settings {
    char **command;        /* NULL-ended */
    const char *path;      /* of the database, which must not exist */
    const char *allocator; /* the library to preload; NULL or "": whatever comes next */
    const char *sanitizer; /* see launch.h; "" or NULL: none */
    const char *unwind;    /* "auto", "fp", "libunwind" */
    uint64_t depth_limit;
    uint64_t ring_bytes; /* the most that events may take on their way */
    bool checks_unwind;  /* of "auto": RING_UNWIND_CHECK */
    bool is_mmap_recorded;
    bool follows_children;
    bool drops_when_full;
    bool is_sites_only;     /* --detail sites */
    bool traces_go_objects; /* the command is a Go program that can tell of each */
    uint64_t sample_bytes;  /* 0: every allocation is recorded */
    uint64_t sample_seed;
    const char *const *frame_symbols; /* functions whose calls end frames */
    size_t frame_symbol_count;
    uint64_t introspect_ns;      /* how often to ask the allocator about itself; 0: never */
    const struct target *target; /* what the command is */
    enum leak_when leak_when;    /* which blocks can be reached at the end */
    bool is_routed;              /* by a policy or plan */
};

struct collector {
    const struct collector_settings *settings;
    struct session session;
    struct recording recording;
    struct drain drain;
    struct launch launch;
    struct ballast ballast;
    struct kin kin;
    struct frame_place frames;
    struct go_run go;
    struct run_facts facts;
    struct journal journal;
    struct rowpack *rows;
    struct store store;
    bool is_detached; /* told to stop while other processes were running */
    uint64_t detached_ns;
    struct congestion congestion;
    struct leak_check leak_check;
    struct leak_bell leak_bell;
    struct leak_demand leak_demand;
    bool is_failed;     /* writing failed: the rest of the run is not recorded */
    struct err failure; /* why */
    uint64_t next_watch_ns;
    uint64_t next_rss_ns;
};

/* Makes the ring and the database. Returns 0 or a negative errno; then nothing is left behind. */
int collector_create(struct collector *collector, const struct collector_settings *settings,
                     struct err *err);

/* Starts the command. Returns as launch_start(); then the database has been removed again. */
int collector_launch(struct collector *collector, struct err *err);

/*
 * Drains until the command and all recorded processes have ended. on_waiting, if not NULL, is
 * called once when the command has ended and others go on. Failing to write is not an error here:
 * see is_failed. Returns 0 or -ENOMEM.
 */
int collector_run(struct collector *collector,
                  void (*on_waiting)(void *context, uint32_t count, uint32_t pid), void *context,
                  struct err *err);

/* Completes the database. Returns 0 or a negative errno. */
int collector_finish(struct collector *collector, store_progress *progress, void *context,
                     struct err *err);

void collector_destroy(struct collector *collector);

#endif
