/*
 * packed_file.h - reads a file as it was before it was packed by gzip or zstd; others as they are.
 * Which it is, its first bytes tell.
 *
 * zstd is read by the system's libzstd, which is loaded when it is needed. Single thread.
 */
#ifndef ALLOCAUDIT_PACKED_FILE_H
#define ALLOCAUDIT_PACKED_FILE_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "err.h"

struct packed_file; /* opaque */

/* Returns 0 and *out_file is the caller's; or a negative errno (-ENOTSUP: packed by zstd, and there
 * is no libzstd), told in err without the file's name. */
int packed_file_open(const char *path, struct packed_file **out_file, struct err *err);

/* Returns how many bytes came, fewer than asked for only at the end; -EBADMSG (damaged, or cut
 * short) or another negative errno, told in err without the file's name. */
ssize_t packed_file_read(struct packed_file *file, void *buffer, size_t size_bytes,
                         struct err *err);

/* How far it is, in bytes of the file as it lies on the disk, and the size of that. */
uint64_t packed_file_offset(const struct packed_file *file);
uint64_t packed_file_size(const struct packed_file *file);

/* NULL is fine. */
void packed_file_close(struct packed_file *file);

#endif
