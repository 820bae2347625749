#include "leak_demand.h"

#include <errno.h>
#include <limits.h>
#include <linux/futex.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "leak_scan.h"
#include "snapshot.h"

enum {
    LOOKS = 3,                  /* that must agree where threads run on */
    LOOK_PAUSE_NS = 50000000,   /* between them */
    SETTLE_NS_MOST = 20000000,  /* longer than a call takes that no thread has been stopped in */
    FETCH_NS_MOST = 2000000000, /* for the answer, when the run is at its end */
    FETCH_PAUSE_NS = 1000000,
};

#define LOOK_NS_MOST UINT64_C(10000000000)
#define MARK_NS_MOST UINT64_C(10000000000)

/* What is handed to leak_demand_settle(). */
struct leak_settling {
    struct drain *drain;
    struct err *err;
};

static void leak_demand_answer(struct ring_look *look, int error, const char *reason)
{
    uint32_t expected = SCAN_ASKED;
    look->error = error;
    (void)snprintf(look->reason, sizeof(look->reason), "%.*s", (int)sizeof(look->reason) - 1,
                   reason);
    if (atomic_compare_exchange_strong(&look->state, &expected, SCAN_DONE)) {
        syscall(SYS_futex, &look->state, FUTEX_WAKE, INT_MAX, NULL, NULL, 0);
    }
}

/* Applies all that was stamped before now. -EAGAIN: a thread stands still before it has told what
 * it did. The collector waits meanwhile, so that the drain is ours. */
static int leak_demand_settle(void *context)
{
    const struct leak_settling *settling = context;
    struct drain *drain = settling->drain;
    uint64_t now_ticks = clock_ticks(&drain->recording->clock);
    uint64_t until_ns = clock_monotonic_ns() + SETTLE_NS_MOST;
    while (drain->read_ticks < now_ticks) {
        int64_t applied = drain_round(drain, false, settling->err);
        if (applied < 0) {
            return (int)applied;
        }
        if (applied > 0) {
            until_ns = clock_monotonic_ns() + SETTLE_NS_MOST;
        } else if (clock_monotonic_ns() > until_ns) {
            return -EAGAIN;
        }
    }
    return 0;
}

/* It may be too young to have been watched. */
static uint32_t leak_pid_of(const struct subject *subject)
{
    return subject->true_pid != 0 ? subject->true_pid : subject->pid;
}

/* Looks once, or as often as it takes; the last look is left for the caller. */
static void leak_demand_scan(struct leak_scan *scan, struct subject *subject,
                             const struct leak_demand *demand, struct leak_settling *settling,
                             struct ring_look *look)
{
    struct leak_scan earlier;
    struct leak_scan_settings settings = {
        .pid = leak_pid_of(subject),
        .is_routed = demand->is_routed,
        .memory_bytes_most = UINT64_MAX,
        .space_bytes_most = UINT64_MAX,
        .progress = &look->progress,
        .settle = leak_demand_settle,
        .settle_context = settling,
    };
    look->looked_count = 0;
    do {
        if (look->looked_count > 0) {
            earlier = *scan;
            nanosleep(&(struct timespec){.tv_nsec = LOOK_PAUSE_NS}, NULL);
        }
        settings.deadline_ns = clock_monotonic_ns() + LOOK_NS_MOST;
        leak_scan_look(scan, subject, &settings);
        leak_scan_mark(scan, clock_monotonic_ns() + MARK_NS_MOST);
        if (look->looked_count > 0) {
            leak_scan_agree(scan, &earlier);
            leak_scan_fini(&earlier);
        }
        look->looked_count++;
    } while (scan->outcome == LEAK_OUTCOME_PARTLY && look->looked_count < LOOKS);
    look->is_moving = scan->outcome == LEAK_OUTCOME_PARTLY;
    look->still_ns = look->is_moving ? 0 : scan->still_ns;
}

/* In the copy of the collector. `ready_fd` is closed when the other one may go on. */
static void leak_demand_write(struct leak_scan *scan, struct drain *drain,
                              const struct run_facts *facts, int ready_fd)
{
    char path[PATH_MAX];
    struct err err;
    struct recording *recording = drain->recording;
    struct ring_look *look = &drain->session->ring->look;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    int r = snapshot_detach(recording);
    close(ready_fd);
    leak_scan_apply(scan);
    scan->subject->leak_outcome = scan->outcome;
    scan->subject->leak_scan_ns = look->still_ns;
    scan->subject->leak_scanned_ns = UINT64_MAX; /* nothing was born since */
    snprintf(path, sizeof(path), "%s/" LEAK_DEMAND_FILE, drain->session->directory);
    unlink(path);
    r = r < 0 ? err_set(&err, ENOMEM, "out of memory")
              : snapshot_write(path, facts, recording, &err);
    leak_demand_answer(look, r, r < 0 ? err.text : "");
    _exit(0);
}

