/*
 * go_profile.h - the memory profile that Go's runtime keeps, read from outside.
 *
 * The runtime has a bucket for each call stack and size, on a list that begins at
 * runtime.mbuckets. A bucket counts the sampled allocations, and the frees that sweeping has found:
 * those up to the last finished collection. Nothing that is read is trusted. Single thread.
 */
#ifndef ALLOCAUDIT_GO_PROFILE_H
#define ALLOCAUDIT_GO_PROFILE_H

#include <stdint.h>

#include "../base/err.h"
#include "go_memory.h"

enum {
    GO_PROFILE_FRAMES_MAX = 256,
    GO_PROFILE_BUCKETS_MAX = 1 << 20, /* more, and the list leads in a circle */
    GO_MINOR_FIRST = 9,               /* releases whose buckets are laid out so, */
    GO_MINOR_LAST = 26,               /* go1.9 to go1.26; what is read is checked, too */
};

struct go_bucket {
    uint64_t address; /* tells buckets apart */
    uint64_t size_bytes;
    uint64_t alloc_count; /* sampled */
    uint64_t free_count;  /* of these; never more */
    uint32_t frame_count;
    const uint64_t *frames; /* return addresses, from the allocation outward */
};

/* Takes a bucket, which lives until it returns. 0 to go on, or a negative errno. */
typedef int go_bucket_sink(void *context, const struct go_bucket *bucket);

/*
 * Reads all buckets; `address` is where the process has runtime.mbuckets. Returns 0, -ESRCH (the
 * memory is gone), -EPROTO (the list is not what it should be), or what the sink returned.
 */
int go_profile_read(struct go_memory *memory, uint64_t address, go_bucket_sink *sink, void *context,
                    struct err *err);

/* How many allocations of that size one sampled stands for; 1 where every one is (rate 1). */
double go_profile_scale(uint64_t size_bytes, uint64_t rate_bytes);

#endif
