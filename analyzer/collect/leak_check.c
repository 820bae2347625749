#include "leak_check.h"

#include <errno.h>
#include <limits.h>
#include <linux/futex.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "leak_scan.h"

enum {
    SCAN_NS_MOST = 1500000000, /* less than the process waits: interposer/leak_wait.c */
    MARK_NS_MOST = 2000000000, /* meanwhile nothing is read of the ring */
};

static void leak_answer(struct ring_scan *scan, uint32_t state)
{
    uint32_t expected = SCAN_ASKED;
    if (atomic_compare_exchange_strong(&scan->state, &expected, state)) {
        syscall(SYS_futex, &scan->state, FUTEX_WAKE, INT_MAX, NULL, NULL, 0);
    }
}

static void leak_serve(const struct leak_check *check, const struct drain *drain,
                       struct ring_scan *scan)
{
    const struct clock *clock = &drain->recording->clock;
    struct subject *subject = recording_find(drain->recording, scan->process_key);
    if (subject != NULL && subject->pid == scan->pid && subject->end == SUBJECT_RUNNING) {
        uint64_t start_ns = clock_monotonic_ns();
        const struct leak_scan_settings settings = {
            .pid = scan->pid,
            .waiting_tid = scan->tid,
            .stack_address = scan->stack_address,
            .deadline_ns = start_ns + SCAN_NS_MOST,
            .is_routed = check->is_routed,
        };
        struct leak_scan look;
        uint64_t now_ns = clock_ns(clock, clock_ticks(clock));
        leak_scan_look(&look, subject, &settings);
        uint64_t end_ns = clock_monotonic_ns();
        leak_answer(scan, SCAN_DONE);
        subject->leak_outcome = leak_scan_finish(&look, end_ns + MARK_NS_MOST);
        subject->leak_scanned_ns = now_ns;
        subject->leak_scan_ns = end_ns - start_ns;
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
        if (kill((pid_t)scan->pid, 0) != 0 && errno == ESRCH) {
            leak_answer(scan, SCAN_FREE);
        } else if (scan->asked_ticks <= drain->read_ticks) {
            leak_serve(check, drain, scan);
        } else {
            is_waiting = true;
        }
    }
    if (!is_waiting) {
        check->scan_count = scan_count;
    }
}
