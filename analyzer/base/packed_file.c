#include "packed_file.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

enum {
    PACKED_CHUNK_BYTES = 1 << 16,
};

/* As in zstd.h, whose interface has been stable since 1.0. */
struct zstd_buffer {
    void *bytes;
    size_t size_bytes;
    size_t at;
};

struct zstd_library {
    void *handle;
    void *(*create)(void);
    size_t (*end)(void *stream);
    size_t (*decompress)(void *stream, struct zstd_buffer *to, struct zstd_buffer *from);
    unsigned (*is_error)(size_t result);
};

struct packed_file {
    gzFile gzip; /* NULL: packed by zstd */
    int fd;
    struct zstd_library zstd;
    void *stream;
    struct zstd_buffer unread;
    bool is_within_frame; /* of zstd */
    uint64_t offset;
    uint64_t size_bytes;
};

/* ISO C has no conversion from an object's address to a function's. */
static bool find_function(void *handle, const char *name, void *out_function)
{
    void *address = dlsym(handle, name);
    memcpy(out_function, &address, sizeof(address));
    return address != NULL;
}

static int load_zstd(struct zstd_library *zstd, struct err *err)
{
    zstd->handle = dlopen("libzstd.so.1", RTLD_NOW | RTLD_LOCAL);
    bool is_whole = zstd->handle != NULL &&
                    find_function(zstd->handle, "ZSTD_createDStream", &zstd->create) &&
                    find_function(zstd->handle, "ZSTD_freeDStream", &zstd->end) &&
                    find_function(zstd->handle, "ZSTD_decompressStream", &zstd->decompress) &&
                    find_function(zstd->handle, "ZSTD_isError", &zstd->is_error);
    return is_whole ? 0
                    : err_set(err, ENOTSUP,
                              "it is packed by zstd, and libzstd.so.1 is not here (Debian: "
                              "libzstd1); or unpack it with 'zstd -d'");
}

static int begin_zstd(struct packed_file *file, struct err *err)
{
    int r = load_zstd(&file->zstd, err);
    if (r < 0) {
        return r;
    }
    file->stream = file->zstd.create();
    file->unread.bytes = malloc(PACKED_CHUNK_BYTES);
    return file->stream == NULL || file->unread.bytes == NULL
               ? err_set_errno(err, ENOMEM, "cannot unpack it")
               : 0;
}

static int begin(struct packed_file *file, const char *path, struct err *err)
{
    static const unsigned char zstd_magic[4] = {0x28, 0xb5, 0x2f, 0xfd};
    unsigned char head[sizeof(zstd_magic)];
    struct stat status;
    file->fd = open(path, O_RDONLY | O_CLOEXEC);
    if (file->fd < 0 || fstat(file->fd, &status) < 0) {
        return err_set(err, errno, "%s", strerror(errno));
    }
    if (!S_ISREG(status.st_mode)) {
        return err_set(err, S_ISDIR(status.st_mode) ? EISDIR : EINVAL, "it is no file");
    }
    file->size_bytes = (uint64_t)status.st_size;
    ssize_t count = pread(file->fd, head, sizeof(head), 0);
    if (count < 0) {
        return err_set(err, errno, "%s", strerror(errno));
    }
    if (count == (ssize_t)sizeof(head) && memcmp(head, zstd_magic, sizeof(head)) == 0) {
        return begin_zstd(file, err);
    }
    file->gzip = gzdopen(file->fd, "rb"); /* owns fd from now on */
    if (file->gzip == NULL) {
        return err_set_errno(err, ENOMEM, "cannot unpack it");
    }
    gzbuffer(file->gzip, PACKED_CHUNK_BYTES);
    return 0;
}

int packed_file_open(const char *path, struct packed_file **out_file, struct err *err)
{
    struct packed_file *file = calloc(1, sizeof(*file));
    if (file == NULL) {
        return err_set_errno(err, ENOMEM, "cannot open it");
    }
    file->fd = -1;
    int r = begin(file, path, err);
    if (r < 0) {
        packed_file_close(file);
        return r;
    }
    *out_file = file;
    return 0;
}

static ssize_t read_gzip(struct packed_file *file, void *buffer, size_t size_bytes, struct err *err)
{
    unsigned wanted = size_bytes > INT_MAX ? INT_MAX : (unsigned)size_bytes;
    int count = gzread(file->gzip, buffer, wanted);
    int code = Z_OK;
    (void)gzerror(file->gzip, &code);
    if (count < 0 || (count == 0 && code == Z_BUF_ERROR)) { /* the latter: cut short */
        return code == Z_ERRNO ? err_set(err, errno, "%s", strerror(errno))
                               : err_set(err, EBADMSG, "it is damaged or cut short");
    }
    file->offset = (uint64_t)gzoffset(file->gzip);
    return count;
}

/* Returns 1, 0 at the end of the file, or a negative errno. */
static int fill(struct packed_file *file, struct err *err)
{
    ssize_t count;
    do {
        count = read(file->fd, file->unread.bytes, PACKED_CHUNK_BYTES);
    } while (count < 0 && errno == EINTR);
    if (count < 0) {
        return err_set(err, errno, "%s", strerror(errno));
    }
    file->unread.at = 0;
    file->unread.size_bytes = (size_t)count;
    file->offset += (uint64_t)count;
    return count > 0;
}

static ssize_t read_zstd(struct packed_file *file, void *buffer, size_t size_bytes, struct err *err)
{
    struct zstd_buffer to = {.bytes = buffer, .size_bytes = size_bytes};
    while (to.at < to.size_bytes) {
        if (file->unread.at == file->unread.size_bytes) {
            int r = fill(file, err);
            if (r == 0 && file->is_within_frame) {
                return err_set(err, EBADMSG, "it is damaged or cut short");
            }
            if (r <= 0) {
                return r < 0 ? r : (ssize_t)to.at;
            }
        }
        size_t result = file->zstd.decompress(file->stream, &to, &file->unread);
        if (file->zstd.is_error(result)) {
            return err_set(err, EBADMSG, "it is damaged or cut short");
        }
        file->is_within_frame = result != 0;
    }
    return (ssize_t)to.at;
}

ssize_t packed_file_read(struct packed_file *file, void *buffer, size_t size_bytes, struct err *err)
{
    return file->gzip != NULL ? read_gzip(file, buffer, size_bytes, err)
                              : read_zstd(file, buffer, size_bytes, err);
}

uint64_t packed_file_offset(const struct packed_file *file)
{
    return file->offset;
}

uint64_t packed_file_size(const struct packed_file *file)
{
    return file->size_bytes;
}

void packed_file_close(struct packed_file *file)
{
    if (file == NULL) {
        return;
    }
    if (file->gzip != NULL) {
        gzclose(file->gzip);
    } else if (file->fd >= 0) {
        close(file->fd);
    }
    if (file->stream != NULL) {
        file->zstd.end(file->stream);
    }
    if (file->zstd.handle != NULL) {
        dlclose(file->zstd.handle);
    }
    free(file->unread.bytes);
    free(file);
}
