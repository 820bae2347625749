/*
 * writer_lock.h - that one process at a time writes a recording, and whether one does.
 *
 * SQLite's own locks last as long as a transaction, and closing any descriptor of the file drops
 * them. This one lasts as long as a descriptor, on a byte that SQLite neither locks nor uses. A
 * kill ends it. On file systems without such locks everything is free.
 */
#ifndef ALLOCAUDIT_WRITER_LOCK_H
#define ALLOCAUDIT_WRITER_LOCK_H

#include <stdbool.h>

/* The descriptor must be open for writing. False: another one has it. */
bool writer_lock_take(int fd);

/* The same, but gives a process that was just killed half a second to be taken apart. */
bool writer_lock_wait(int fd);

/* True while somebody writes the file, be it this process. */
bool writer_lock_is_held(const char *path);

#endif
