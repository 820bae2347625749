/*
 * ballast.h - disk space held back for the end of a recording.
 *
 * When rows have filled the disk, the tables that give them their meaning still have to be written.
 * An unlinked file beside the database keeps room for them and is let go at that moment.
 */
#ifndef ALLOCAUDIT_BALLAST_H
#define ALLOCAUDIT_BALLAST_H

#include <stdint.h>

#include "../../base/err.h"

struct ballast {
    int fd; /* -1: none */
    uint64_t bytes;
};

/* Takes the first room, beside `path`. Returns 0 or a negative errno (-ENOSPC: the disk is full).
 */
int ballast_take(struct ballast *ballast, const char *path, uint64_t bytes, struct err *err);

/* Makes it at least so large, if the disk allows. */
void ballast_grow(struct ballast *ballast, uint64_t bytes);

/* Gives the room back. Safe to call twice. */
void ballast_release(struct ballast *ballast);

#endif
