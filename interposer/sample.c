#include "sample.h"

#include "emit.h"
#include "process.h"
#include "real.h"
#include "sample_draw.h"
#include "sys.h"
#include "usable.h"

enum {
    SET_BLOCKS = 1 << 17,      /* live samples, at most: at 512 KiB, of a heap of 64 GiB */
    SET_BLOCKS_FINE = 1 << 21, /* where samples are dense */
    FINE_BYTES = 1 << 16,
};

#define PASS_FOR_EVER (SIZE_MAX / 2)

_Atomic uint32_t sample_mode;
__thread size_t sample_bytes_left __attribute__((tls_model("initial-exec")));

struct sample_thread {
    uint64_t random;
    uint32_t process_key;      /* for which random was seeded; 0: for none */
    const void *settled_frame; /* of the outer hook that has decided for the next call; or NULL */
    size_t settled_left;       /* sample_bytes_left after that decision */
};

static __thread struct sample_thread sample_thread __attribute__((tls_model("initial-exec")));
static _Atomic uint32_t sample_key;      /* the process whose blocks are in the set */
static _Atomic uint32_t sample_is_begun; /* 0, 1 being set up, 2 */
static _Atomic uint64_t sample_thread_count;

static void sample_begin(void)
{
    uint32_t is_begun = 0;
    uint64_t mean_bytes = process->ring->sample_bytes;
    if (mean_bytes == 0) {
        atomic_store(&sample_mode, SAMPLE_ALL);
        return;
    }
    if (atomic_compare_exchange_strong(&sample_is_begun, &is_begun, 1)) {
        (void)sample_set_init(mean_bytes < FINE_BYTES ? SET_BLOCKS_FINE : SET_BLOCKS, mean_bytes);
        atomic_store(&sample_key, process->key);
        atomic_store(&sample_mode, SAMPLE_SOME);
        atomic_store(&sample_is_begun, 2);
    }
    while (atomic_load(&sample_is_begun) == 1) {
        sys_yield();
    }
}

/* True if this process samples. */
static bool sample_is_some(void)
{
    if (!process_attach()) {
        if (sample_is_mode(SAMPLE_UNKNOWN) && atomic_load(&process->phase) == PROCESS_OFF) {
            atomic_store(&sample_mode,
                         SAMPLE_ALL); /* nobody listens, so nothing will be recorded */
        }
        return sample_is_mode(SAMPLE_SOME);
    }
    if (sample_is_mode(SAMPLE_UNKNOWN)) {
        sample_begin();
    }
    if (!sample_is_mode(SAMPLE_SOME)) {
        return false;
    }
    uint32_t key = atomic_load(&sample_key);
    if (key != process->key && atomic_compare_exchange_strong(&sample_key, &key, process->key)) {
        sample_set_forget();
    }
    return true;
}

static void sample_seed(struct sample_thread *thread)
{
    uint64_t number = atomic_fetch_add(&sample_thread_count, 1);
    uint64_t mixed = process->ring->sample_seed + process->key;
    mixed = sample_random(&mixed) + number;
    *thread = (struct sample_thread){.random = sample_random(&mixed), .process_key = process->key};
    sample_bytes_left = sample_draw(&thread->random, process->ring->sample_bytes) - 1;
}

/* A process whose allocations all pass is to be known all the same. */
static void sample_announce(const void *frame)
{
    if (!atomic_load(&process->is_announced)) {
        struct self *self = self_enter(frame);
        if (self != NULL) {
            self_leave(self);
        }
    }
}

/* True if an outer hook has decided that this call is not to be recorded by itself. */
static bool sample_is_settled(struct sample_thread *thread, const void *frame)
{
    const void *outer = thread->settled_frame;
    if (outer == NULL) {
        return false;
    }
    thread->settled_frame = NULL;
    sample_bytes_left = thread->settled_left;
    return frame < outer; /* else the outer one was left by an exception */
}

