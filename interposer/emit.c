#include "emit.h"

#include "emit_notes.h"
#include "emit_room.h"
#include "introspect.h"
#include "route_tell.h"
#include "sample.h"
#include "usable.h"

#include "banned.h"

enum {
    ALLOC_BYTES = 3 * 8,
    ALLOC_WIDE_BYTES = 5 * 8,
    FREE_BYTES = 2 * 8,
    FREE_WIDE_BYTES = 3 * 8,
    FREE_TIME_BYTES = 2 * 8,
    FAILED_BYTES = 3 * 8,
};

static uint64_t *emit_put_wide(uint64_t *words, unsigned tag, uint64_t ticks, unsigned duration,
                               const void *block, size_t size_bytes, size_t usable_bytes,
                               uint64_t last_word)
{
    words[0] = event_head(tag, duration, ticks);
    words[1] = (uintptr_t)block;
    words[2] = size_bytes;
    words[3] = usable_bytes;
    words[4] = last_word;
    return words + ALLOC_WIDE_BYTES / 8;
}

static uint64_t *emit_put_alloc(uint64_t *words, enum alloc_kind kind, uint64_t ticks,
                                unsigned duration, const void *block, size_t size_bytes,
                                size_t usable_bytes, size_t alignment, uint32_t stack_id)
{
    uint64_t slack = usable_bytes - size_bytes;
    if (__builtin_expect(slack < EVENT_SLACK_LIMIT && size_bytes <= UINT32_MAX && alignment == 0,
                         1)) {
        words[0] = event_head(EVENT_ALLOC + kind, duration, ticks);
        words[1] = (uintptr_t)block | slack << EVENT_ADDRESS_BITS;
        words[2] = (uint64_t)stack_id << 32 | size_bytes;
        return words + ALLOC_BYTES / 8;
    }
    return emit_put_wide(words, EVENT_ALLOC_WIDE + kind, ticks, duration, block, size_bytes,
                         usable_bytes, (uint64_t)stack_id << 32 | (uint32_t)alignment);
}

static uint64_t *emit_put_failed(uint64_t *words, enum alloc_kind kind, uint64_t ticks,
                                 size_t size_bytes, uint32_t stack_id)
{
    words[0] = event_head(EVENT_FAILED + kind, 0, ticks);
    words[1] = size_bytes;
    words[2] = (uint64_t)stack_id << 32;
    return words + FAILED_BYTES / 8;
}

static bool emit_take_expected(struct self *self, size_t *size_bytes, const void *frame,
                               enum alloc_kind *kind, uint32_t *stack_id)
{
    struct expected_call *expected = &self->expected_alloc;
    if (expected->is_used || expected->size_bytes > *size_bytes || frame > expected->frame) {
        return false;
    }
    expected->is_used = true;
    *size_bytes = expected->size_bytes;
    *kind = (enum alloc_kind)expected->kind;
    *stack_id = expected->stack_id;
    return true;
}

/* What a thread allocates while it has paused: never counted, so it needs no stack. */
static __attribute__((noinline)) void emit_paused_alloc(struct self *self, enum alloc_kind kind,
                                                        const void *block, size_t size_bytes)
{
    struct writer *writer = self_writer(self);
    if (block == NULL || !emit_reserve(self, ALLOC_WIDE_BYTES)) {
        return;
    }
    size_t usable_bytes = usable_size((void *)block, size_bytes);
    lane_begin(writer);
    uint64_t ticks = emit_stamp(writer);
    lane_publish(writer, emit_put_wide(writer->cursor, EVENT_PAUSED_ALLOC + kind, ticks, 0, block,
                                       size_bytes, usable_bytes, 0));
}

