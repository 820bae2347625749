/*
 * sqlite_head.h - is a file a database of SQLite, and whose: by its first bytes
 * (https://www.sqlite.org/fileformat2.html), without SQLite.
 */
#ifndef ALLOCAUDIT_SQLITE_HEAD_H
#define ALLOCAUDIT_SQLITE_HEAD_H

#include <stdbool.h>
#include <stdint.h>

/* True and *out_application_id (`PRAGMA application_id`) where the open file begins like a whole
 * database. Its offset stays. */
bool sqlite_head_read(int fd, uint32_t *out_application_id);

#endif
