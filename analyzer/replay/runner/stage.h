/*
 * stage.h - the script opened for the replay, with all memory that it needs.
 *
 * Everything is mapped and touched by stage_open(): nothing here allocates or grows while records
 * are carried out, so that what grows is the heap. Records are read into a buffer for each stream
 * instead of being mapped for the same reason. Streams belong to one thread each; the rest may be
 * read by all.
 */
#ifndef ALLOCAUDIT_STAGE_H
#define ALLOCAUDIT_STAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../script.h"

struct stage_slot {
    void *block;
    size_t size_bytes;
};

struct stage_stream {
    struct script_record *buffer;
    uint32_t next;       /* in the buffer */
    uint32_t next_chunk; /* STAGE_NO_CHUNK: none is left */
    int fd;
    const uint32_t *chunk_links;
};

#define STAGE_NO_CHUNK UINT32_MAX

struct stage {
    int fd;
    struct script_head head;
    struct stage_slot *slots;
    struct stage_stream *streams; /* of the threads, then the total order */
    uint32_t *chunk_links;        /* by chunk: the next one of its stream */
};

/* Returns 0 or a negative errno; -EINVAL if the file is no script. */
int stage_open(struct stage *stage, int fd);

/* Fetches the next chunk. False: there is none, or it cannot be read. */
bool stage_stream_refill(struct stage_stream *stream);

/* The next record, or NULL at the end. It lives until the next call. */
static inline const struct script_record *stage_stream_next(struct stage_stream *stream)
{
    while (__builtin_expect(stream->next == SCRIPT_CHUNK_RECORDS ||
                                stream->buffer[stream->next].code == SCRIPT_END,
                            0)) {
        if (!stage_stream_refill(stream)) {
            return NULL;
        }
    }
    return &stream->buffer[stream->next++];
}

/* Mapped, zeroed and touched; NULL if there is no memory. */
void *stage_map(size_t size_bytes);

#endif
