/*
 * frame_place.h - where the object of `run --frame-symbol` lies while the program runs: with the
 * session's other files, or, where no code may be run from there, in a folder of its own.
 */
#ifndef ALLOCAUDIT_FRAME_PLACE_H
#define ALLOCAUDIT_FRAME_PLACE_H

#include <limits.h>
#include <stddef.h>

#include "../../base/err.h"

/* Zeroed: nothing was placed. */
struct frame_place {
    char path[PATH_MAX];      /* of the object; "": none */
    char directory[PATH_MAX]; /* made for it; "": none */
};

/* Writes the object for these symbols. Returns 0 or a negative errno with a line in *err. */
int frame_place_make(struct frame_place *place, const char *session_directory,
                     const char *const *symbols, size_t count, struct err *err);

/* Removes the folder that was made. */
void frame_place_remove(struct frame_place *place);

#endif
