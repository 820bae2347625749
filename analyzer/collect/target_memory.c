#include "target_memory.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

void target_memory_open(struct target_memory *memory, uint32_t pid)
{
    *memory = (struct target_memory){.pid = pid, .mem_fd = -1};
}

void target_memory_close(struct target_memory *memory)
{
    if (memory->mem_fd >= 0) {
        close(memory->mem_fd);
        memory->mem_fd = -1;
    }
}

static long target_read_file(struct target_memory *memory, uint64_t address, void *buffer,
                             size_t size_bytes)
{
    if (memory->mem_fd < 0) {
        char path[32];
        snprintf(path, sizeof(path), "/proc/%u/mem", memory->pid);
        memory->mem_fd = open(path, O_RDONLY | O_CLOEXEC);
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
