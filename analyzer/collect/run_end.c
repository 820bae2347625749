/*
 * run_end.c - the database of a run that has ended (collector_finish in collector.h).
 */
#include "collector.h"

struct finishing {
    struct collector *collector;
    store_progress *progress;
    void *context;
    bool is_cancelled;
};

static void collector_progress(void *context, uint64_t done, uint64_t total)
{
    struct finishing *finishing = context;
    launch_wait(&finishing->collector->launch, 0);
    if (finishing->collector->launch.interrupt_count > 0) {
        finishing->is_cancelled = true;
    }
    if (finishing->progress != NULL) {
        finishing->progress(finishing->context, done, total);
    }
}

/* What could not be completed now can be later. */
static void collector_leave(struct collector *collector)
{
    session_leave(&collector->session);
    for (size_t i = 0; i < collector->recording.subject_count; i++) {
        collector->recording.subjects[i]->live.directory = NULL;
    }
}

int collector_finish(struct collector *collector, store_progress *progress, void *context,
                     struct err *err)
{
    struct recording *recording = &collector->recording;
    session_stop(&collector->session);
    collector->launch.interrupt_count = 0;
    for (size_t i = 0; i < recording->subject_count; i++) {
        struct subject *subject = recording->subjects[i];
        subject->end = subject->end == SUBJECT_RUNNING ? SUBJECT_GONE : subject->end;
        if (go_run_end_process(&collector->go, subject, err) < 0 ||
            subject_finish(subject, err) < 0) {
            break;
        }
    }
    int r = go_run_finish(&collector->go, err);
    struct finishing finishing = {.collector = collector, .progress = progress, .context = context};
    struct store_finish_options options = {
        .is_cancelled = &finishing.is_cancelled,
        .progress = collector_progress,
        .progress_context = &finishing,
    };
    collector->facts.duration_ns = clock_ns(&recording->clock, clock_ticks(&recording->clock));
    collector->facts.exit_status = collector->launch.exit_status;
    collector->facts.exit_signal = collector->launch.exit_signal;
    /* Of a program that could not be recorded at all, no more is known than that it lost some. */
    uint32_t unmapped_count = atomic_load(&collector->session.ring->unmapped_process_count);
    collector->facts.lost_event_count =
        atomic_load(&collector->session.ring->lost_event_count) + unmapped_count;
    collector->facts.is_cut = collector->is_failed;
    unrecorded_take(recording, collector->session.ring);
    if (r == 0) {
        r = rowpack_seal(collector->rows, err);
    }
    ballast_release(&collector->ballast);
    if (r == 0) {
        r = store_finish(&collector->store, &collector->facts, recording, &options, err);
    }
    if (r < 0) {
        collector_leave(collector);
    }
    return r;
}
