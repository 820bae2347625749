/*
 * go_memory.h - the memory of another process, read in large pieces: what a list leads through lies
 * close together. Single thread.
 */
#ifndef ALLOCAUDIT_GO_MEMORY_H
#define ALLOCAUDIT_GO_MEMORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct go_memory {
    int fd;               /* of /proc/PID/mem; the caller's */
    unsigned char *piece; /* the last piece read */
    uint64_t piece_address;
    size_t piece_bytes;
};

/* False where the process has no such memory, or has ended. */
bool go_memory_read(struct go_memory *memory, uint64_t address, void *bytes, size_t size_bytes);

/* Forgets what was read: it may have changed. */
void go_memory_forget(struct go_memory *memory);

void go_memory_fini(struct go_memory *memory);

#endif
