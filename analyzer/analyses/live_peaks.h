/*
 * live_peaks.h - how much was live in the whole process at most since each of many moments.
 *
 * Kept are the levels that no later one has reached, so that the most since any moment is the first
 * of them after it. Each is lower than the one before, so memory grows with what is live. Zeroed is
 * a valid empty one; live_peaks_fini() frees it. Single thread.
 */
#ifndef ALLOCAUDIT_LIVE_PEAKS_H
#define ALLOCAUDIT_LIVE_PEAKS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct live_level {
    uint64_t moment;
    uint64_t live_bytes;
};

struct live_peaks {
    uint64_t live_bytes; /* now */
    uint64_t moment;     /* counts the levels kept so far */
    struct live_level *levels;
    size_t count;
    size_t capacity;
};

/* A block dies, or is born; is_watched: somebody will ask for the most since an earlier moment.
 * live_peaks_add() returns 0 or -ENOMEM. */
void live_peaks_take(struct live_peaks *peaks, uint64_t size_bytes);
int live_peaks_add(struct live_peaks *peaks, uint64_t size_bytes, bool is_watched);

/* A moment to ask about from now on. Returns 0 and *out_moment, or -ENOMEM. */
int live_peaks_begin(struct live_peaks *peaks, uint64_t *out_moment);

/* The most since a moment of live_peaks_begin(), that moment included. */
uint64_t live_peaks_since(const struct live_peaks *peaks, uint64_t moment);

/* Nobody will ask about a moment before this one. */
void live_peaks_forget(struct live_peaks *peaks);

void live_peaks_fini(struct live_peaks *peaks);

#endif
