/*
 * gc_sieve.h - parts what a Go program writes to stderr from the gctrace and scavtrace lines of its
 * runtime.
 *
 * The runtime writes such a line in some forty writes, between which other threads may write, too.
 * What comes is therefore fed as it was written, one piece for a write where the channel keeps them
 * apart (a pipe of packets), and what may be a line is held back until it is one, is none, or has
 * not gone on for a while. A piece may belong to several beginnings, of which one will be a line.
 * What is not the runtime's leaves as it came: every byte, in order. Single thread.
 */
#ifndef ALLOCAUDIT_GC_SIEVE_H
#define ALLOCAUDIT_GC_SIEVE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../base/str.h"
#include "gctrace.h"

enum {
    GC_SIEVE_HELD_MAX = 1 << 20, /* bytes between the parts of a line: more, and it is none */
    GC_SIEVE_LINES_MAX = 4,      /* beginnings that may be one, at the same time */
};

/* What may become a line. */
struct gc_sieve_line {
    char text[GCTRACE_LINE_BYTES];
    size_t size_bytes;
    size_t first_bytes; /* of its first piece */
    uint64_t number;    /* later ones have higher numbers */
};

/* A piece that is held back. */
struct gc_sieve_piece {
    size_t size_bytes;
    unsigned lines; /* the beginnings that it may belong to, a bit for each */
};

struct gc_sieve {
    bool passes_lines; /* the user wants to see them, too */
    bool passes_scavenges;
    bool keeps_writes; /* a piece is never a part of a write, nor of several */
    void (*take_cycle)(void *context, const struct gc_cycle *cycle);
    void (*take_scavenge)(void *context, const struct scavenge *scavenge);
    void (*pass)(void *context, const char *bytes, size_t size_bytes);
    void *context;
    uint64_t unread_count; /* lines that begin like one and go on differently: passed */
    struct str held;       /* in the order in which it came */
    struct gc_sieve_piece *pieces;
    size_t piece_count;
    size_t piece_capacity;
    struct gc_sieve_line lines[GC_SIEVE_LINES_MAX];
    int line_count;
    uint64_t begun_count;
    uint64_t old_count; /* lines with lower numbers were there at the last gc_sieve_age() */
};

/* What was written, or a part of it. Returns 0, or -ENOMEM: then all has been passed. */
int gc_sieve_feed(struct gc_sieve *sieve, const char *bytes, size_t size_bytes);

/* True while something is held back. */
bool gc_sieve_is_holding(const struct gc_sieve *sieve);

/* True if a line that has begun ends with this piece. */
bool gc_sieve_ends_with(const struct gc_sieve *sieve, const char *piece, size_t size_bytes);

/* Time has gone by: what was held back the last time, too, has not become a line, and is passed. */
void gc_sieve_age(struct gc_sieve *sieve);

/* Passes all that is held back. */
void gc_sieve_flush(struct gc_sieve *sieve);

/* The same where nothing more comes: a line that the runtime could not finish is not passed. */
void gc_sieve_finish(struct gc_sieve *sieve);

void gc_sieve_fini(struct gc_sieve *sieve);

#endif
