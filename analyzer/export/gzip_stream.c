#include "gzip_stream.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <zlib.h>

enum {
    OUTPUT_BYTES = 64 * 1024,
    GZIP_WINDOW_BITS = 15 + 16, /* zlib's way to say: the largest window, in a gzip wrapper */
    MEMORY_LEVEL = 8,           /* zlib's default */
};

struct gzip_stream {
    FILE *stream;
    z_stream zlib;
    unsigned char output[OUTPUT_BYTES];
};

int gzip_stream_open(FILE *stream, struct gzip_stream **out_gzip)
{
    struct gzip_stream *gzip = calloc(1, sizeof(*gzip));
    if (gzip == NULL) {
        return -ENOMEM;
    }
    gzip->stream = stream;
    if (deflateInit2(&gzip->zlib, Z_DEFAULT_COMPRESSION, Z_DEFLATED, GZIP_WINDOW_BITS, MEMORY_LEVEL,
                     Z_DEFAULT_STRATEGY) != Z_OK) {
        free(gzip);
        return -ENOMEM;
    }
    *out_gzip = gzip;
    return 0;
}

/* Runs until the input is taken and, at the end, all output is out. */
static int compress_input(struct gzip_stream *gzip, int flush)
{
    do {
        gzip->zlib.next_out = gzip->output;
        gzip->zlib.avail_out = OUTPUT_BYTES;
        (void)deflate(&gzip->zlib, flush); /* cannot fail: the state is ours, the room is there */
        size_t made_bytes = OUTPUT_BYTES - gzip->zlib.avail_out;
        if (fwrite(gzip->output, 1, made_bytes, gzip->stream) != made_bytes) {
            return -EIO;
        }
    } while (gzip->zlib.avail_out == 0);
    return 0;
}

int gzip_stream_write(struct gzip_stream *gzip, const void *bytes, size_t size_bytes)
{
    const unsigned char *next = bytes;
    int result = 0;
    while (size_bytes > 0 && result == 0) {
        size_t part_bytes = size_bytes < UINT_MAX ? size_bytes : UINT_MAX;
        gzip->zlib.next_in = (unsigned char *)next; /* zlib reads only */
        gzip->zlib.avail_in = (unsigned)part_bytes;
        result = compress_input(gzip, Z_NO_FLUSH);
        next += part_bytes;
        size_bytes -= part_bytes;
    }
    return result;
}

int gzip_stream_finish(struct gzip_stream *gzip)
{
    gzip->zlib.avail_in = 0;
    return compress_input(gzip, Z_FINISH);
}

void gzip_stream_close(struct gzip_stream *gzip)
{
    if (gzip == NULL) {
        return;
    }
    (void)deflateEnd(&gzip->zlib);
    free(gzip);
}
