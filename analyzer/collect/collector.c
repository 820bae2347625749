#include "collector.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "../base/str.h"
#include "../catalog/preload.h"
#include "drain/keep.h"
#include "stack_answer.h"
#include "target/watch.h"

enum {
    WATCH_NS = 20000000,
    RSS_NS = 10000000,
    DETACH_NS_MOST = 1000000000, /* what is still in the ring then is not waited for */
    IDLE_NS_FIRST = 200000,
    IDLE_NS_MOST = 4000000,
    BALLAST_BYTES = 4 << 20,
    BALLAST_BYTES_PER_NODE = 160, /* a stack node and its share of frames and sites */
};

static char *collector_quote(char **words)
{
    struct str text = {0};
    for (size_t i = 0; words[i] != NULL; i++) {
        if (i > 0) {
            str_append_char(&text, ' ');
        }
        str_append_quoted(&text, words[i]);
    }
    char *copy = strdup(str_text(&text));
    str_fini(&text);
    return copy;
}

static int collector_create_session(struct collector *collector, struct err *err)
{
    const struct collector_settings *settings = collector->settings;
    char *copy = strdup(settings->path);
    if (copy == NULL) {
        return err_set(err, ENOMEM, "out of memory");
    }
    struct session_settings session = {
        .clock = collector->recording.clock.kind,
        .flags = (settings->is_mmap_recorded ? RING_RECORD_MMAP : 0u) |
                 (settings->drops_when_full ? RING_DROP_WHEN_FULL : 0u) |
                 (settings->follows_children ? RING_FOLLOW_CHILDREN : 0u) |
                 (settings->leak_when != LEAK_CHECK_NO ? RING_SCAN_LEAKS : 0u),
        .depth_limit = (uint32_t)settings->depth_limit,
        .unwind = strcmp(settings->unwind, "fp") == 0          ? RING_UNWIND_FP
                  : strcmp(settings->unwind, "libunwind") == 0 ? RING_UNWIND_LIBUNWIND
                  : settings->checks_unwind                    ? RING_UNWIND_CHECK
                                                               : RING_UNWIND_AUTO,
        .sample_bytes = settings->sample_bytes,
        .sample_seed = settings->sample_seed,
        .introspect_ns = settings->introspect_ns,
        .max_bytes = settings->ring_bytes,
        .fallback_directory = dirname(copy),
    };
    int r = session_create(&collector->session, &session, err);
    free(copy);
    return r;
}

static int collector_create_database(struct collector *collector, struct err *err)
{
    const struct collector_settings *settings = collector->settings;
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    collector->facts = (struct run_facts){
        .command = collector_quote(settings->command),
        .ring_path = collector->session.path,
        .detail = settings->is_sites_only ? "sites" : "full",
        .sample_bytes = settings->sample_bytes,
        .unwind = settings->unwind,
        .depth_limit = (uint32_t)settings->depth_limit,
        .is_mmap_recorded = settings->is_mmap_recorded,
        .started_unix_ns = (uint64_t)now.tv_sec * UINT64_C(1000000000) + (uint64_t)now.tv_nsec,
        .exit_status = -1,
    };
    if (collector->facts.command == NULL) {
        return err_set(err, ENOMEM, "out of memory");
    }
    int r = ballast_take(&collector->ballast, settings->path, BALLAST_BYTES, err);
    if (r == 0) {
        r = store_create(settings->path, &collector->facts, &collector->store, err);
    }
    return r < 0 ? r
                 : rowpack_create(collector->store.fd, collector->store.root_page, &collector->rows,
                                  err);
}

/* Lays what a kill must not lose into the session's files. Where there is no room it is not kept.
 */
static void collector_keep(struct collector *collector)
{
    char path[PATH_MAX];
    const char *directory = collector->session.directory;
    if (journal_create(&collector->journal, directory, &collector->recording.clock) < 0) {
        return;
    }
    collector->recording.journal = &collector->journal;
    collector->recording.directory = directory;
    snprintf(path, sizeof(path), "%s/" ROWPACK_KEPT_FILE, directory);
    int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd >= 0) {
        (void)rowpack_keep_leaf(collector->rows, fd, NULL);
        close(fd);
    }
}

int collector_create(struct collector *collector, const struct collector_settings *settings,
                     struct err *err)
{
    *collector = (struct collector){
        .settings = settings,
        .leak_check = {.is_routed = settings->is_routed, .when = settings->leak_when},
        .leak_demand = {.is_routed = settings->is_routed},
        .store = {.fd = -1},
        .session = {.fd = -1},
        .ballast = {.fd = -1},
        .journal = {.fd = -1},
    };
    launch_shield();
    clock_start(&collector->recording.clock);
    int r = collector_create_session(collector, err);
    if (r == 0) {
        r = collector_create_database(collector, err);
    }
    if (r == 0) {
        r = recording_init(&collector->recording, collector->rows);
    }
    if (r == 0) {
        collector->recording.is_sites_only = settings->is_sites_only;
        collector->recording.sample_bytes = settings->sample_bytes;
        collector->recording.leak_outcome = settings->sample_bytes != 0 ? LEAK_OUTCOME_SAMPLED
                                            : settings->leak_when != LEAK_CHECK_NO
                                                ? LEAK_OUTCOME_NONE
                                                : LEAK_OUTCOME_OFF;
        collector_keep(collector);
        r = drain_init(&collector->drain, &collector->session, &collector->recording);
    }
    if (r < 0) {
        collector_destroy(collector);
    }
    return r;
}

