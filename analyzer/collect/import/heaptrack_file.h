/*
 * heaptrack_file.h - reads what heaptrack has written (heaptrack.APP.PID.zst or .gz): a text of
 * lines, each with a letter and numbers in hex.
 *
 * Read are versions 1 to 3 of its format, after `heaptrack_interpret` (the `heaptrack` script runs
 * it). A line is a name, a place in the code, a call stack, a size that a stack asks for, or an
 * event that refers to those. Blocks have no addresses, and threads no names. Single thread.
 */
#ifndef ALLOCAUDIT_HEAPTRACK_FILE_H
#define ALLOCAUDIT_HEAPTRACK_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../../base/err.h"

/* Numbers of names, places and stacks count from 1; 0 means none. */
struct heaptrack_frame {
    uint32_t function; /* a name */
    uint32_t file;     /* a name */
    uint32_t line;
};

struct heaptrack_place {
    uint64_t address;
    uint32_t module;    /* a name */
    size_t first_frame; /* the innermost; what it was inlined into follows */
    size_t frame_count; /* 0: no function is known */
};

struct heaptrack_stack {
    uint32_t place;
    uint32_t parent; /* the caller's stack, always an earlier one */
};

/* What one stack allocates in one size; counted from 0. */
struct heaptrack_want {
    uint64_t size_bytes;
    uint32_t stack;
};

struct heaptrack_tables {
    char **names;
    size_t name_count;
    size_t name_capacity;
    struct heaptrack_frame *frames;
    size_t frame_count;
    size_t frame_capacity;
    struct heaptrack_place *places;
    size_t place_count;
    size_t place_capacity;
    struct heaptrack_stack *stacks;
    size_t stack_count;
    size_t stack_capacity;
    struct heaptrack_want *wants;
    size_t want_count;
    size_t want_capacity;
    char *command;
    uint64_t page_bytes;
    bool is_attached; /* to a program that was running: what came before is not told */
};

enum heaptrack_event_kind {
    HEAPTRACK_END,
    HEAPTRACK_BIRTH, /* of a block as `want` says */
    HEAPTRACK_DEATH, /* the same */
    HEAPTRACK_TIME,  /* `value`: ms since the start */
    HEAPTRACK_RSS,   /* `value`: pages */
};

struct heaptrack_event {
    enum heaptrack_event_kind kind;
    uint32_t want;
    uint64_t value;
};

struct heaptrack_file; /* opaque */

/* True if the file begins as one of heaptrack's. A file that cannot be read is none. */
bool heaptrack_file_is(const char *path);

/* Returns 0 and *out_file is the caller's; -EBADMSG (no file of heaptrack, or raw) or another
 * negative errno, told in err. */
int heaptrack_file_open(const char *path, struct heaptrack_file **out_file, struct err *err);

/* The next event; whatever it refers to is in the tables by then. Returns 0; -EBADMSG with the line
 * in err, or another negative errno. */
int heaptrack_file_next(struct heaptrack_file *file, struct heaptrack_event *out_event,
                        struct err *err);

/* Grows with heaptrack_file_next(), so its arrays move. */
const struct heaptrack_tables *heaptrack_file_tables(const struct heaptrack_file *file);

/* A name by its number; NULL for 0. */
const char *heaptrack_file_name(const struct heaptrack_file *file, uint32_t number);

/* How far it is, in bytes on the disk, and the size there. */
void heaptrack_file_progress(const struct heaptrack_file *file, uint64_t *out_done,
                             uint64_t *out_total);

/* NULL is fine. */
void heaptrack_file_close(struct heaptrack_file *file);

#endif
