#include "self.h"

#include <errno.h>
#include <linux/mman.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>

#include "announce.h"
#include "real.h"
#include "sample.h"
#include "sys.h"

#include "banned.h"

enum {
    SAME_STACK_BYTES = 1 << 20, /* frames farther apart than this may be on different stacks */
};

__thread struct self *self_of_thread __attribute__((tls_model("initial-exec")));
__thread uint32_t self_pause_depth __attribute__((tls_model("initial-exec")));
static __thread bool self_is_being_made __attribute__((tls_model("initial-exec")));
static pthread_key_t self_exit_key;

static void self_push_exiting(struct self *self)
{
    struct self *head = atomic_load(&process->exiting);
    do {
        self->next_exiting = head;
    } while (!atomic_compare_exchange_weak(&process->exiting, &head, self));
}

/* The thread may still free blocks after this; its self is reused when the kernel has let it go. */
static void self_on_thread_exit(void *argument)
{
    struct self *self = argument;
    if (self->is_ready) {
        self_push_exiting(self);
    }
}

void self_init(void)
{
    pthread_atfork(process_before_fork, NULL, process_in_forked_child);
    if (pthread_key_create(&self_exit_key, self_on_thread_exit) != 0) {
        self_exit_key = (pthread_key_t)-1;
    }
}

static void self_retire(struct self *self)
{
    for (int level = 0; level < SELF_LEVELS; level++) {
        lane_close(&self->writers[level]);
        self->stacks[level].used_count = 0;
        self->stacks[level].generation = 0; /* forces a clear at first use */
    }
    chain_retire(&self->chains);
    if (self->counting != NULL) {
        counting_reset(self->counting);
    }
    walk_forget_stack(&self->walk);
    self->mode = 0;
}

/* Looks for a thread that has ended; its memory serves the next. */
static struct self *self_reuse(void)
{
    struct self *list = atomic_exchange(&process->exiting, NULL);
    struct self *found = NULL;
    while (list != NULL) {
        struct self *next = list->next_exiting;
        if (found == NULL && sys_thread_exists(process->pid, list->tid) == -ESRCH) {
            found = list;
            self_retire(found);
        } else {
            self_push_exiting(list);
        }
        list = next;
    }
    return found;
}

static struct self *self_make(void)
{
    self_is_being_made = true;
    struct self *self = self_reuse();
    if (self == NULL) {
        self = sys_mmap(sizeof(*self), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1);
        if (self != NULL && sys_madvise(self, sizeof(*self), MADV_WIPEONFORK) < 0) {
            sys_munmap(self, sizeof(*self));
            self = NULL;
        }
    }
    self_is_being_made = false;
    return self;
}

static bool self_prepare(struct self *self)
{
    self->tid = sys_tid();
    if (!lane_open(&self->writers[0], self->tid, 0)) {
        return false;
    }
    self->writers[0].part = &self->part;
    census_enter(&self->part, self->writers[0].chunk);
    self->is_paused = self_pause_depth > 0;
    self->is_never_plain = process->clock != RING_CLOCK_TSC ||
                           process->unwind != RING_UNWIND_AUTO ||
                           process->ring->sample_bytes != 0 || real.malloc_usable_size == NULL;
    self->is_ready = true;
    self->level = 1; /* what the calls below allocate is ours, on a lane of its own */
    self->own_calls++;
    announce_process(self);
    if (self_exit_key != (pthread_key_t)-1) {
        pthread_setspecific(self_exit_key, self);
    }
    self->own_calls--;
    self->level = 0;
    return true;
}

/*
 * True if the hook at `interrupted` cannot be beneath the present one. On one stack, the outer one
 * stands above. An alternate signal stack may lie anywhere, also right above the stack that it
 * interrupted.
 */
static bool self_is_abandoned(const char *interrupted, const char *present)
{
    stack_t alternate = {.ss_flags = SS_DISABLE};
    if (interrupted == NULL) {
        return false; /* it has just begun or is about to end */
    }
    sys_signal_stack(&alternate);
    const char *low = alternate.ss_sp;
    bool was_alternate = (alternate.ss_flags & SS_DISABLE) == 0 && interrupted >= low &&
                         interrupted < low + alternate.ss_size;
    bool is_alternate = (alternate.ss_flags & SS_ONSTACK) != 0;
    if (was_alternate != is_alternate) {
        return was_alternate;
    }
    return present >= interrupted && present - interrupted <= SAME_STACK_BYTES;
}

/*
 * A handler that left by longjmp never came back to the hook it had interrupted. The stack grows
 * down, so a hook that is really interrupted stands above the present one.
 */
static void self_drop_abandoned(struct self *self, const void *frame)
{
    while (self->level > 0) {
        if (self->own_calls != 0 ||
            !self_is_abandoned(self->entry_frames[self->level - 1], frame)) {
            return;
        }
        struct writer *writer = self_writer(self);
        if (writer->chunk != NULL) {
            lane_cancel(writer);
        }
        self->entry_frames[self->level - 1] = NULL;
        self->level--;
    }
}

struct self_own self_own_begin(struct self *self)
{
    struct self_own own = {.mask = 0};
    own.is_holding = sys_hold_signals(&own.mask) == 0;
    if (self != NULL) {
        self->own_calls++;
    }
    return own;
}

void self_own_end(struct self *self, struct self_own own)
{
    if (self != NULL) {
        self->own_calls--;
    }
    if (own.is_holding) {
        sys_restore_signals(own.mask);
    }
}

static struct self *self_begin(void)
{
    struct self *self = self_of_thread;
    if (!process_attach() || self_is_being_made) {
        return NULL;
    }
    if (self == NULL) {
        self = self_make();
        if (self == NULL) {
            atomic_fetch_add(&process->ring->lost_event_count, 1);
            return NULL;
        }
        self_of_thread = self;
    }
    return self->is_ready || self_prepare(self) ? self : NULL;
}

/* A handler that came by meanwhile could not record what it allocates. */
static struct self *self_begin_undisturbed(void)
{
    struct self_own own = self_own_begin(NULL);
    struct self *self = self_begin();
    self_own_end(NULL, own);
    return self;
}

struct self *self_enter_slowly(const void *frame)
{
    struct self *self = self_of_thread;
    uint32_t phase = atomic_load(&process->phase);
    if (self == NULL || !self->is_ready || phase != PROCESS_RECORDING) {
        self = phase != PROCESS_OFF ? self_begin_undisturbed() : NULL;
    }
    if (self == NULL) {
        if (atomic_load(&process->phase) == PROCESS_OFF) {
            sample_pass_for_ever();
        }
        return NULL;
    }
    self_drop_abandoned(self, frame);
    if (self->level == SELF_LEVELS) {
        self->writers[0].lost_count++;
        return NULL;
    }
    struct writer *writer = &self->writers[self->level];
    if (!writer->has_lane && !lane_open(writer, self->tid, self->level)) {
        return NULL;
    }
    self->level++;
    atomic_signal_fence(memory_order_seq_cst);
    self->entry_frames[self->level - 1] = frame;
    atomic_signal_fence(memory_order_seq_cst);
    return self;
}

void self_give_up(struct self *self)
{
    if (atomic_load(&process->phase) == PROCESS_OFF) {
        self->is_ready = false;
    }
}
