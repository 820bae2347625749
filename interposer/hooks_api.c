/*
 * hooks_api.c - the functions of allocaudit.h.
 */
#include "allocaudit.h"

#include "ask_stacks.h"
#include "counted_sites.h"
#include "counting.h"
#include "emit_notes.h"
#include "hooks.h"
#include "route.h"
#include "self.h"

HOOK void allocaudit_note(unsigned kind, const char *name)
{
    if (kind == ALLOCAUDIT_FRAME) {
        route_end_frame();
    }
    emit_mark(kind, name != NULL ? name : "", HOOK_FRAME);
}

/* True if everything is recorded, and no call of this thread is under way. */
static bool is_exact(const struct self *self)
{
    bool is_recording = atomic_load(&process->phase) == PROCESS_RECORDING;
    return self->level == 1 && is_recording && process->ring->sample_bytes == 0;
}

/* True if this thread's allocations can be counted. */
static bool can_count(struct self *self)
{
    if (!is_exact(self)) {
        return false;
    }
    return self->writers[0].counting != NULL || counting_start(&self->counting, &self->writers[0]);
}

HOOK int allocaudit_count(struct allocaudit_counts *out_counts)
{
    struct self *self = self_enter(HOOK_FRAME);
    *out_counts = (struct allocaudit_counts){.allocation_count = 0};
    if (self == NULL) {
        return 0;
    }
    bool is_counted = can_count(self);
    if (is_counted) {
        struct counting *counting = self->counting;
        counting_catch_up(counting, &self->writers[0]);
        is_counted = !counting->is_broken;
        if (is_counted) {
            *out_counts = (struct allocaudit_counts){
                .allocation_count = counting->sums.allocation_count,
                .free_count = counting->sums.free_count,
                .allocated_bytes = counting->sums.allocated_bytes,
            };
        }
    }
    self_leave(self);
    return is_counted;
}

HOOK int allocaudit_count_process(struct allocaudit_counts *out_counts)
{
    struct self *self = self_enter(HOOK_FRAME);
    *out_counts = (struct allocaudit_counts){.allocation_count = 0};
    if (self == NULL) {
        return 0;
    }
    struct counted_sums sums;
    bool is_counted = is_exact(self) && census_take(&self->views, &self->part, &sums);
    if (is_counted) {
        *out_counts = (struct allocaudit_counts){
            .allocation_count = sums.allocation_count,
            .free_count = sums.free_count,
            .allocated_bytes = sums.allocated_bytes,
        };
    }
    self_leave(self);
    return is_counted;
}

HOOK void allocaudit_pause(void)
{
    self_pause_depth++;
    if (self_of_thread != NULL) { /* else it will look at the depth when it comes to be */
        self_of_thread->is_paused = true;
    }
}

HOOK void allocaudit_resume(void)
{
    if (self_pause_depth > 0 && --self_pause_depth == 0 && self_of_thread != NULL) {
        self_of_thread->is_paused = false;
    }
}

HOOK void allocaudit_measure_begin(struct allocaudit_measure *measure)
{
    struct self *self = self_enter(HOOK_FRAME);
    *measure = (struct allocaudit_measure){.serial = 0};
    if (self != NULL) {
        if (can_count(self)) {
            measure->serial = counting_begin(self->counting, &self->writers[0]);
        }
        self_leave(self);
    }
}

HOOK int allocaudit_measure_end(struct allocaudit_measure *measure)
{
    struct self *self = measure->serial != 0 ? self_enter(HOOK_FRAME) : NULL;
    struct measurement_state measured;
    if (self == NULL) {
        return 0;
    }
    bool is_counted = can_count(self) &&
                      counting_end(self->counting, &self->writers[0], measure->serial, &measured);
    if (is_counted) {
        const struct counted_sums *now = &self->counting->sums;
        *measure = (struct allocaudit_measure){
            .allocation_count = now->allocation_count - measured.before.allocation_count,
            .free_count = now->free_count - measured.before.free_count,
            .allocated_bytes = now->allocated_bytes - measured.before.allocated_bytes,
            .live_count = measured.live_count,
            .live_bytes = measured.live_bytes,
            .peak_bytes = measured.peak_bytes,
        };
    }
    self_leave(self);
    return is_counted;
}

HOOK size_t allocaudit_describe_stacks(enum allocaudit_stacks which, char *out_text,
                                       size_t size_bytes)
{
    static const enum counted_figure figures[] = {
        [ALLOCAUDIT_STACKS_CALLS] = COUNTED_CALLS,
        [ALLOCAUDIT_STACKS_BYTES] = COUNTED_BYTES,
        [ALLOCAUDIT_STACKS_LIVE] = COUNTED_LIVE,
    };
    bool is_possible = size_bytes > 0 && (unsigned)which <= ALLOCAUDIT_STACKS_LIVE;
    struct self *self = is_possible ? self_enter(HOOK_FRAME) : NULL;
    size_t length = 0;
    if (self == NULL) {
        return 0;
    }
    if (can_count(self)) {
        struct counted_site sites[RING_STACKS_MOST];
        struct counted_sites all;
        size_t count =
            counted_sites_find(self->counting, figures[which], sites, RING_STACKS_MOST, &all);
        if (count > 0) {
            length = ask_stacks(self->writers[0].lane, sites, count, &all, out_text, size_bytes);
        }
    }
    self_leave(self);
    return length;
}
