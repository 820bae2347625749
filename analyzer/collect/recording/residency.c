#include "residency.h"

#include <assert.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "../../base/vec.h"

enum {
    PAGE_BYTES = 4096,
    REGIONS_AT_ONCE = 512,
    ENTRIES_AT_ONCE = 8192,
};

#define PAGEMAP_PRESENT (UINT64_C(1) << 63)

/* A mapping that is larger is read by the ioctl only: its file has 8 bytes for each page. */
#define READ_BYTES_MOST (UINT64_C(16) << 30)

/* linux/fs.h of Linux 6.7, which older systems' headers lack. */
struct scanned_region {
    uint64_t start;
    uint64_t end;
    uint64_t categories;
};

struct scan_request {
    uint64_t size;
    uint64_t flags;
    uint64_t start;
    uint64_t end;
    uint64_t walk_end;
    uint64_t vec;
    uint64_t vec_len;
    uint64_t max_pages;
    uint64_t category_inverted;
    uint64_t category_mask;
    uint64_t category_anyof_mask;
    uint64_t return_mask;
};

#define SCAN_PAGES      _IOWR('f', 16, struct scan_request)
#define SCAN_IS_PRESENT (UINT64_C(1) << 3)
#define SCAN_IS_ZERO    (UINT64_C(1) << 5) /* the page of zeros, which counts for nobody */

static void join_ranges(struct residency *residency)
{
    size_t kept = 0;
    assert(residency->ranges != NULL);
    for (size_t i = 1; i < residency->count; i++) {
        struct resident_range *last = &residency->ranges[kept];
        const struct resident_range *range = &residency->ranges[i];
        if (range->mapping_address == last->mapping_address &&
            range->start_address - last->end_address <= residency->gap_bytes) {
            last->end_address = range->end_address;
            last->resident_bytes += range->resident_bytes;
        } else {
            residency->ranges[++kept] = *range;
        }
    }
    residency->count = kept + 1;
}

static int add_range(struct residency *residency, const struct mapping_span *span, uint64_t start,
                     uint64_t end)
{
    const struct resident_range range = {start, end, end - start, span->start_address, span->kind};
    struct resident_range *last =
        residency->count > 0 ? &residency->ranges[residency->count - 1] : NULL;
    if (last != NULL && start < last->end_address) {
        return 0; /* mappings changed while they were looked at */
    }
    if (last != NULL && last->mapping_address == range.mapping_address &&
        start - last->end_address <= residency->gap_bytes) {
        last->end_address = end;
        last->resident_bytes += range.resident_bytes;
        return 0;
    }
    while (residency->count >= RESIDENCY_RANGES_MAX && residency->gap_bytes < READ_BYTES_MOST) {
        residency->gap_bytes = residency->gap_bytes == 0 ? PAGE_BYTES : residency->gap_bytes * 2;
        join_ranges(residency);
    }
    if (residency->count >= RESIDENCY_RANGES_MAX) {
        return -E2BIG; /* that many mappings */
    }
    int r = vec_reserve((void **)&residency->ranges, &residency->capacity, residency->count + 1,
                        sizeof(*residency->ranges));
    if (r == 0) {
        residency->ranges[residency->count++] = range;
    }
    return r;
}

static int scan_span(struct residency *residency, int pagemap_fd, const struct mapping_span *span)
{
    struct scanned_region regions[REGIONS_AT_ONCE];
    struct scan_request request = {
        .size = sizeof(request),
        .start = span->start_address,
        .end = span->end_address,
        .vec = (uintptr_t)regions,
        .vec_len = REGIONS_AT_ONCE,
        .category_inverted = SCAN_IS_ZERO,
        .category_mask = SCAN_IS_PRESENT | SCAN_IS_ZERO,
        .return_mask = SCAN_IS_PRESENT,
    };
    while (request.start < request.end) {
        int count = ioctl(pagemap_fd, SCAN_PAGES, &request);
        if (count < 0) {
            return -errno;
        }
        for (int i = 0; i < count; i++) {
            int r = add_range(residency, span, regions[i].start, regions[i].end);
            if (r < 0) {
                return r;
            }
        }
        if (request.walk_end <= request.start) {
            break;
        }
        request.start = request.walk_end;
    }
    return 0;
}

static int read_span(struct residency *residency, int pagemap_fd, const struct mapping_span *span)
{
    uint64_t entries[ENTRIES_AT_ONCE];
    if (span->end_address - span->start_address > READ_BYTES_MOST) {
        return -EFBIG;
    }
    uint64_t address = span->start_address;
    while (address < span->end_address) {
        size_t count = (size_t)(span->end_address - address) / PAGE_BYTES;
        count = count < ENTRIES_AT_ONCE ? count : ENTRIES_AT_ONCE;
        ssize_t bytes = pread(pagemap_fd, entries, count * sizeof(entries[0]),
                              (off_t)(address / PAGE_BYTES * 8));
        if (bytes < (ssize_t)sizeof(entries[0])) {
            return bytes < 0 ? -errno : 0; /* the mapping has gone meanwhile */
        }
        count = (size_t)bytes / sizeof(entries[0]);
        for (size_t i = 0; i < count; i++, address += PAGE_BYTES) {
            int r = (entries[i] & PAGEMAP_PRESENT) != 0
                        ? add_range(residency, span, address, address + PAGE_BYTES)
                        : 0;
            if (r < 0) {
                return r;
            }
        }
    }
    return 0;
}

int residency_read(struct residency *residency, int pagemap_fd, const struct mapping_span *spans,
                   size_t span_count)
{
    bool can_scan = true;
    int r = 0;
    residency->count = 0;
    residency->gap_bytes = 0;
    for (size_t i = 0; i < span_count && r == 0; i++) {
        if (can_scan) {
            r = scan_span(residency, pagemap_fd, &spans[i]);
            can_scan = r != -ENOTTY && r != -EINVAL;
        }
        if (!can_scan) {
            r = read_span(residency, pagemap_fd, &spans[i]);
        }
    }
    return r;
}

void residency_fini(struct residency *residency)
{
    free(residency->ranges);
    *residency = (struct residency){0};
}
