/*
 * smaps.h - what a process has mapped, and how much of it is resident, summed up by kind: read
 * from /proc/PID/smaps. Single thread.
 */
#ifndef ALLOCAUDIT_SMAPS_H
#define ALLOCAUDIT_SMAPS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "../../../schema/mapping_kind.h"

struct mapping_sum {
    uint64_t mapped_bytes;
    uint64_t rss_bytes;
    uint64_t pss_bytes;       /* shared pages divided by how many share them */
    uint64_t lazy_free_bytes; /* of rss_bytes: given back with MADV_FREE, not yet taken */
    uint64_t swap_bytes;
};

/* A mapping in which blocks may lie, heap or anonymous, with resident pages; or see keeps_writable.
 */
struct mapping_span {
    uint64_t start_address;
    uint64_t end_address;
    enum mapping_kind kind;
    bool is_code;      /* may be executed and not written */
    bool is_constant;  /* of a file, neither written nor executed */
    bool is_libc;      /* the C library's own data */
    bool is_allocator; /* data of a library that replaces malloc */
};

struct smaps {
    bool keeps_writable; /* spans: of files, and all that may be written to; not the recorder's */
    struct mapping_sum sums[MAPPING_KIND_COUNT];
    struct mapping_span *spans; /* by address */
    size_t span_count;
    size_t span_capacity;
};

/*
 * Reads `file` from its beginning to its end, and replaces what `smaps` held; a zeroed one is
 * fine. Files in recorder_directory are the recorder's. Returns 0, -ENODATA (nothing is mapped: the
 * process has ended) or -ENOMEM.
 */
int smaps_read(struct smaps *smaps, FILE *file, const char *recorder_directory);

/* A zeroed one is fine. */
void smaps_fini(struct smaps *smaps);

#endif
