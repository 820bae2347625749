#include "unpack.h"

#include <errno.h>
#include <stdlib.h>
#include <zlib.h>

#include "../base/vec.h"

enum {
    PART_BYTES = 1 << 20,
};

int unpack_file(const char *path, uint64_t max_bytes, unsigned char **out_bytes,
                size_t *out_size_bytes, struct err *err)
{
    unsigned char *bytes = NULL;
    size_t size_bytes = 0;
    size_t capacity = 0;
    gzFile file = gzopen(path, "rbe"); /* what is not packed is read as it is */
    if (file == NULL) {
        return err_set_errno(err, errno != 0 ? errno : ENOMEM, "cannot open '%s'", path);
    }
    int result = 0;
    int count = 1;
    while (result == 0 && count > 0) {
        result = vec_reserve((void **)&bytes, &capacity, size_bytes + PART_BYTES, 1);
        count = result == 0 ? gzread(file, bytes + size_bytes, PART_BYTES) : 0;
        size_bytes += count > 0 ? (size_t)count : 0;
        if (result < 0) {
            err_set(err, ENOMEM, "out of memory");
        } else if (size_bytes > max_bytes) {
            result = err_set(err, EFBIG, "'%s' is larger than any profile, unpacked", path);
        }
    }
    int code;
    const char *text = gzerror(file, &code);
    if (result == 0 && (count < 0 || (code != Z_OK && code != Z_STREAM_END))) {
        result = code == Z_ERRNO
                     ? err_set_errno(err, errno, "cannot read '%s'", path)
                     : err_set(err, EBADMSG, "cannot read '%s': damaged: %s", path, text);
    }
    (void)gzclose(file);
    if (result < 0) {
        free(bytes);
        return result;
    }
    *out_bytes = bytes;
    *out_size_bytes = size_bytes;
    return 0;
}
