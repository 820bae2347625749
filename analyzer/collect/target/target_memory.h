/*
 * target_memory.h - reads the memory of a process under test from outside.
 *
 * By process_vm_readv, or through /proc/PID/mem where a container forbids that: both need no
 * capability for one's own child. What has gone or may not be read is left out. Single thread.
 */
#ifndef ALLOCAUDIT_TARGET_MEMORY_H
#define ALLOCAUDIT_TARGET_MEMORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct target_memory {
    uint32_t pid;
    int mem_fd;                 /* -1: not opened yet */
    int pagemap_fd;             /* the same */
    bool is_refused;            /* process_vm_readv is */
    bool is_pagemap_gone;       /* it cannot be opened or read */
    _Atomic uint32_t *progress; /* goes up while pages are looked for; may be NULL */
    uint64_t deadline_ns; /* CLOCK_MONOTONIC; after it, target_memory_stream() is at the end */
};

struct target_range {
    uint64_t address;
    size_t size_bytes;
};

void target_memory_open(struct target_memory *memory, uint32_t pid);
void target_memory_close(struct target_memory *memory);

/* Returns how many bytes could be read from `address` on, or a negative errno if none. */
long target_memory_read(struct target_memory *memory, uint64_t address, void *buffer,
                        size_t size_bytes);

/*
 * Reads ranges (at most TARGET_RANGES_MOST) into `buffer`, one behind the other; what cannot be
 * read reads as zeros.
 */
void target_memory_read_all(struct target_memory *memory, const struct target_range *ranges,
                            size_t range_count, void *buffer);

/*
 * Reads what comes next of [*in_out_at, end), which is aligned to words, into `buffer`: whole
 * words, at most `size_bytes` (pages). Steps over what cannot be read, and over pages that were
 * never touched. *in_out_at is then where the bytes end; returns how many they are, 0 at the end.
 */
size_t target_memory_stream(struct target_memory *memory, uint64_t *in_out_at, uint64_t end,
                            void *buffer, size_t size_bytes);

enum {
    TARGET_RANGES_MOST = 256,
};

#endif
