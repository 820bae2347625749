#include "emit_notes.h"

#include <string.h>

#include "emit_room.h"

#include "banned.h"

enum {
    REPORT_PART_BYTES = 4096,
    CLOCK_STEP_TICKS = 8, /* more than a ns on any processor */
    CLOCK_LOOKS_MAX = 1000,
};

/*
 * A mark stands between two calls, and readers know no order but that of times in ns: so the clock
 * has to move on before it and after it. Some clocks go in steps of 10 ns and more.
 */
static void emit_let_clock_move(void)
{
    uint64_t from = ticks_now(process->clock);
    for (int i = 0; i < CLOCK_LOOKS_MAX && ticks_now(process->clock) - from < CLOCK_STEP_TICKS;
         i++) {
    }
}

/* `fixed`: what stands before the text, if there is one; its head has no stamp yet. */
static void emit_text(struct self *self, const void *fixed, size_t fixed_bytes, const char *text,
                      size_t text_bytes)
{
    size_t bytes = (fixed_bytes + text_bytes + 7) & ~(size_t)7;
    if (!emit_reserve(self, bytes)) {
        return;
    }
    struct writer *writer = self_writer(self);
    lane_begin(writer);
    uint64_t ticks = emit_stamp(writer);
    uint64_t *words = writer->cursor;
    words[bytes / 8 - 1] = 0;
    memcpy(words, fixed, fixed_bytes);
    memcpy((char *)words + fixed_bytes, text, text_bytes);
    words[0] |= ticks;
    lane_publish(writer, words + bytes / 8);
}

void emit_fault(enum fault_kind fault, unsigned call, uint64_t value, const void *frame)
{
    struct self *self = self_enter(frame);
    if (self == NULL) {
        return;
    }
    if (self->own_calls == 0) {
        uint64_t stack_id = stack_intern(self, frame);
        const uint64_t event[] = {event_head(EVENT_FAULT, 0, 0), value,
                                  stack_id << 32 | (call & 0xffffu) << 16 | fault};
        emit_text(self, event, sizeof(event), "", 0);
    }
    self_leave(self);
}

void emit_mark(uint32_t kind, const char *name, const void *frame)
{
    struct self *self = self_enter(frame);
    if (self == NULL) {
        return;
    }
    struct event_mark event = {
        .head = event_head(EVENT_MARK, 0, 0),
        .mark_kind = kind,
        .name_bytes = (uint32_t)strnlen(name, EVENT_MAX_BYTES / 4),
    };
    emit_let_clock_move();
    emit_text(self, &event, sizeof(event), name, event.name_bytes);
    emit_let_clock_move();
    self_leave(self);
}

static void emit_named(enum event_tag tag, uint32_t place, const char *name, uint64_t value,
                       const void *frame)
{
    struct self *self = self_enter(frame);
    if (self == NULL) {
        return;
    }
    struct event_counter event = {
        .head = event_head(tag, 0, 0),
        .value = value,
        .name_bytes = (uint32_t)strlen(name),
        .place = place,
    };
    emit_text(self, &event, sizeof(event), name, event.name_bytes);
    self_leave(self);
}

void emit_counter(const char *name, uint64_t value, const void *frame)
{
    emit_named(EVENT_COUNTER, 0, name, value, frame);
}

void emit_allocator_fact(uint32_t place, const char *name, uint64_t value, const void *frame)
{
    emit_named(EVENT_ALLOCATOR, place, name, value, frame);
}

static void emit_report_part(const char *text, size_t text_bytes, bool is_last, const void *frame)
{
    struct self *self = self_enter(frame);
    if (self == NULL) {
        return;
    }
    struct event_report event = {
        .head = event_head(EVENT_REPORT, 0, 0),
        .text_bytes = (uint32_t)text_bytes,
        .is_last = is_last,
    };
    emit_text(self, &event, sizeof(event), text, text_bytes);
    self_leave(self);
}

void emit_report(const char *text, size_t text_bytes, bool is_last, const void *frame)
{
    while (text_bytes > REPORT_PART_BYTES) {
        emit_report_part(text, REPORT_PART_BYTES, false, frame);
        text += REPORT_PART_BYTES;
        text_bytes -= REPORT_PART_BYTES;
    }
    emit_report_part(text, text_bytes, is_last, frame);
}
