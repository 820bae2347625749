#include "leak_check.h"

#include <errno.h>
#include <limits.h>
#include <linux/futex.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "../target/true_pid.h"
#include "leak_scan.h"

enum {
    SMALL_BLOCKS_MOST = 10000, /* more are not looked at unasked */
};

/* Until the process's events are read, while it waits. */
#define READ_NS_MOST       UINT64_C(10000000000)
#define SMALL_READ_NS_MOST UINT64_C(20000000)

#define LOOK_NS_MOST     UINT64_C(10000000000) /* the process stands still */
#define MARK_NS_MOST     UINT64_C(10000000000) /* nothing is read of the ring */
#define SMALL_BYTES_MOST (UINT64_C(32) << 20)
#define SMALL_SPACE_MOST (UINT64_C(4) << 30) /* its pages are looked through in 2 ms */

static void leak_answer(struct ring_scan *scan, uint32_t state)
{
    uint32_t expected = SCAN_ASKED;
    if (atomic_compare_exchange_strong(&scan->state, &expected, state)) {
        syscall(SYS_futex, &scan->state, FUTEX_WAKE, INT_MAX, NULL, NULL, 0);
    }
}

/* The process is let go once its memory was read; its place in the ring may be another's from then
 * on. */
static void leak_look_at(const struct leak_check *check, const struct clock *clock,
                         struct ring_scan *scan, struct subject *subject)
{
    bool is_small = check->when == LEAK_CHECK_SMALL;
    uint64_t start_ns = clock_monotonic_ns();
    uint32_t pid = subject->true_pid != 0 ? subject->true_pid : true_pid_find(scan->pid);
    const struct leak_scan_settings settings = {
        .pid = pid,
        .waiting_tid = scan->tid == scan->pid ? pid : scan->tid,
        .stack_address = scan->stack_address,
        .deadline_ns = start_ns + LOOK_NS_MOST,
        .progress = &scan->progress,
        .memory_bytes_most = is_small ? SMALL_BYTES_MOST : UINT64_MAX,
        .space_bytes_most = is_small ? SMALL_SPACE_MOST : UINT64_MAX,
        .is_routed = check->is_routed,
    };
    struct leak_scan look;
    uint64_t now_ns = clock_ns(clock, clock_ticks(clock));
    leak_scan_look(&look, subject, &settings);
    uint64_t end_ns = clock_monotonic_ns();
    leak_answer(scan, SCAN_DONE);
    leak_scan_mark(&look, end_ns + MARK_NS_MOST);
    leak_scan_apply(&look);
    subject->leak_outcome = look.outcome;
    leak_scan_fini(&look);
    subject->leak_scanned_ns = now_ns;
    subject->leak_scan_ns = end_ns - start_ns;
}

static void leak_serve(const struct leak_check *check, const struct drain *drain,
                       struct ring_scan *scan)
{
    struct subject *subject = recording_find(drain->recording, scan->process_key);
    bool is_there = subject != NULL && subject->pid == scan->pid && subject->end == SUBJECT_RUNNING;
    bool is_large = is_there && check->when == LEAK_CHECK_SMALL &&
                    subject->live.block_count > SMALL_BLOCKS_MOST;
    if (is_there && !is_large) {
        leak_look_at(check, &drain->recording->clock, scan, subject);
        return;
    }
    if (is_large) {
        subject->leak_outcome = LEAK_OUTCOME_LARGE;
    }
    leak_answer(scan, SCAN_DONE);
}

static bool leak_is_overdue(const struct leak_check *check, const struct drain *drain,
                            const struct ring_scan *scan)
{
    uint64_t most_ns = check->when == LEAK_CHECK_SMALL ? SMALL_READ_NS_MOST : READ_NS_MOST;
    const struct clock *clock = &drain->recording->clock;
    return clock_ns(clock, clock_ticks(clock)) > clock_ns(clock, scan->asked_ticks) + most_ns;
}

static void leak_give_up(const struct drain *drain, struct ring_scan *scan)
{
    struct subject *subject = recording_find(drain->recording, scan->process_key);
    if (subject != NULL && subject->pid == scan->pid) {
        subject->leak_outcome = LEAK_OUTCOME_LATE;
    }
    leak_answer(scan, SCAN_DONE);
}

bool leak_check_is_due(const struct leak_check *check, const struct session *session)
{
    return atomic_load(&session->ring->scan_count) != check->scan_count;
}

void leak_check_look(struct leak_check *check, const struct drain *drain)
{
    struct ring_header *ring = drain->session->ring;
    uint32_t scan_count = atomic_load(&ring->scan_count);
    bool is_waiting = false;
    for (uint32_t i = 0; scan_count != check->scan_count && i < RING_SCANS; i++) {
        struct ring_scan *scan = &ring->scans[i];
        uint32_t state = atomic_load(&scan->state);
        if (state != SCAN_ASKED) {
            continue;
        }
        if (kill((pid_t)scan->pid, 0) != 0 && errno == ESRCH && true_pid_find(scan->pid) == 0) {
            leak_answer(scan, SCAN_FREE);
        } else if (scan->asked_ticks <= drain->read_ticks) {
            leak_serve(check, drain, scan);
        } else if (leak_is_overdue(check, drain, scan)) {
            leak_give_up(drain, scan);
        } else {
            atomic_fetch_add(&scan->progress, 1);
            is_waiting = true;
        }
    }
    if (!is_waiting) {
        check->scan_count = scan_count;
    }
}
