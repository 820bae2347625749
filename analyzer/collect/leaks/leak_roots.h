/*
 * leak_roots.h - where the search for reachable blocks begins: the memory that a process may write
 * to, less the allocator's.
 *
 * As for memcheck, that is every writable mapping: globals, stacks from the stack pointer on,
 * thread-local data, and memory from mmap. Left out are
 * - the allocator's own memory, where freed blocks still hold old pointers: with glibc the heap,
 * the arenas and the large blocks, found through the headers of live blocks; with another allocator
 *   every anonymous mapping, but for stacks and thread-local data;
 * - stacks of threads that have ended, which glibc keeps for the next one;
 * - the recorder's memory.
 * In a forked child all that it has inherited counts, since the parent's blocks are not known
 * there.
 */
#ifndef ALLOCAUDIT_LEAK_ROOTS_H
#define ALLOCAUDIT_LEAK_ROOTS_H

#include <stdbool.h>
#include <stdio.h>

#include "leak_marks.h"
#include "leak_threads.h"

struct leak_situation {
    bool is_forked;
    bool is_glibc;                  /* serves malloc itself, and no policy in front of it */
    const char *recorder_directory; /* of the session's files */
    const struct leak_threads *threads;
    uint64_t memory_bytes_most; /* of writable memory in use */
    uint64_t space_bytes_most;  /* of addresses to look through, most of them perhaps never used */
};

/* Marks what the roots lead to. `smaps`: the process's. Returns 0, -ENOMEM,
 * -ENODATA, or -EFBIG (there is more memory, or more room for it). */
int leak_roots_scan(struct leak_marks *marks, FILE *smaps, const struct leak_situation *situation);

#endif
