/*
 * gauge.h - how much memory this process has in use, read without allocating any.
 *
 * Levels are bytes of the whole resident set; private ones leave out what is mapped from files. A
 * gauge belongs to one thread.
 */
#ifndef ALLOCAUDIT_GAUGE_H
#define ALLOCAUDIT_GAUGE_H

#include <stddef.h>
#include <stdint.h>

struct gauge_point {
    uint64_t at;
    uint64_t bytes;
};

struct gauge {
    int fd;
    struct gauge_point *points; /* where readings are kept; NULL: they are not */
    size_t point_capacity;
    size_t point_count;
    uint64_t page_bytes;
    uint64_t peak_bytes; /* of the readings */
    uint64_t private_peak_bytes;
    uint64_t last_bytes;
    uint64_t last_at; /* on the axis of gauge_read() */
    double area;      /* under the readings, for the mean */
    uint64_t width;
    uint64_t reading_count;
};

/* Returns 0 or a negative errno. */
int gauge_open(struct gauge *gauge);

/* The resident set now. */
uint64_t gauge_resident_bytes(const struct gauge *gauge);

/* Of it, what is this process's own. */
uint64_t gauge_private_bytes(const struct gauge *gauge);

/* Reads it as a point of the curve at `at` (any axis; it never goes back). */
uint64_t gauge_read(struct gauge *gauge, uint64_t at);

/* The mean along the axis; 0 without readings. */
uint64_t gauge_mean_bytes(const struct gauge *gauge);

/* The kernel's own high-water mark: begins it anew, and reads it. 0: not known. */
void gauge_reset_peak(void);
uint64_t gauge_kernel_peak_bytes(void);

#endif
