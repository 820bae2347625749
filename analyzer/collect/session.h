/*
 * session.h - the collector's side of the shared ring file (schema/ring.h): making and growing it.
 *
 * Lies in /dev/shm where there is room, else beside the database, in a directory of its own that
 * only the user may enter. Its pages are allocated before they are used, so that a full file system
 * is an error here and never a signal in the program. Single thread; the thread that calls
 * session_create() is the one whose death tells the program that nobody collects any more.
 */
#ifndef ALLOCAUDIT_SESSION_H
#define ALLOCAUDIT_SESSION_H

#include <stdbool.h>
#include <stdint.h>

#include "../../schema/ring.h"
#include "../base/err.h"

struct session {
    struct ring_header *ring;
    int fd;
    char *path;      /* of the ring file */
    char *directory; /* of the session: ring, journal and live blocks */
    uint32_t chunk_count;
    uint32_t chunk_max;
    bool is_left; /* session_leave() */
};

struct session_settings {
    uint32_t clock; /* enum ring_clock */
    uint32_t flags; /* enum ring_flags */
    uint32_t depth_limit;
    uint32_t unwind; /* enum ring_unwind */
    uint64_t max_bytes;
    const char *fallback_directory; /* used when /dev/shm cannot hold the ring */
};

/* Returns 0; or a negative errno (-ENOSPC: no room for even the smallest ring). */
int session_create(struct session *session, const struct session_settings *settings,
                   struct err *err);

/* Doubles the ring, up to its maximum. Failing is not an error: writers wait instead. */
void session_grow(struct session *session);

/* Wakes writers that wait for chunks; call after giving some back. */
void session_chunks_freed(struct session *session);

/* Tells the program to stop recording. */
void session_stop(struct session *session);

/* Makes session_destroy() leave the files where they are, for `allocaudit recover`. */
void session_leave(struct session *session);

/* Removes the files. The program's mapping of the ring stays valid. */
void session_destroy(struct session *session);

/* Removes a session's directory and the files in it. */
void session_remove_directory(const char *path);

#endif
