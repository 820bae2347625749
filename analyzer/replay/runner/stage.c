#include "stage.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

void *stage_map(size_t size_bytes)
{
    void *memory = mmap(NULL, size_bytes > 0 ? size_bytes : 1, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
    return memory != MAP_FAILED ? memory : NULL;
}

static int read_at(int fd, void *to, size_t count, uint64_t offset)
{
    char *into = to;
    while (count > 0) {
        ssize_t got = pread(fd, into, count, (off_t)offset);
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got <= 0) {
            return got < 0 ? -errno : -EINVAL;
        }
        into += got;
        offset += (uint64_t)got;
        count -= (size_t)got;
    }
    return 0;
}

/* Links the chunks of each stream, from the last to the first. */
static int link_chunks(struct stage *stage)
{
    const struct script_head *head = &stage->head;
    size_t table_bytes = head->chunk_count * sizeof(uint32_t);
    uint32_t *table = stage_map(table_bytes);
    if (table == NULL) {
        return -ENOMEM;
    }
    int result = read_at(stage->fd, table, table_bytes, head->chunk_table_offset);
    for (uint64_t i = head->chunk_count; result == 0 && i-- > 0;) {
        if (table[i] > head->thread_count) {
            result = -EINVAL;
            break;
        }
        struct stage_stream *stream = &stage->streams[table[i]];
        stage->chunk_links[i] = stream->next_chunk;
        stream->next_chunk = (uint32_t)i;
    }
    (void)munmap(table, table_bytes > 0 ? table_bytes : 1);
    return result;
}

static int check_head(const struct script_head *head)
{
    bool is_ours =
        head->magic == SCRIPT_MAGIC && head->chunk_count < UINT32_MAX &&
        head->slot_count < UINT32_MAX && head->thread_count < UINT32_MAX &&
        head->began_count <= head->thread_count &&
        head->chunk_table_offset == SCRIPT_HEAD_BYTES + head->chunk_count * SCRIPT_CHUNK_BYTES;
    return is_ours ? 0 : -EINVAL;
}

static int open_streams(struct stage *stage)
{
    uint32_t stream_count = stage->head.thread_count + 1;
    stage->streams = stage_map(stream_count * sizeof(*stage->streams));
    char *buffers = stage_map((size_t)stream_count * SCRIPT_CHUNK_BYTES);
    if (stage->streams == NULL || buffers == NULL) {
        return -ENOMEM;
    }
    for (uint32_t i = 0; i < stream_count; i++) {
        stage->streams[i] = (struct stage_stream){
            .buffer = (struct script_record *)(void *)(buffers + (size_t)i * SCRIPT_CHUNK_BYTES),
            .next = SCRIPT_CHUNK_RECORDS,
            .next_chunk = STAGE_NO_CHUNK,
            .fd = stage->fd,
            .chunk_links = stage->chunk_links,
        };
    }
    return link_chunks(stage);
}

int stage_open(struct stage *stage, int fd)
{
    *stage = (struct stage){.fd = fd};
    int result = read_at(fd, &stage->head, sizeof(stage->head), 0);
    if (result == 0) {
        result = check_head(&stage->head);
    }
    if (result < 0) {
        return result;
    }
    stage->slots = stage_map(stage->head.slot_count * sizeof(*stage->slots));
    stage->chunk_links = stage_map(stage->head.chunk_count * sizeof(*stage->chunk_links));
    if (stage->slots == NULL || stage->chunk_links == NULL) {
        return -ENOMEM;
    }
    return open_streams(stage);
}

bool stage_stream_refill(struct stage_stream *stream)
{
    if (stream->next_chunk == STAGE_NO_CHUNK) {
        return false;
    }
    uint64_t offset = SCRIPT_HEAD_BYTES + (uint64_t)stream->next_chunk * SCRIPT_CHUNK_BYTES;
    if (read_at(stream->fd, stream->buffer, SCRIPT_CHUNK_BYTES, offset) < 0) {
        return false;
    }
    stream->next_chunk = stream->chunk_links[stream->next_chunk];
    stream->next = 0;
    return true;
}