bool sample_decide(size_t size_bytes, const void *frame)
{
    struct sample_thread *thread = &sample_thread;
    if (!sample_is_some()) {
        return true;
    }
    if (atomic_load(&process->phase) != PROCESS_RECORDING) {
        sample_pass_for_ever();
        return false;
    }
    if (thread->process_key != process->key) {
        sample_seed(thread);
        sample_announce(frame);
    }
    if (sample_is_settled(thread, frame) || sample_passes(size_bytes)) {
        return false;
    }
    sample_bytes_left = sample_draw(&thread->random, process->ring->sample_bytes) - 1;
    return true;
}

bool sample_decide_free(const void *block)
{
    return sample_is_some() && (sample_filter_excludes(block) || !sample_set_remove(block));
}

bool sample_keep(const void *block)
{
    if (!sample_is_some() || sample_set_add(block)) {
        return true;
    }
    if (atomic_load(&process->phase) == PROCESS_RECORDING) {
        atomic_fetch_add(&process->ring->lost_event_count, 1);
    }
    return false;
}

void *sample_realloc(enum alloc_kind kind, void *old, size_t size_bytes, const void *frame)
{
    bool had_old = old != NULL && !sample_skips_free(old);
    bool is_taken = sample_takes(size_bytes, frame);
    struct self *self = had_old || is_taken ? emit_hold(frame, is_taken) : NULL;
    void *block = real.realloc(old, size_bytes);
    bool is_failed = block == NULL && (size_bytes != 0 || old == NULL);
    if (had_old && is_failed) {
        (void)sample_keeps(old); /* it is still there */
    }
    if (self == NULL) {
        return block;
    }
    if (had_old && !is_failed) {
        emit_hold_free(self, FREE_KIND_REALLOC, old);
    }
    if (is_taken && is_failed) {
        emit_hold_failed(self, kind, size_bytes);
    } else if (is_taken && block != NULL && sample_keeps(block)) {
        emit_hold_alloc(self, kind, block, size_bytes, usable_size(block, size_bytes));
    }
    emit_release(self);
    return block;
}

enum sample_outer sample_outer_begin(enum alloc_kind kind, size_t size_bytes, const void *frame)
{
    struct sample_thread *thread = &sample_thread;
    if (sample_is_mode(SAMPLE_ALL) || !sample_is_some()) {
        return emit_expect_alloc(kind, size_bytes, frame) ? SAMPLE_EXPECTED : SAMPLE_INNER;
    }
    if (thread->settled_frame != NULL && frame < thread->settled_frame) {
        return SAMPLE_INNER;
    }
    bool is_taken = sample_takes(size_bytes, frame);
    thread->settled_left = sample_bytes_left;
    thread->settled_frame = frame;
    sample_bytes_left = 0; /* sends the inner call to sample_decide() */
    return is_taken ? SAMPLE_TAKEN : SAMPLE_SKIPPED;
}

void sample_outer_done(enum sample_outer outer, enum alloc_kind kind, void *block,
                       size_t size_bytes, size_t alignment, const void *frame)
{
    struct sample_thread *thread = &sample_thread;
    if (outer == SAMPLE_INNER) {
        return;
    }
    if (outer == SAMPLE_EXPECTED) {
        emit_expected_alloc_done(block, alignment, frame);
        return;
    }
    if (thread->settled_frame == frame) { /* no hooked function was called */
        thread->settled_frame = NULL;
        sample_bytes_left = thread->settled_left;
    }
    if (outer == SAMPLE_TAKEN) {
        emit_alloc(kind, block, size_bytes, alignment, 0, frame);
    }
}

void sample_pass_for_ever(void)
{
    sample_bytes_left = PASS_FOR_EVER;
    if (sample_is_mode(SAMPLE_ALL)) {
        sample_filter_open();
    }
}

void sample_restart(void)
{
    if (sample_is_mode(SAMPLE_SOME)) {
        sample_bytes_left = 0;
    }
}