void emit_alloc(enum alloc_kind kind, void *block, size_t size_bytes, size_t alignment,
                uint64_t started, const void *frame)
{
    uint64_t taken = started != 0 ? ticks_now(process->clock) - started : 0;
    struct self *self = sample_keeps(block) ? self_enter(frame) : NULL;
    if (self == NULL) {
        return;
    }
    struct writer *writer = self_writer(self);
    uint32_t stack_id = 0;
    if (__builtin_expect(self->own_calls != 0, 0)) {
        kind = ALLOC_KIND_INTERNAL;
    } else if ((__builtin_expect(!self->expects_alloc, 1) ||
                !emit_take_expected(self, &size_bytes, frame, &kind, &stack_id)) &&
               !self->is_paused) {
        stack_id = stack_intern(self, frame);
    }
    if (__builtin_expect(self->is_paused, 0) && kind != ALLOC_KIND_INTERNAL) {
        emit_paused_alloc(self, kind, block, size_bytes);
    } else if (emit_reserve(self, ALLOC_WIDE_BYTES)) {
        size_t usable_bytes = block != NULL ? usable_size(block, size_bytes) : 0;
        lane_begin(writer);
        uint64_t ticks = emit_stamp(writer);
        if (__builtin_expect(block != NULL, 1)) {
            unsigned duration = started != 0 ? event_duration_encode(taken) : 0;
            lane_publish(writer, emit_put_alloc(writer->cursor, kind, ticks, duration, block,
                                                size_bytes, usable_bytes, alignment, stack_id));
        } else {
            lane_publish(writer,
                         emit_put_failed(writer->cursor, kind, ticks, size_bytes, stack_id));
        }
    }
    self_leave(self);
    if (__builtin_expect(route_tell_is_on, 0) && started != 0) {
        route_tell();
    }
    if (__builtin_expect(introspect_is_on, 0) && started != 0) {
        introspect_look(frame);
    }
}

static inline uint64_t emit_free_head(const struct self *self, enum free_kind kind,
                                      unsigned duration, uint64_t ticks)
{
    unsigned tag = __builtin_expect(self->is_paused, 0) ? EVENT_PAUSED_FREE : EVENT_FREE;
    return event_head(tag + kind, duration, ticks);
}

/* Publishes it. False: it was not recorded. */
static bool emit_put_free(struct self *self, enum free_kind kind, const void *block,
                          uint64_t given_word, unsigned duration)
{
    if (!emit_reserve(self, FREE_BYTES)) {
        return false;
    }
    struct writer *writer = self_writer(self);
    lane_begin(writer);
    writer->cursor[0] = emit_free_head(self, kind, duration, emit_stamp(writer));
    writer->cursor[1] = (uintptr_t)block | given_word;
    lane_publish(writer, writer->cursor + FREE_BYTES / 8);
    return true;
}

bool emit_free(enum free_kind kind, const void *block, uint64_t given_word, const void *frame)
{
    struct self *self = self_enter(frame);
    if (self == NULL) {
        return false;
    }
    bool is_timed = lane_is_timed(self_writer(self));
    is_timed &= emit_put_free(self, kind, block, given_word, is_timed ? EVENT_FREE_IS_TIMED : 0);
    self_leave(self);
    return is_timed;
}

void emit_free_untimed(enum free_kind kind, const void *block, const void *frame)
{
    struct self *self = self_enter(frame);
    if (self != NULL) {
        (void)emit_put_free(self, kind, block, 0, 0);
        self_leave(self);
    }
}

/* No event of the program: where the chunk has no room, nobody misses it. */
void emit_free_time(const void *block, uint64_t started, const void *frame)
{
    uint64_t taken = ticks_now(process->clock) - started;
    struct self *self = self_enter(frame);
    if (self == NULL) {
        return;
    }
    struct writer *writer = self_writer(self);
    if (lane_has_room(writer, FREE_TIME_BYTES)) {
        lane_begin(writer);
        uint64_t ticks = lane_stamp(writer);
        if (ticks < LANE_STALE_TICKS) {
            writer->cursor[0] = event_head(EVENT_FREE_TIME, event_duration_encode(taken), ticks);
            writer->cursor[1] = (uintptr_t)block;
            lane_publish(writer, writer->cursor + FREE_TIME_BYTES / 8);
        } else {
            lane_cancel(writer);
        }
    }
    self_leave(self);
}

struct self *emit_hold(const void *frame, bool needs_stack)
{
    struct self *self = self_enter(frame);
    if (self == NULL) {
        return NULL;
    }
    uint32_t stack_id = 0;
    if (needs_stack && self->own_calls == 0) {
        stack_id = stack_intern(self, frame);
    }
    if (!emit_reserve(self, FREE_WIDE_BYTES + ALLOC_WIDE_BYTES)) {
        self_leave(self);
        return NULL;
    }
    struct writer *writer = self_writer(self);
    lane_begin(writer);
    uint64_t ticks = emit_stamp(writer);
    *self_held(self) = (struct held_call){writer->cursor, ticks, stack_id};
    return self;
}

