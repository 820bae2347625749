/*
 * unpack.h - a file that may be packed with gzip, whole in memory.
 */
#ifndef ALLOCAUDIT_UNPACK_H
#define ALLOCAUDIT_UNPACK_H

#include <stddef.h>
#include <stdint.h>

#include "../base/err.h"

/* Reads and unpacks at most max_bytes. Returns 0 and *out_bytes is the caller's; -EFBIG (there is
 * more), -EBADMSG (damaged) or another negative errno, told in err. */
int unpack_file(const char *path, uint64_t max_bytes, unsigned char **out_bytes,
                size_t *out_size_bytes, struct err *err);

#endif
