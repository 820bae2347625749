/*
 * compile.h - turns the operations of one process into a script (script.h).
 *
 * Reads the recording once; memory grows with the objects that live at one time and with the
 * number of threads. Single thread.
 */
#ifndef ALLOCAUDIT_COMPILE_H
#define ALLOCAUDIT_COMPILE_H

#include <stdint.h>

#include "../base/err.h"
#include "../model/trace.h"
#include "frame_arena.h"
#include "neutral.h"
#include "script.h"

/* Called now and then with how many operations are done, for a line of progress. */
typedef void compile_watcher(void *context, uint64_t done_count);

struct compile_settings {
    uint32_t process_id;
    const char *folder;              /* for the temporary file, which has no name */
    const struct neutral *neutral;   /* what is taken out; NULL: nothing */
    const struct frame_arena *arena; /* what is kept in frame arenas; NULL: nothing */
    compile_watcher *watcher;        /* NULL: nobody watches */
    void *context;
};

/*
 * Returns a file descriptor, which is the caller's, and *out_head; or -ENODATA (the process made
 * no allocation, or none is left), -EBADMSG (damaged), or the negative errno of reading or writing.
 */
int compile_process(const struct trace *trace, const struct compile_settings *settings,
                    struct script_head *out_head, struct err *err);

#endif
