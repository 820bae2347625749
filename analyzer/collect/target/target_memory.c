#include "target_memory.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#include "../recording/clock.h"

enum {
    PAGE_BYTES = 4096,
    PAGES_AT_ONCE = 512,          /* looked up whether they were ever touched */
    SPARSE_BYTES_LEAST = 1 << 20, /* less is simply read */
};

#define PAGE_IS_THERE (UINT64_C(3) << 62) /* in memory or in the swap space */
#define WORD          sizeof(uint64_t)

void target_memory_open(struct target_memory *memory, uint32_t pid)
{
    *memory = (struct target_memory){
        .pid = pid, .mem_fd = -1, .pagemap_fd = -1, .deadline_ns = UINT64_MAX};
}

void target_memory_close(struct target_memory *memory)
{
    if (memory->mem_fd >= 0) {
        close(memory->mem_fd);
        memory->mem_fd = -1;
    }
    if (memory->pagemap_fd >= 0) {
        close(memory->pagemap_fd);
        memory->pagemap_fd = -1;
    }
}

static int target_open(const struct target_memory *memory, const char *name)
{
    char path[64];
    snprintf(path, sizeof(path), "/proc/%u/%s", memory->pid, name);
    return open(path, O_RDONLY | O_CLOEXEC);
}

static long target_read_file(struct target_memory *memory, uint64_t address, void *buffer,
                             size_t size_bytes)
{
    if (memory->mem_fd < 0) {
        memory->mem_fd = target_open(memory, "mem");
        if (memory->mem_fd < 0) {
            return -errno;
        }
    }
    ssize_t count = pread(memory->mem_fd, buffer, size_bytes, (off_t)address);
    return count < 0 ? -errno : count;
}

long target_memory_read(struct target_memory *memory, uint64_t address, void *buffer,
                        size_t size_bytes)
{
    if (!memory->is_refused) {
        struct iovec ours = {buffer, size_bytes};
        struct iovec theirs = {(void *)(uintptr_t)address, size_bytes};
        ssize_t count = process_vm_readv((pid_t)memory->pid, &ours, 1, &theirs, 1, 0);
        if (count >= 0 || (errno != EPERM && errno != ENOSYS)) {
            return count < 0 ? -errno : count;
        }
        memory->is_refused = true;
    }
    return target_read_file(memory, address, buffer, size_bytes);
}

void target_memory_read_all(struct target_memory *memory, const struct target_range *ranges,
                            size_t range_count, void *buffer)
{
    struct iovec theirs[TARGET_RANGES_MOST] = {{0}};
    size_t bytes = 0;
    for (size_t i = 0; i < range_count; i++) {
        theirs[i] = (struct iovec){(void *)(uintptr_t)ranges[i].address, ranges[i].size_bytes};
        bytes += ranges[i].size_bytes;
    }
    struct iovec ours = {buffer, bytes};
    if (!memory->is_refused &&
        process_vm_readv((pid_t)memory->pid, &ours, 1, theirs, range_count, 0) == (ssize_t)bytes) {
        return;
    }
    char *to = buffer;
    for (size_t i = 0; i < range_count; i++) {
        long count = target_memory_read(memory, ranges[i].address, to, ranges[i].size_bytes);
        size_t read_bytes = count < 0 ? 0 : (size_t)count;
        memset(to + read_bytes, 0, ranges[i].size_bytes - read_bytes);
        to += ranges[i].size_bytes;
    }
}

static bool target_is_late(const struct target_memory *memory)
{
    return clock_monotonic_ns() > memory->deadline_ns;
}

/* Where the next pages that are there begin and end, of which enough_bytes are enough; nothing is
 * there: both are `end`. */
static void target_find_pages(struct target_memory *memory, uint64_t at, uint64_t end,
                              size_t enough_bytes, uint64_t *out_start, uint64_t *out_end)
{
    uint64_t entries[PAGES_AT_ONCE];
    uint64_t page = at / PAGE_BYTES;
    bool is_found = false;
    *out_start = at;
    *out_end = end;
    if (memory->pagemap_fd < 0 && !memory->is_pagemap_gone) {
        memory->pagemap_fd = target_open(memory, "pagemap");
        memory->is_pagemap_gone = memory->pagemap_fd < 0;
    }
    while (!memory->is_pagemap_gone && page * PAGE_BYTES < end && !target_is_late(memory)) {
        ssize_t bytes = pread(memory->pagemap_fd, entries, sizeof(entries), (off_t)(page * WORD));
        memory->is_pagemap_gone = bytes < (ssize_t)WORD;
        if (memory->progress != NULL) {
            atomic_fetch_add(memory->progress, 1);
        }
        for (size_t i = 0; bytes > 0 && i < (size_t)bytes / WORD; i++, page++) {
            bool is_there = (entries[i] & PAGE_IS_THERE) != 0;
            if (is_there && !is_found) {
                *out_start = page * PAGE_BYTES > at ? page * PAGE_BYTES : at;
                is_found = true;
            }
            bool is_enough = page * PAGE_BYTES >= *out_start + enough_bytes;
            if (is_found && (!is_there || is_enough)) {
                *out_end = page * PAGE_BYTES < end ? page * PAGE_BYTES : end;
                return;
            }
        }
    }
    if (!is_found && !memory->is_pagemap_gone) {
        *out_start = end;
    }
}

size_t target_memory_stream(struct target_memory *memory, uint64_t *in_out_at, uint64_t end,
                            void *buffer, size_t size_bytes)
{
    while (*in_out_at < end && !target_is_late(memory)) {
        uint64_t start = *in_out_at;
        uint64_t known_end = end;
        if (end - start >= SPARSE_BYTES_LEAST) {
            target_find_pages(memory, start, end, size_bytes, &start, &known_end);
        }
        size_t wanted = known_end - start < size_bytes ? (size_t)(known_end - start) : size_bytes;
        long count = wanted > 0 ? target_memory_read(memory, start, buffer, wanted) : 0;
        size_t bytes = count > 0 ? (size_t)count & ~(WORD - 1) : 0;
        if (wanted > 0 && (count == -ESRCH || count == 0)) { /* the process is gone */
            break;
        }
        /* A hole, such as the page behind the end of a mapped file, is stepped over. */
        *in_out_at = bytes > 0 || wanted == 0 ? start + bytes
                                              : (start + PAGE_BYTES) & ~(uint64_t)(PAGE_BYTES - 1);
        if (bytes > 0) {
            return bytes;
        }
    }
    *in_out_at = end;
    return 0;
}
