/*
 * residency.h - which pages of a process are resident, as ranges: by the ioctl PAGEMAP_SCAN of
 * /proc/PID/pagemap (Linux 6.7), or by reading that file. Single thread.
 */
#ifndef ALLOCAUDIT_RESIDENCY_H
#define ALLOCAUDIT_RESIDENCY_H

#include <stddef.h>
#include <stdint.h>

#include "smaps.h"

enum {
    RESIDENCY_RANGES_MAX = 2048, /* of one process at one time */
};

/* Pages that lie together. Where there were too many ranges, small gaps were closed: then
 * resident_bytes is less than end - start. */
struct resident_range {
    uint64_t start_address;
    uint64_t end_address;
    uint64_t resident_bytes;
    uint64_t mapping_address; /* where the mapping begins that holds it */
    enum mapping_kind kind;
};

struct residency {
    struct resident_range *ranges; /* by address, RESIDENCY_RANGES_MAX at most */
    size_t count;
    size_t capacity;
    uint64_t gap_bytes; /* gaps of this size or less were closed */
};

/*
 * Looks at all pages of the spans. pagemap_fd: /proc/PID/pagemap, open for reading. Replaces what
 * `residency` held; a zeroed one is fine. Returns 0, -ENOMEM or another negative errno.
 */
int residency_read(struct residency *residency, int pagemap_fd, const struct mapping_span *spans,
                   size_t span_count);

/* A zeroed one is fine. */
void residency_fini(struct residency *residency);

#endif
