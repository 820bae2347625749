/*
 * frame_lines.h - the functions behind frames of a recording in progress, as lines of text.
 *
 * Reads the modules' files, which takes from milliseconds to a second for each large one. Zeroed
 * but for `recording` it is empty; frame_lines_fini() frees it. Single thread.
 */
#ifndef ALLOCAUDIT_FRAME_LINES_H
#define ALLOCAUDIT_FRAME_LINES_H

#include <stddef.h>
#include <stdint.h>

#include "../../base/str.h"
#include "../recording/recording.h"

enum frame_part {
    FRAME_OF_PROGRAM,
    FRAME_OF_LIBC,    /* and of what starts a program */
    FRAME_OF_HARNESS, /* cmocka, and our own hooks of it */
};

struct named_frame {
    uint32_t frame;
    enum frame_part part;
    struct str text; /* "    FUNCTION FILE:LINE" lines: of what is inlined there, then its own */
};

struct frame_lines {
    const struct recording *recording;
    struct named_frame *frames; /* by module and offset, each once, when they are looked up */
    size_t count;
    size_t capacity;
    struct named_frame *first; /* the rest is that of the module which is being read */
    const char *module_name;
    int status;
};

/* Adds all frames of a stack; STACK_ROOT has none. Returns 0 or -ENOMEM. */
int frame_lines_add_stack(struct frame_lines *lines, uint32_t stack_id);

/* Names all that were added. Once. Returns 0 or -ENOMEM. */
int frame_lines_look_up(struct frame_lines *lines);

/* One that was looked up, or NULL. */
const struct named_frame *frame_lines_find(const struct frame_lines *lines, uint32_t frame);

void frame_lines_fini(struct frame_lines *lines);

#endif
