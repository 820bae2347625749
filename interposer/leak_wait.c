#include "leak_wait.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "lane.h"
#include "process.h"
#include "sys.h"
#include "ticks.h"

enum {
    IDLE_NS_MOST = 2000000000, /* without a sign that the collector is at work */
    SLICE_NS = 20000000,       /* how often to look for one */
};

#include "banned.h"

static struct ring_scan *leak_claim(struct ring_header *ring)
{
    for (uint32_t i = 0; i < RING_SCANS; i++) {
        uint32_t expected = SCAN_FREE;
        if (atomic_compare_exchange_strong(&ring->scans[i].state, &expected, SCAN_CLAIMED)) {
            return &ring->scans[i];
        }
    }
    return NULL;
}

static void leak_wait_for_answer(struct ring_header *ring, struct ring_scan *scan)
{
    uint32_t progress = atomic_load(&scan->progress);
    uint64_t until_ns = ticks_monotonic() + IDLE_NS_MOST;
    while (atomic_load(&scan->state) == SCAN_ASKED && ticks_monotonic() < until_ns &&
           !lane_collector_is_gone(ring)) {
        sys_futex_wait(&scan->state, SCAN_ASKED, SLICE_NS);
        if (atomic_load(&scan->progress) != progress) {
            progress = atomic_load(&scan->progress);
            until_ns = ticks_monotonic() + IDLE_NS_MOST;
        }
    }
}

/* Its frame lies below its caller's, so the caller's is part of the stack in use. */
static __attribute__((noinline)) void leak_ask(struct ring_header *ring)
{
    uint64_t until_ns = ticks_monotonic() + IDLE_NS_MOST;
    struct ring_scan *scan;
    while ((scan = leak_claim(ring)) == NULL) { /* many end at once */
        if (ticks_monotonic() >= until_ns || lane_collector_is_gone(ring)) {
            return;
        }
        sys_yield();
    }
    scan->process_key = process->key;
    scan->pid = process->pid;
    scan->tid = sys_tid();
    scan->stack_address = (uintptr_t)__builtin_frame_address(0);
    scan->asked_ticks = ticks_now(process->clock);
    sys_allow_reading(true);
    atomic_store(&scan->state, SCAN_ASKED);
    atomic_fetch_add(&ring->scan_count, 1);
    sys_futex_wake(&ring->scan_count);
    leak_wait_for_answer(ring, scan);
    sys_allow_reading(false);
    atomic_store(&scan->state, SCAN_FREE);
}

/* Out of line, so that every register that a caller may keep something in lies in its frame. */
__attribute__((noinline)) void leak_wait(void)
{
    if (atomic_load(&process->phase) != PROCESS_RECORDING ||
        (process->flags & RING_SCAN_LEAKS) == 0 || process->pid != sys_pid() ||
        atomic_exchange(&process->is_scan_asked, true)) {
        return;
    }
    __builtin_unwind_init();
    leak_ask(process->ring);
    __asm__ volatile("" ::: "memory"); /* no tail call: the frame has to stay */
}