int collector_launch(struct collector *collector, struct err *err)
{
    char library[PATH_MAX];
    const struct collector_settings *wanted = collector->settings;
    int r = preload_find_library(library, sizeof(library), err);
    if (r == 0 && wanted->frame_symbol_count > 0) {
        r = frame_place_make(&collector->frames, collector->session.directory,
                             wanted->frame_symbols, wanted->frame_symbol_count, err);
    }
    struct launch_settings settings = {
        .command = collector->settings->command,
        .library = library,
        .allocator = collector->settings->allocator,
        .frame_object = collector->frames.path,
        .sanitizer = collector->settings->sanitizer,
        .ring_path = collector->session.path,
        .stderr_fd = -1,
    };
    bool is_go = collector->settings->target->is_go;
    clock_begin_run(&collector->recording.clock);
    if (r == 0 && is_go) {
        /* What outlives us must not hold the lock that says that we live: a mapping would. */
        session_share(&collector->session, false);
        const struct go_run_settings go = {
            .target = collector->settings->target,
            .command = collector->facts.command,
            .rate_bytes = collector->settings->sample_bytes,
            .traces_objects = collector->settings->traces_go_objects,
        };
        r = go_run_prepare(&collector->go, &collector->recording, &go, err);
        session_share(&collector->session, true);
        settings.go_debug = str_text(&collector->go.go_debug);
        settings.stderr_fd = collector->go.relay.program_fd;
        settings.is_traced = true;
    }
    if (r == 0) {
        r = launch_start(&collector->launch, &settings, err);
    }
    if (r == 0 && is_go) {
        r = go_run_begin(&collector->go, collector->launch.pid, err);
    }
    if (r < 0) {
        unlink(collector->settings->path);
        return r;
    }
    clock_calibrate(&collector->recording.clock);
    journal_set_clock(&collector->journal, &collector->recording.clock);
    return 0;
}

static void collector_give_up(struct collector *collector)
{
    collector->is_failed = true;
    session_stop(&collector->session);
    ballast_release(&collector->ballast);
    struct recording *recording = &collector->recording;
    if (recording->has_unwritten_row) {
        uint64_t id;
        (void)rowpack_append(recording->rows, &recording->unwritten_row, &id, NULL);
        recording->has_unwritten_row = false;
    }
}

static void collector_mark_command(struct collector *collector)
{
    const struct launch *launch = &collector->launch;
    const struct clock *clock = &collector->recording.clock;
    for (size_t i = 0; launch->is_reaped && i < collector->recording.subject_count; i++) {
        struct subject *subject = collector->recording.subjects[i];
        if (subject->pid == (uint32_t)launch->pid && subject->end == SUBJECT_RUNNING) {
            subject->end = launch->exit_signal != 0 ? SUBJECT_SIGNALLED : SUBJECT_EXITED;
            subject->exit_status = launch->exit_status;
            watch_cpu_time(subject, launch->cpu_time_ns);
            subject->exit_signal = launch->exit_signal;
            subject->ended_ns = clock_ns(clock, clock_ticks(clock));
        }
    }
}

/* Ends the subjects whose process has ended and whose lanes are read. */
static int collector_finish_subjects(struct collector *collector, struct err *err)
{
    drain_note_ends(&collector->drain);
    for (size_t i = 0; i < collector->recording.subject_count; i++) {
        struct subject *subject = collector->recording.subjects[i];
        if (subject->end == SUBJECT_RUNNING || subject->is_finished) {
            continue;
        }
        if (drain_is_done(&collector->drain, subject)) {
            keep_end(subject);
            int r = go_run_end_process(&collector->go, subject, err);
            r = r == 0 ? sanitizer_reports_take_left(subject, collector->session.path) : r;
            r = r == 0 ? subject_finish(subject, err) : r;
            if (r < 0) {
                return r;
            }
        }
    }
    return 0;
}

static int collector_look_around(struct collector *collector, struct err *err)
{
    uint64_t now_ns = clock_monotonic_ns();
    int r = go_run_look(&collector->go, err);
    if (r < 0) {
        return r;
    }
    if (now_ns >= collector->next_watch_ns || collector->launch.is_reaped) {
        watch_processes(&collector->recording, &collector->session,
                        (uint32_t)collector->launch.pid);
        kin_look(&collector->kin, collector->session.ring, &collector->recording);
    }
    if (now_ns >= collector->next_watch_ns) {
        collector->next_watch_ns = now_ns + WATCH_NS;
        ballast_grow(&collector->ballast, BALLAST_BYTES + collector->recording.stacks.node_count *
                                                              BALLAST_BYTES_PER_NODE);
    }
    if (now_ns >= collector->next_rss_ns) {
        collector->next_rss_ns = now_ns + RSS_NS;
        return watch_resident_sets(&collector->recording, &collector->session);
    }
    return 0;
}

