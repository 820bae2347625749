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

#include "../../../schema/ring.h"
#include "../../base/err.h"

#define SESSION_PREFIX "allocaudit-" /* of the names of such directories */

struct session {
    struct ring_header *ring;
    int fd;
    char *path;      /* of the ring file */
    char *directory; /* of the session: ring, journal and live blocks */
    uint32_t chunk_count;
    uint32_t chunk_max;
    uint32_t given_count; /* chunks given back since writers were last woken */
    int writer_count;     /* how many may be woken at once while there is more to read */
    bool is_left;         /* session_leave() */
};

struct session_settings {
    uint32_t clock; /* enum ring_clock */
    uint32_t flags; /* enum ring_flags */
    uint32_t depth_limit;
    uint32_t unwind;       /* enum ring_unwind */
    uint64_t sample_bytes; /* 0: all is recorded */
    uint64_t sample_seed;
    uint64_t introspect_ns; /* 0: never */
    uint64_t max_bytes;
    const char *fallback_directory; /* used when /dev/shm cannot hold the ring */
};

/* Returns 0; or a negative errno (-ENOSPC: no room for even the smallest ring). */
int session_create(struct session *session, const struct session_settings *settings,
                   struct err *err);

/* Doubles the ring, up to its maximum. Failing is not an error: writers wait instead. */
void session_grow(struct session *session);

/* Gives back a chunk that was read. */
void session_give_chunk(struct session *session, uint32_t number);

/*
 * Wakes writers that wait for chunks. Unless all was read that there is, only once a part of the
 * ring is free (else they would be woken for each chunk, and wait again at once), and no more of
 * them than there are processors beside ours: the rest would keep us from reading.
 */
void session_wake_writers(struct session *session, bool is_all_read);

/* Tells the program to stop recording. */
void session_stop(struct session *session);

/* Makes session_destroy() leave the files where they are, for `allocaudit recover`. */
void session_leave(struct session *session);

/* Removes the files. The program's mapping of the ring stays valid. */
void session_destroy(struct session *session);

/* Removes a session's directory and the files in it. */
void session_remove_directory(const char *path);

/* Whether processes that are forked from now on have the ring, too. */
void session_share(const struct session *session, bool is_shared);

#endif
