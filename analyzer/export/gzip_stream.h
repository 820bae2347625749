/*
 * gzip_stream.h - compresses into a stream as it goes. The same bytes give the same file: no time
 * and no name is in its header.
 */
#ifndef ALLOCAUDIT_GZIP_STREAM_H
#define ALLOCAUDIT_GZIP_STREAM_H

#include <stddef.h>
#include <stdio.h>

struct gzip_stream; /* opaque */

/* Begins. `stream` stays the caller's. Returns 0 or -ENOMEM. */
int gzip_stream_open(FILE *stream, struct gzip_stream **out_gzip);

/* Returns 0 or -EIO: the stream has the error (ferror). */
int gzip_stream_write(struct gzip_stream *gzip, const void *bytes, size_t size_bytes);

/* Writes what is pending and the trailer. Returns as gzip_stream_write(). */
int gzip_stream_finish(struct gzip_stream *gzip);

/* Frees it, finished or not. NULL is fine. */
void gzip_stream_close(struct gzip_stream *gzip);

#endif
