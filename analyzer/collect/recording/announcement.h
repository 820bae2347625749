/*
 * announcement.h - what a process tells of itself beside its blocks: what it is, which modules it
 * has loaded, the stacks that it will name by number, marks, and counters.
 */
#ifndef ALLOCAUDIT_ANNOUNCEMENT_H
#define ALLOCAUDIT_ANNOUNCEMENT_H

#include <stdint.h>

#include "../../../schema/event.h"
#include "subject.h"

/* Each applies the event to the lane's subject. They return 0 or -ENOMEM. */
int announcement_process(struct lane_context *lane, const struct event_process *event,
                         uint64_t stamp_ns);
int announcement_module(struct lane_context *lane, const struct event_module *event,
                        uint64_t stamp_ns);
int announcement_stack(struct lane_context *lane, const struct event_stack *event);

/* The frame of a return address, by the modules that are known so far. Returns 0 or -ENOMEM. */
int announcement_frame(struct subject *subject, uint64_t address, uint32_t *out_frame);

int announcement_mark(struct lane_context *lane, const struct event_mark *event, uint64_t stamp_ns);
int announcement_fact(struct lane_context *lane, const struct event_counter *event,
                      uint64_t stamp_ns);
int announcement_counter(struct lane_context *lane, const struct event_counter *event,
                         uint64_t stamp_ns);

#endif