static void collector_detach(struct collector *collector)
{
    for (size_t i = 0; i < collector->recording.subject_count; i++) {
        struct subject *subject = collector->recording.subjects[i];
        if (subject->end == SUBJECT_RUNNING) {
            subject->end = SUBJECT_DETACHED;
            subject->ended_ns = subject->last_event_ns;
        }
    }
    session_stop(&collector->session);
    collector->is_detached = true;
    collector->detached_ns = clock_monotonic_ns();
}

/* One turn of the loop; *out_applied is how many events it found. */
static int collector_turn(struct collector *collector, int64_t *out_applied, struct err *err)
{
    *out_applied = 0;
    int r = collector_look_around(collector, err);
    if (r == 0 && !collector->is_failed) {
        *out_applied = drain_round(&collector->drain, false, err);
        r = *out_applied < 0 ? (int)*out_applied : 0;
    }
    if (!collector->is_failed && leak_check_is_due(&collector->leak_check, &collector->session)) {
        leak_check_look(&collector->leak_check, &collector->drain);
    }
    if (r == 0 && !collector->is_failed && stack_answer_is_due(&collector->session)) {
        stack_answer_look(&collector->drain);
    }
    if (r == 0 && !collector->is_failed &&
        leak_demand_is_due(&collector->leak_demand, &collector->session)) {
        r = leak_demand_look(&collector->leak_demand, &collector->drain, &collector->facts, err);
    }
    if (r == 0 && !collector->is_failed) {
        collector_mark_command(collector);
        r = collector_finish_subjects(collector, err);
    }
    congestion_look(&collector->congestion, &collector->session, collector->drain.reader_count,
                    *out_applied);
    return r;
}

/* Processes that may still allocate; *out_pid is one of them. */
static uint32_t collector_count_running(const struct collector *collector, uint32_t *out_pid)
{
    uint32_t count = watch_running_count(&collector->recording, out_pid);
    return collector->is_detached ? count : count + kin_count(&collector->kin, out_pid);
}

static bool collector_is_done(const struct collector *collector)
{
    uint32_t pid;
    if (!collector->launch.is_reaped) {
        return false;
    }
    if (collector->is_failed || (collector->is_detached &&
                                 clock_monotonic_ns() - collector->detached_ns > DETACH_NS_MOST)) {
        return true;
    }
    for (size_t i = 0; i < collector->recording.subject_count; i++) {
        if (!collector->recording.subjects[i]->is_finished) {
            return false;
        }
    }
    return collector->drain.reader_count == 0 && collector_count_running(collector, &pid) == 0 &&
           (collector->is_detached || !kin_is_due(&collector->kin, collector->session.ring));
}

int collector_run(struct collector *collector,
                  void (*on_waiting)(void *context, uint32_t count, uint32_t pid), void *context,
                  struct err *err)
{
    uint64_t idle_ns = IDLE_NS_FIRST;
    leak_bell_hang(&collector->leak_bell, collector->session.ring);
    bool is_told = on_waiting == NULL;
    unsigned quiet_turns = 0;
    while (quiet_turns < 2) {
        int64_t applied;
        bool was_reaped = collector->launch.is_reaped; /* so the turn looks who still runs */
        int r = collector_turn(collector, &applied, err);
        if (r == -ENOMEM) {
            return r;
        }
        if (r < 0) {
            collector->failure = *err;
            collector_give_up(collector);
        }
        idle_ns = applied > 0 ? IDLE_NS_FIRST : idle_ns * 2;
        idle_ns = idle_ns > IDLE_NS_MOST ? IDLE_NS_MOST : idle_ns;
        if (leak_check_is_due(&collector->leak_check, &collector->session) ||
            stack_answer_is_due(&collector->session)) {
            idle_ns = 0; /* somebody waits */
        }
        quiet_turns = collector_is_done(collector) && applied == 0 ? quiet_turns + 1 : 0;
        launch_wait(&collector->launch, applied > 0 || quiet_turns > 0 ? 0 : idle_ns);
        collector_mark_command(collector);
        uint32_t pid;
        uint32_t count = collector_count_running(collector, &pid);
        if (was_reaped && count > 0 && applied == 0 && !is_told) {
            is_told = true;
            on_waiting(context, count, pid);
        }
        if (collector->launch.interrupt_count > 0 && !collector->is_detached) {
            collector_detach(collector);
        }
    }
    return 0;
}

void collector_destroy(struct collector *collector)
{
    leak_demand_end(&collector->leak_demand, &collector->session);
    leak_bell_take_down(&collector->leak_bell);
    go_run_fini(&collector->go);
    kin_fini(&collector->kin);
    drain_fini(&collector->drain);
    recording_fini(&collector->recording);
    rowpack_destroy(collector->rows);
    journal_fini(&collector->journal);
    session_destroy(&collector->session);
    frame_place_remove(&collector->frames);
    ballast_release(&collector->ballast);
    store_close(&collector->store); /* last: from here on it may be recovered */
    free((char *)collector->facts.command);
}
