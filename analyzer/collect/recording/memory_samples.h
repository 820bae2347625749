/*
 * memory_samples.h - now and then, what the memory of a process consists of and which of its pages
 * are resident. A few dozen samples whatever the length of the run.
 *
 * A sample is taken at equal distances, which double when a run outgrows them (20 ms at first), and
 * soon after the resident set, or what is live of it, has changed by an eighth. It takes
 * milliseconds for large processes; the pauses grow with that, so that regular ones stay below 0.5
 * % of a processor. Single thread.
 */
#ifndef ALLOCAUDIT_MEMORY_SAMPLES_H
#define ALLOCAUDIT_MEMORY_SAMPLES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "residency.h"
#include "smaps.h"

enum {
    MEMORY_SAMPLES_MAX = 64, /* when there are as many, every second one is dropped */
};

struct memory_sample {
    uint64_t at_ns;
    uint64_t rss_bytes; /* of all kinds */
    struct mapping_sum sums[MAPPING_KIND_COUNT];
    struct residency residency; /* empty where it may not be read */
};

struct memory_samples {
    struct memory_sample *samples; /* by time */
    size_t count;
    size_t capacity;
    uint64_t period_ns;
    uint64_t cost_ns;    /* of the last one */
    uint64_t last_ns;    /* when it was */
    uint64_t rss_bytes;  /* then */
    uint64_t live_bytes; /* then */
    bool is_regular;     /* set by the owner: changes are no reason for a sample. The heap of a Go
                            program rises and falls with each collection, which tells nothing new */
    struct smaps scratch;
};

/*
 * Takes a sample of the process if one is due. rss_bytes and live_bytes: its resident set and its
 * blocks now; now_ns: the time of the recording. A zeroed *samples is fine. A process that has
 * ended, or may not be looked at, has no more samples. Returns 0 or -ENOMEM.
 */
int memory_samples_look(struct memory_samples *samples, uint32_t pid, uint64_t now_ns,
                        uint64_t rss_bytes, uint64_t live_bytes, const char *recorder_directory);

/* A zeroed one is fine. */
void memory_samples_fini(struct memory_samples *samples);

#endif
