#include "script_writer.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "../base/str.h"
#include "../base/vec.h"

struct stream {
    struct script_record *records; /* the chunk being filled; NULL: none was begun */
    uint32_t filled;
    uint64_t count;
};

struct script_writer {
    int fd;
    uint32_t thread_count;
    struct stream *streams; /* of the threads, then the total order */
    uint32_t *chunk_streams;
    size_t chunk_count;
    size_t chunk_capacity;
    struct script_record run; /* not yet in the total order */
};

/* A file that goes with its last user, also where the folder cannot have one without a name. */
static int open_unnamed(const char *folder)
{
    int fd = open(folder, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    if (fd >= 0) {
        return fd;
    }
    struct str path = {0};
    if (str_printf(&path, "%s/allocaudit-replay-XXXXXX", folder) < 0) {
        return -ENOMEM;
    }
    fd = mkostemp(path.text, O_CLOEXEC);
    int code = errno;
    if (fd >= 0) {
        (void)unlink(path.text);
    }
    str_fini(&path);
    return fd >= 0 ? fd : -code;
}

int script_writer_create(const char *folder, uint32_t thread_count,
                         struct script_writer **out_writer, struct err *err)
{
    struct script_writer *writer = calloc(1, sizeof(*writer));
    struct stream *streams = calloc((size_t)thread_count + 1, sizeof(*streams));
    if (writer == NULL || streams == NULL) {
        free(writer);
        free(streams);
        return err_set_errno(err, ENOMEM, "cannot replay");
    }
    writer->streams = streams;
    writer->thread_count = thread_count;
    writer->run = (struct script_record){.code = SCRIPT_RUN};
    writer->fd = open_unnamed(folder);
    if (writer->fd < 0) {
        int code = -writer->fd;
        script_writer_destroy(writer);
        return err_set_errno(err, code, "cannot make a temporary file in '%s'", folder);
    }
    *out_writer = writer;
    return 0;
}

static int write_at(const struct script_writer *writer, const void *bytes, size_t count,
                    uint64_t offset, struct err *err)
{
    const char *from = bytes;
    while (count > 0) {
        ssize_t written = pwrite(writer->fd, from, count, (off_t)offset);
        if (written < 0 && errno == EINTR) {
            continue;
        }
        if (written <= 0) {
            return err_set_errno(err, written < 0 ? errno : ENOSPC,
                                 "cannot write the compiled recording");
        }
        from += written;
        offset += (uint64_t)written;
        count -= (size_t)written;
    }
    return 0;
}

static uint64_t chunk_offset(uint64_t chunk)
{
    return SCRIPT_HEAD_BYTES + chunk * SCRIPT_CHUNK_BYTES;
}

static int flush_stream(struct script_writer *writer, uint32_t index, struct err *err)
{
    struct stream *stream = &writer->streams[index];
    int result = vec_reserve((void **)&writer->chunk_streams, &writer->chunk_capacity,
                             writer->chunk_count + 1, sizeof(*writer->chunk_streams));
    if (result < 0) {
        return err_set_errno(err, -result, "cannot replay");
    }
    result = write_at(writer, stream->records, stream->filled * sizeof(*stream->records),
                      chunk_offset(writer->chunk_count), err);
    if (result == 0) {
        writer->chunk_streams[writer->chunk_count++] = index;
        stream->filled = 0;
    }
    return result;
}

static int append(struct script_writer *writer, uint32_t index, const struct script_record *record,
                  struct err *err)
{
    struct stream *stream = &writer->streams[index];
    if (stream->records == NULL) {
        stream->records = malloc(SCRIPT_CHUNK_BYTES);
        if (stream->records == NULL) {
            return err_set_errno(err, ENOMEM, "cannot replay");
        }
    }
    stream->records[stream->filled++] = *record;
    stream->count++;
    return stream->filled == SCRIPT_CHUNK_RECORDS ? flush_stream(writer, index, err) : 0;
}

static int end_run(struct script_writer *writer, struct err *err)
{
    int result = 0;
    if (writer->run.value > 0) {
        result = append(writer, writer->thread_count, &writer->run, err);
    }
    writer->run.value = 0;
    return result;
}

int script_writer_add(struct script_writer *writer, uint32_t thread,
                      const struct script_record *record, struct err *err)
{
    int result = writer->run.slot != thread ? end_run(writer, err) : 0;
    if (result < 0) {
        return result;
    }
    writer->run.slot = thread;
    writer->run.value++;
    return append(writer, thread, record, err);
}

int script_writer_rest(struct script_writer *writer, uint32_t thread, struct err *err)
{
    struct stream *stream = &writer->streams[thread];
    int result = stream->filled > 0 ? flush_stream(writer, thread, err) : 0;
    free(stream->records);
    stream->records = NULL;
    return result;
}

uint64_t script_writer_count(const struct script_writer *writer, uint32_t thread)
{
    return writer->streams[thread].count;
}

int script_writer_finish(struct script_writer *writer, struct script_head *head, struct err *err)
{
    int result = end_run(writer, err);
    head->record_count = 0;
    for (uint32_t i = 0; result == 0 && i <= writer->thread_count; i++) {
        head->record_count += i < writer->thread_count ? writer->streams[i].count : 0;
        if (writer->streams[i].filled > 0) {
            result = flush_stream(writer, i, err);
        }
    }
    head->magic = SCRIPT_MAGIC;
    head->thread_count = writer->thread_count;
    head->chunk_count = writer->chunk_count;
    head->chunk_table_offset = chunk_offset(writer->chunk_count);
    if (result == 0) {
        result = write_at(writer, head, sizeof(*head), 0, err);
    }
    if (result == 0) {
        result = write_at(writer, writer->chunk_streams,
                          writer->chunk_count * sizeof(*writer->chunk_streams),
                          head->chunk_table_offset, err);
    }
    if (result < 0) {
        return result;
    }
    int fd = writer->fd;
    writer->fd = -1;
    return fd;
}

void script_writer_destroy(struct script_writer *writer)
{
    if (writer == NULL) {
        return;
    }
    for (uint32_t i = 0; i <= writer->thread_count; i++) {
        free(writer->streams[i].records);
    }
    if (writer->fd >= 0) {
        (void)close(writer->fd);
    }
    free(writer->streams);
    free(writer->chunk_streams);
    free(writer);
}