static void leak_demand_fork(struct leak_demand *demand, struct leak_scan *scan,
                             struct drain *drain, const struct run_facts *facts)
{
    int ready[2];
    char nothing;
    if (pipe(ready) != 0) {
        leak_demand_answer(&drain->session->ring->look, -errno, "no more files can be opened");
        return;
    }
    demand->writer = fork();
    if (demand->writer == 0) {
        close(ready[0]);
        leak_demand_write(scan, drain, facts, ready[1]);
    }
    close(ready[1]);
    if (demand->writer < 0) {
        demand->writer = 0;
        leak_demand_answer(&drain->session->ring->look, -errno, "no more processes can be started");
    } else {
        (void)!read(ready[0], &nothing, 1);
    }
    close(ready[0]);
}

static struct subject *leak_demand_find(const struct recording *recording, uint32_t pid)
{
    for (size_t i = recording->subject_count; i-- > 0;) {
        struct subject *subject = recording->subjects[i];
        if (leak_pid_of(subject) == pid && subject->end == SUBJECT_RUNNING &&
            !subject->is_finished) {
            return subject;
        }
    }
    return NULL;
}

static int leak_demand_serve(struct leak_demand *demand, struct drain *drain,
                             const struct run_facts *facts, struct err *err)
{
    struct ring_look *look = &drain->session->ring->look;
    struct subject *subject = leak_demand_find(drain->recording, look->pid);
    if (subject == NULL) {
        leak_demand_answer(look, -ESRCH, "the process has ended");
        return 0;
    }
    if (drain->recording->sample_bytes != 0) {
        leak_demand_answer(look, -EINVAL, "only a sample of its blocks is recorded (--sample)");
        return 0;
    }
    struct leak_settling settling = {.drain = drain, .err = err};
    struct leak_scan scan;
    int r = leak_demand_settle(&settling); /* most of it while the process runs on */
    if (r < 0 && r != -EAGAIN) {
        leak_demand_answer(look, r, "the recording cannot be written");
        return r;
    }
    leak_demand_scan(&scan, subject, demand, &settling, look);
    int failure = scan.failure;
    switch (scan.outcome) {
    case LEAK_OUTCOME_DONE:
    case LEAK_OUTCOME_PARTLY:
        leak_demand_fork(demand, &scan, drain, facts);
        break;
    case LEAK_OUTCOME_LATE:
        leak_demand_answer(look, -ETIME, "looking took more than 10 s and was given up");
        break;
    default:
        leak_demand_answer(look, -EACCES, "its memory may not be read, or its threads never rest");
    }
    leak_scan_fini(&scan);
    return failure;
}

bool leak_demand_is_due(const struct leak_demand *demand, const struct session *session)
{
    return demand->writer != 0 || atomic_load(&session->ring->look.state) == SCAN_ASKED;
}

/* Takes note of the writer's end. False: it is at work. */
static bool leak_demand_reap(struct leak_demand *demand, const struct session *session, int flags)
{
    int status = 0;
    if (demand->writer == 0) {
        return true;
    }
    pid_t ended = waitpid(demand->writer, &status, flags);
    if (ended == 0) {
        atomic_fetch_add(&session->ring->look.progress, 1);
        return false;
    }
    demand->writer = 0;
    if (ended < 0 || status != 0) {
        leak_demand_answer(&session->ring->look, -ECHILD, "writing it down was broken off");
    }
    return true;
}

int leak_demand_look(struct leak_demand *demand, struct drain *drain, const struct run_facts *facts,
                     struct err *err)
{
    if (!leak_demand_reap(demand, drain->session, WNOHANG) ||
        atomic_load(&drain->session->ring->look.state) != SCAN_ASKED) {
        return 0;
    }
    return leak_demand_serve(demand, drain, facts, err);
}

void leak_demand_end(struct leak_demand *demand, const struct session *session)
{
    if (session->ring == NULL) {
        return;
    }
    struct ring_look *look = &session->ring->look;
    (void)leak_demand_reap(demand, session, 0);
    leak_demand_answer(look, -ESRCH, "the process has ended");
    for (int64_t ns = FETCH_NS_MOST; atomic_load(&look->state) == SCAN_DONE && ns > 0;
         ns -= FETCH_PAUSE_NS) {
        nanosleep(&(struct timespec){.tv_nsec = FETCH_PAUSE_NS}, NULL);
    }
}