void emit_hold_free(struct self *self, enum free_kind kind, const void *block)
{
    struct held_call *held = self_held(self);
    held->cursor[0] = emit_free_head(self, kind, 0, held->ticks);
    held->cursor[1] = (uintptr_t)block;
    held->cursor += FREE_BYTES / 8;
}

void emit_hold_free_range(struct self *self, enum free_kind kind, const void *block,
                          size_t size_bytes)
{
    struct held_call *held = self_held(self);
    held->cursor[0] = event_head(EVENT_FREE_WIDE + kind, 0, held->ticks);
    held->cursor[1] = (uintptr_t)block;
    held->cursor[2] = size_bytes;
    held->cursor += FREE_WIDE_BYTES / 8;
}

void emit_hold_alloc(struct self *self, enum alloc_kind kind, void *block, size_t size_bytes,
                     size_t usable_bytes)
{
    struct held_call *held = self_held(self);
    uint64_t ticks = lane_stamp(self_writer(self));
    if (self->own_calls != 0) {
        kind = ALLOC_KIND_INTERNAL;
    } else if (self->is_paused && !event_alloc_is_range(kind)) {
        held->cursor = emit_put_wide(held->cursor, EVENT_PAUSED_ALLOC + kind, ticks, 0, block,
                                     size_bytes, usable_bytes, 0);
        return;
    }
    held->cursor =
        emit_put_alloc(held->cursor, kind, ticks, event_duration_encode(ticks - held->ticks), block,
                       size_bytes, usable_bytes, 0, held->stack_id);
}

void emit_hold_failed(struct self *self, enum alloc_kind kind, size_t size_bytes)
{
    struct held_call *held = self_held(self);
    if (self->is_paused) {
        return;
    }
    held->cursor = emit_put_failed(held->cursor, kind, lane_stamp(self_writer(self)), size_bytes,
                                   held->stack_id);
}

void emit_release(struct self *self)
{
    lane_publish(self_writer(self), self_held(self)->cursor);
    self_leave(self);
}

bool emit_expect_alloc(enum alloc_kind kind, size_t size_bytes, const void *frame)
{
    struct self *self = self_enter(frame);
    if (self == NULL) {
        return false;
    }
    const struct expected_call *outer = &self->expected_alloc;
    bool is_inner = self->level != 1 || (self->expects_alloc && !outer->is_used &&
                                         outer->frame > frame && outer->size_bytes <= size_bytes);
    if (!is_inner) {
        uint32_t stack_id = stack_intern(self, frame);
        self->expected_alloc = (struct expected_call){
            .frame = frame,
            .kind = (uint8_t)kind,
            .stack_id = stack_id,
            .size_bytes = size_bytes,
        };
        self->expects_alloc = true;
    }
    self_leave(self);
    return !is_inner;
}

void emit_expected_alloc_done(void *block, size_t alignment, const void *frame)
{
    struct self *self = self_of_thread;
    if (self == NULL || !self->expects_alloc) {
        return;
    }
    struct expected_call expected = self->expected_alloc;
    if (!expected.is_used) {
        emit_alloc((enum alloc_kind)expected.kind, block, expected.size_bytes, alignment, 0, frame);
    }
    self->expects_alloc = false;
}

bool emit_outer_free(enum free_kind kind, const void *block, uint64_t given_word, const void *frame,
                     bool *out_is_timed)
{
    struct self *self = emit_begin_plain();
    *out_is_timed = false;
    if (self == NULL || !emit_free_plain(self, kind, block, given_word, frame)) {
        self = emit_free_is_expected(block) ? NULL : self_enter(frame);
        if (self == NULL) {
            return false;
        }
        bool is_timed = lane_is_timed(self_writer(self));
        bool is_put =
            emit_put_free(self, kind, block, given_word, is_timed ? EVENT_FREE_IS_TIMED : 0);
        self_leave(self);
        if (!is_put) {
            return false;
        }
        *out_is_timed = is_timed;
    }
    self->expected_free = block;
    self->expects_free = true;
    return true;
}

void emit_outer_free_done(void)
{
    if (self_of_thread != NULL) {
        self_of_thread->expects_free = false;
    }
}
