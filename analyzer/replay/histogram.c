#include "histogram.h"

#include <stddef.h>

static size_t class_of(uint64_t value)
{
    if (value < HISTOGRAM_LINEAR) {
        return (size_t)value;
    }
    unsigned shift = 63u - (unsigned)__builtin_clzll(value) - HISTOGRAM_LINEAR_BITS;
    return (size_t)(shift + 1) * HISTOGRAM_LINEAR + (size_t)((value >> shift) - HISTOGRAM_LINEAR);
}

static uint64_t middle_of(size_t class)
{
    if (class < HISTOGRAM_LINEAR) {
        return class;
    }
    unsigned shift = (unsigned)(class / HISTOGRAM_LINEAR) - 1;
    uint64_t first = (uint64_t)(HISTOGRAM_LINEAR + class % HISTOGRAM_LINEAR) << shift;
    return first + (((uint64_t)1 << shift) - 1) / 2;
}

void histogram_add(struct histogram *histogram, uint64_t value)
{
    histogram->counts[class_of(value)]++;
    histogram->count++;
    histogram->max = value > histogram->max ? value : histogram->max;
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
    for (size_t i = 0; i < HISTOGRAM_CLASSES && histogram->count > 0; i++) {
        seen += histogram->counts[i];
        if (seen > 0 && (double)seen >= wanted) {
            uint64_t middle = middle_of(i);
            return middle < histogram->max ? middle : histogram->max;
        }
    }
    return histogram->max;
}
