#include "event.h"

#include <stddef.h>

static size_t event_padded(size_t bytes)
{
    return (bytes + 7) & ~(size_t)7;
}

static size_t event_text_bytes(const uint64_t *words)
{
    switch (event_tag(words[0])) {
    case EVENT_STACK: {
        const struct event_stack *event = (const struct event_stack *)words;
        return event->frame_count * sizeof(event->frames[0]);
    }
    case EVENT_MODULE: {
        const struct event_module *event = (const struct event_module *)words;
        return (size_t)event->path_bytes + event->build_id_bytes;
    }
    case EVENT_PROCESS: {
        const struct event_process *event = (const struct event_process *)words;
        return (size_t)event->executable_bytes + event->command_bytes + event->allocator_bytes +
               event->allocator_version_bytes;
    }
    case EVENT_COUNTER:
    case EVENT_ALLOCATOR: {
        const struct event_counter *event = (const struct event_counter *)words;
        return event->name_bytes;
    }
    case EVENT_REPORT: {
        const struct event_report *event = (const struct event_report *)words;
        return event->text_bytes;
    }
    default: {
        const struct event_mark *event = (const struct event_mark *)words;
        return event->name_bytes;
    }
    }
}

static size_t event_fixed_bytes(unsigned tag)
{
    static const struct {
        unsigned first;
        unsigned count;
        size_t bytes;
    } layouts[] = {
        {EVENT_ALLOC, ALLOC_KIND_COUNT, 3 * 8},
        {EVENT_ALLOC_WIDE, ALLOC_KIND_COUNT, 5 * 8},
        {EVENT_FREE, FREE_KIND_COUNT, 2 * 8},
        {EVENT_FREE_WIDE, FREE_KIND_COUNT, 3 * 8},
        {EVENT_FAILED, ALLOC_KIND_COUNT, 3 * 8},
        {EVENT_LOST, 1, 2 * 8},
        {EVENT_FAULT, 1, 3 * 8},
        {EVENT_PAUSED_ALLOC, ALLOC_KIND_COUNT, 5 * 8},
        {EVENT_PAUSED_FREE, FREE_KIND_COUNT, 2 * 8},
        {EVENT_STACK, 1, sizeof(struct event_stack)},
        {EVENT_MODULE, 1, sizeof(struct event_module)},
        {EVENT_PROCESS, 1, sizeof(struct event_process)},
        {EVENT_MARK, 1, sizeof(struct event_mark)},
        {EVENT_COUNTER, 2, sizeof(struct event_counter)}, /* and EVENT_ALLOCATOR */
        {EVENT_REPORT, 1, sizeof(struct event_report)},
        {EVENT_FREE_TIME, 1, 2 * 8},
    };
    for (size_t i = 0; i < sizeof(layouts) / sizeof(layouts[0]); i++) {
        if (tag - layouts[i].first < layouts[i].count) {
            return layouts[i].bytes;
        }
    }
    return 0;
}

size_t event_bytes_slowly(const uint64_t *words, size_t available_bytes)
{
    if (available_bytes < sizeof(*words)) {
        return 0;
    }
    unsigned tag = event_tag(words[0]);
    size_t bytes = event_fixed_bytes(tag);
    if (bytes == 0 || bytes > available_bytes) {
        return 0;
    }
    bool is_fixed = tag == EVENT_LOST || tag == EVENT_FAULT;
    if (tag >= EVENT_STACK && tag <= EVENT_REPORT && !is_fixed) {
        bytes = event_padded(bytes + event_text_bytes(words));
    }
    return bytes <= available_bytes && bytes <= EVENT_MAX_BYTES ? bytes : 0;
}

const char *event_alloc_kind_name(unsigned kind)
{
    static const char *const names[] = {
#define X(name, text) text,
        ALLOC_KINDS(X)
#undef X
    };
    return kind < ALLOC_KIND_COUNT ? names[kind] : "unknown";
}

const char *event_free_kind_name(unsigned kind)
{
    static const char *const names[] = {
#define X(name, text) text,
        FREE_KINDS(X)
#undef X
    };
    return kind < FREE_KIND_COUNT ? names[kind] : "unknown";
}

const char *event_fault_kind_name(unsigned kind)
{
    static const char *const names[] = {
#define X(name, text) text,
        FAULT_KINDS(X)
#undef X
    };
    return kind < FAULT_KIND_COUNT ? names[kind] : "unknown";
}
