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
                 const uint64_t values[FRAME_FIGURE_COUNT])
{
    if (frame < total_count / 2) {
        return;
    }
    for (int figure = 0; figure < FRAME_FIGURE_COUNT; figure++) {
        uint64_t *min = &warmup->later_min[figure];
        uint64_t *max = &warmup->later_max[figure];
        *min = !warmup->has_later || values[figure] < *min ? values[figure] : *min;
        *max = values[figure] > *max ? values[figure] : *max;
    }
    warmup->has_later = true;
}

/* True if a figure of the span is unlike those of later frames. */
static bool find_unlike(struct value_spread figures[FRAME_FIGURE_COUNT][FRAME_SPANS_MAX],
                        unsigned span, struct warmup *warmup)
{
    for (int figure = 0; figure < FRAME_FIGURE_COUNT; figure++) {
        const struct value_spread *spread = &figures[figure][span];
        uint64_t least = warmup->later_min[figure];
        uint64_t most = warmup->later_max[figure];
        uint64_t margin = (most - least) / 2;
        if (spread->value_count > 0 &&
            (spread->max > most + margin || spread->min + margin < least)) {
            warmup->reason = (enum frame_figure)figure;
            return true;
        }
    }
    return false;
}

void warmup_find(struct value_spread figures[FRAME_FIGURE_COUNT][FRAME_SPANS_MAX],
                 uint64_t total_count, struct warmup *warmup)
{
    warmup->frame_count = total_count > 1 ? 1 : 0;
    warmup->is_known = total_count >= WARMUP_FRAMES_LEAST;
    if (!warmup->is_known) {
        return;
    }
    unsigned span = 1;
    while (frame_span_start(span + 1) <= total_count / 2 &&
           frame_span_start(span) <= 2 * warmup->frame_count + SINGLE_SPANS) {
        if (find_unlike(figures, span, warmup)) {
            warmup->frame_count = frame_span_start(span + 1);
        }
        span++;
    }
    warmup->is_long = warmup->frame_count >= total_count / 4;
}
