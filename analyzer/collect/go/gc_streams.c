#include "gc_streams.h"

enum {
    LATE_NS = 250000000, /* a line is read this late, at most */
};

void gc_streams_begin(struct gc_streams *streams, uint64_t started_ns)
{
    streams->items[0] = (struct gc_stream){.started_ns = started_ns, .heard_ns = started_ns};
    streams->count = 1;
}

static uint64_t start_of(const struct gc_cycle *cycle, uint64_t at_ns)
{
    uint64_t since_ns =
        cycle->since_start_ns + cycle->sweep_stop_ns + cycle->mark_ns + cycle->mark_stop_ns;
    return at_ns > since_ns ? at_ns - since_ns : 0;
}

static uint64_t distance(uint64_t a, uint64_t b)
{
    return a > b ? a - b : b - a;
}

/* A line that was lost on the way leaves a gap: any later count will do then. */
static int find_stream(const struct gc_streams *streams, uint64_t cycle, uint64_t started_ns,
                       bool has_gap)
{
    int best = -1;
    for (unsigned i = 0; i < streams->count; i++) {
        const struct gc_stream *stream = &streams->items[i];
        bool goes_on = has_gap ? cycle > stream->last_cycle : cycle == stream->last_cycle + 1;
        if (goes_on && (best < 0 || distance(stream->started_ns, started_ns) <
                                        distance(streams->items[best].started_ns, started_ns))) {
            best = (int)i;
        }
    }
    return best;
}

static int add_stream(struct gc_streams *streams, uint64_t started_ns)
{
    unsigned at = streams->count;
    if (at == GC_STREAMS_MAX) {
        at = 1;
        for (unsigned i = 2; i < GC_STREAMS_MAX; i++) {
            at = streams->items[i].heard_ns < streams->items[at].heard_ns ? i : at;
        }
    } else {
        streams->count++;
    }
    streams->items[at] = (struct gc_stream){.started_ns = started_ns};
    return (int)at;
}

bool gc_streams_is_own(struct gc_streams *streams, const struct gc_cycle *cycle, uint64_t at_ns)
{
    uint64_t started_ns = start_of(cycle, at_ns);
    int found = find_stream(streams, cycle->cycle, started_ns, false);
    if (found < 0 && cycle->cycle > 1) {
        found = find_stream(streams, cycle->cycle, started_ns, true);
    }
    /* A first collection is the command's unless it had one, or has begun long before. */
    bool is_first_of_another =
        cycle->cycle == 1 && found == 0 && started_ns > streams->items[0].started_ns + LATE_NS;
    if (found < 0 || is_first_of_another) {
        found = add_stream(streams, started_ns);
    }
    struct gc_stream *stream = &streams->items[found];
    stream->last_cycle = cycle->cycle;
    stream->heard_ns = at_ns;
    stream->started_ns = started_ns < stream->started_ns ? started_ns : stream->started_ns;
    return found == 0;
}
