#include "sqlite_head.h"

#include <string.h>
#include <unistd.h>

enum {
    HEAD_BYTES = 100,
    HEAD_APPLICATION_ID = 68, /* offset, big-endian */
};

bool sqlite_head_read(int fd, uint32_t *out_application_id)
{
    static const char magic[16] = "SQLite format 3"; /* with its NUL */
    unsigned char head[HEAD_BYTES];
    if (pread(fd, head, sizeof(head), 0) != (ssize_t)sizeof(head) ||
        memcmp(head, magic, sizeof(magic)) != 0) {
        return false;
    }
    const unsigned char *id = head + HEAD_APPLICATION_ID;
    *out_application_id =
        (uint32_t)id[0] << 24 | (uint32_t)id[1] << 16 | (uint32_t)id[2] << 8 | id[3];
    return true;
}
