/*
 * script_writer.h - writes the file of script.h, record by record, into an unnamed file.
 *
 * Holds a chunk in memory for each thread that is at work. Single thread.
 */
#ifndef ALLOCAUDIT_SCRIPT_WRITER_H
#define ALLOCAUDIT_SCRIPT_WRITER_H

#include <stdint.h>

#include "../base/err.h"
#include "script.h"

struct script_writer; /* opaque */

/* Begins a file in `folder`. Returns 0 and *out_writer is the caller's, or a negative errno. */
int script_writer_create(const char *folder, uint32_t thread_count,
                         struct script_writer **out_writer, struct err *err);

/* Appends to a thread's stream and to the total order. Returns 0 or a negative errno. */
int script_writer_add(struct script_writer *writer, uint32_t thread,
                      const struct script_record *record, struct err *err);

/* The thread has probably no more to do: gives its memory back. Returns 0 or a negative errno. */
int script_writer_rest(struct script_writer *writer, uint32_t thread, struct err *err);

/* Records of the thread so far. */
uint64_t script_writer_count(const struct script_writer *writer, uint32_t thread);

/*
 * Completes the file; `head` is filled in but for what the writer knows itself. Returns a file
 * descriptor for reading, which is the caller's, or a negative errno.
 */
int script_writer_finish(struct script_writer *writer, struct script_head *head, struct err *err);

/* NULL is fine. */
void script_writer_destroy(struct script_writer *writer);

#endif
