#include "warmup.h"

enum {
    SINGLE_BITS = 4,
    SINGLE_SPANS = 1 << SINGLE_BITS, /* of one frame each */
    PER_DOUBLING = 4,
};

unsigned frame_span_of(uint64_t frame)
{
    if (frame < SINGLE_SPANS) {
        return (unsigned)frame;
    }
    unsigned top = 63u - (unsigned)__builtin_clzll(frame);
    unsigned quarter = (unsigned)(frame >> (top - 2)) & (PER_DOUBLING - 1);
    return SINGLE_SPANS + (top - SINGLE_BITS) * PER_DOUBLING + quarter;
}

uint64_t frame_span_start(unsigned span)
{
    if (span < SINGLE_SPANS) {
        return span;
    }
    unsigned top = SINGLE_BITS + (span - SINGLE_SPANS) / PER_DOUBLING;
    uint64_t quarter = (span - SINGLE_SPANS) % PER_DOUBLING;
    return (PER_DOUBLING + quarter) << (top - 2);
}

void warmup_note(struct warmup *warmup, uint64_t frame, uint64_t total_count,
                 uint64_t allocation_count)
{
    if (frame < total_count / 2) {
        return;
    }
    bool is_least = !warmup->has_later || allocation_count < warmup->later_min;
    warmup->later_min = is_least ? allocation_count : warmup->later_min;
    bool is_most = allocation_count > warmup->later_max;
    warmup->later_max = is_most ? allocation_count : warmup->later_max;
    warmup->has_later = true;
}

void warmup_find(const struct spread allocations[FRAME_SPANS_MAX], uint64_t total_count,
                 struct warmup *warmup)
{
    warmup->frame_count = total_count > 1 ? 1 : 0;
    warmup->is_known = total_count >= WARMUP_FRAMES_LEAST;
    if (!warmup->is_known) {
        return;
    }
    for (unsigned span = 1; frame_span_start(span) < total_count / 2; span++) {
        const struct spread *spread = &allocations[span];
        bool is_unlike = spread->value_count > 0 &&
                         (spread->max > warmup->later_max || spread->min < warmup->later_min);
        if (frame_span_start(span) > 2 * warmup->frame_count + SINGLE_SPANS) {
            return;
        }
        if (is_unlike) {
            warmup->frame_count = frame_span_start(span + 1);
        }
    }
}
