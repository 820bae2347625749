#include "ask_stacks.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <string.h>

#include "lane.h"
#include "process.h"
#include "sys.h"
#include "ticks.h"

enum {
    WAIT_NS_MOST = 2000000000,
    SLICE_NS = 20000000, /* how often to look whether anybody collects */
};

#include "banned.h"

/* Who asked last may have ended, or left by longjmp, before it took its answer. */
static bool ask_is_abandoned(const struct ring_stacks *question)
{
    bool is_own = question->pid == process->pid && question->tid == sys_tid();
    return is_own || sys_thread_exists(question->pid, question->tid) != 0;
}

static bool ask_claim(struct ring_stacks *question)
{
    uint32_t expected = SCAN_FREE;
    if (atomic_compare_exchange_strong(&question->state, &expected, SCAN_CLAIMED)) {
        return true;
    }
    return expected == SCAN_DONE && ask_is_abandoned(question) &&
           atomic_compare_exchange_strong(&question->state, &expected, SCAN_CLAIMED);
}

static bool ask_is_open(struct ring_header *ring, uint64_t until_ns)
{
    return ticks_monotonic() < until_ns && atomic_load(&ring->is_recording) != 0 &&
           !lane_collector_is_gone(ring);
}

/* True: the answer is there. */
static bool ask_wait(struct ring_header *ring, uint64_t until_ns)
{
    struct ring_stacks *question = &ring->stacks;
    uint32_t state;
    while ((state = atomic_load(&question->state)) != SCAN_DONE) {
        if (ask_is_open(ring, until_ns)) {
            sys_futex_wait(&question->state, state, SLICE_NS);
        } else if (atomic_compare_exchange_strong(&question->state, &state,
                                                  state == SCAN_ASKED ? SCAN_FREE : STACKS_LEFT)) {
            return false;
        }
    }
    return true;
}

size_t ask_stacks(uint32_t lane, const struct counted_site *sites, size_t site_count,
                  const struct counted_sites *all, char *out_text, size_t size_bytes)
{
    struct ring_header *ring = process->ring;
    struct ring_stacks *question = &ring->stacks;
    uint64_t until_ns = ticks_monotonic() + WAIT_NS_MOST;
    while (!ask_claim(question)) {
        if (!ask_is_open(ring, until_ns)) {
            return 0;
        }
        sys_yield();
    }
    question->process_key = process->key;
    question->pid = process->pid;
    question->tid = sys_tid();
    question->lane = lane;
    question->more_count = all->stack_count - site_count;
    question->is_by_bytes = all->figure == COUNTED_BYTES;
    question->forgotten_count = all->forgotten_count;
    question->stack_count = (uint32_t)site_count;
    for (size_t i = 0; i < site_count; i++) {
        question->stacks[i] = (struct asked_stack){
            .local_id = sites[i].stack_id,
            .count = sites[i].count,
            .size_bytes = sites[i].size_bytes,
        };
    }
    question->text[0] = '\0';
    question->asked_ticks = ticks_now(process->clock);
    atomic_store(&question->state, SCAN_ASKED);
    atomic_fetch_add(&ring->scan_count, 1);
    sys_futex_wake(&ring->scan_count);
    if (!ask_wait(ring, until_ns)) {
        return 0;
    }
    size_t length = strnlen(question->text, sizeof(question->text));
    length = length < size_bytes ? length : size_bytes - 1;
    memcpy(out_text, question->text, length);
    out_text[length] = '\0';
    atomic_store(&question->state, SCAN_FREE);
    return length;
}
