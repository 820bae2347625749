/*
 * resident.h - how much memory a recorded process has resident, without the ring.
 *
 * The ring's pages are mapped in every process that writes to it, and count in its resident set:
 * up to all of the ring. Which of them are there is read from the process's page map, so that what
 * the program itself shares with others is left in. Not left out: the recorder's tables, which are
 * the process's own memory. Single thread.
 */
#ifndef ALLOCAUDIT_RESIDENT_H
#define ALLOCAUDIT_RESIDENT_H

#include <stdint.h>

struct resident {
    int statm_fd;        /* -1: cannot be read */
    int page_map_fd;     /* -1: the ring is not left out (the process may not be looked into) */
    uint64_t ring_start; /* where the process has mapped it */
    uint64_t ring_pages; /* of it that were resident when last counted */
    uint64_t page_bytes;
    unsigned skip_count; /* readings until they are counted again */
};

/* Begins with a process that has mapped the file of ring_fd. What fails shows in the fields. */
void resident_open(struct resident *resident, uint32_t pid, int ring_fd);

/*
 * The resident set in bytes; ring_bytes is how long the ring is now. 0: not known. The ring's pages
 * are counted at each reading while they grow in number, else at each sixteenth; those of a ring
 * over 8 MiB less often (60 us for each 8 MiB).
 */
uint64_t resident_read(struct resident *resident, uint64_t ring_bytes);

/* One that was never opened has -1 as its descriptors. */
void resident_close(struct resident *resident);

#endif
