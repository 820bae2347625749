#include "histogram.h"

#include <stddef.h>

unsigned histogram_class(uint64_t value)
{
    if (value < HISTOGRAM_LINEAR) {
        return (unsigned)value;
    }
    unsigned shift = 63u - (unsigned)__builtin_clzll(value) - HISTOGRAM_LINEAR_BITS;
    return (shift + 1) * HISTOGRAM_LINEAR + (unsigned)((value >> shift) - HISTOGRAM_LINEAR);
}

static unsigned shift_of(unsigned value_class)
{
    return value_class < HISTOGRAM_LINEAR ? 0 : value_class / HISTOGRAM_LINEAR - 1;
}

uint64_t histogram_class_min(unsigned value_class)
{
    if (value_class < HISTOGRAM_LINEAR) {
        return value_class;
    }
    return (uint64_t)(HISTOGRAM_LINEAR + value_class % HISTOGRAM_LINEAR) << shift_of(value_class);
}

static uint64_t middle_of(unsigned value_class)
{
    return histogram_class_min(value_class) + (((uint64_t)1 << shift_of(value_class)) - 1) / 2;
}

void histogram_add_many(struct histogram *histogram, uint64_t value, uint64_t count)
{
    histogram->counts[histogram_class(value)] += count;
    histogram->count += count;
    histogram->max = value > histogram->max ? value : histogram->max;
}

void histogram_add(struct histogram *histogram, uint64_t value)
{
    histogram_add_many(histogram, value, 1);
}

void histogram_merge(struct histogram *histogram, const struct histogram *other)
{
    for (size_t i = 0; i < HISTOGRAM_CLASSES; i++) {
        histogram->counts[i] += other->counts[i];
    }
    histogram->count += other->count;
    histogram->max = other->max > histogram->max ? other->max : histogram->max;
}

uint64_t histogram_quantile(const struct histogram *histogram, double share)
{
    double wanted = share * (double)histogram->count;
    uint64_t seen = 0;
    for (unsigned i = 0; i < HISTOGRAM_CLASSES && histogram->count > 0; i++) {
        seen += histogram->counts[i];
        if (seen > 0 && (double)seen >= wanted) {
            uint64_t middle = middle_of(i);
            return middle < histogram->max ? middle : histogram->max;
        }
    }
    return histogram->max;
}
