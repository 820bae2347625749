/*
 * histogram.h - a count for each length of time: exact below HISTOGRAM_LINEAR, then as many
 * classes to each doubling, so that none is wider than 1/32 of its values.
 *
 * A zeroed one is a valid empty one, of a fixed size and without pointers. Single thread.
 */
#ifndef ALLOCAUDIT_HISTOGRAM_H
#define ALLOCAUDIT_HISTOGRAM_H

#include <stdint.h>

enum {
    HISTOGRAM_LINEAR_BITS = 5,
    HISTOGRAM_LINEAR = 1 << HISTOGRAM_LINEAR_BITS,
    HISTOGRAM_CLASSES = (64 - HISTOGRAM_LINEAR_BITS + 1) * HISTOGRAM_LINEAR,
};

struct histogram {
    uint64_t counts[HISTOGRAM_CLASSES];
    uint64_t count;
    uint64_t max;
};

/* The class of a value, and the least value of a class. */
unsigned histogram_class(uint64_t value);
uint64_t histogram_class_min(unsigned value_class);

void histogram_add(struct histogram *histogram, uint64_t value);
void histogram_add_many(struct histogram *histogram, uint64_t value, uint64_t count);

/* Adds all of `other`. */
void histogram_merge(struct histogram *histogram, const struct histogram *other);

/* The least value that at least share (0 to 1) of all values do not exceed: the middle of its
 * class, but no more than the largest value; 0 if it is empty. */
uint64_t histogram_quantile(const struct histogram *histogram, double share);

#endif
