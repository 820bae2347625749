#include "rowfile.h"

#include <assert.h>
#include <endian.h>
#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <unistd.h>

/* Offsets in the file's first 100 bytes. */
enum {
    HEADER_BYTES = 100,
    HEADER_PAGE_SIZE = 16, /* two bytes; 1 stands for 65536 */
    HEADER_RESERVED_BYTES = 20,
    HEADER_CHANGE_COUNTER = 24,
    HEADER_PAGE_COUNT = 28,
    HEADER_SCHEMA_FORMAT = 44,
    HEADER_AUTO_VACUUM = 52,
    HEADER_VALID_FOR = 92, /* the change counter that the page count belongs to */
    SCHEMA_FORMAT_MIN = 4, /* older ones have no constants 0 and 1 */
};

static_assert(DATABASE_PAGE_BYTES == 65536, "the header is compared with 1");

static uint32_t load_be32(const unsigned char *from)
{
    uint32_t bytes;
    memcpy(&bytes, from, sizeof(bytes));
    return be32toh(bytes);
}

static void store_be32(unsigned char *to, uint32_t value)
{
    uint32_t bytes = htobe32(value);
    memcpy(to, &bytes, sizeof(bytes));
}

/* Returns how many bytes came before the end of the file, or a negative errno. */
static ssize_t read_at(int fd, unsigned char *bytes, size_t size_bytes, off_t offset)
{
    size_t done_bytes = 0;
    while (done_bytes < size_bytes) {
        ssize_t n =
            pread(fd, bytes + done_bytes, size_bytes - done_bytes, offset + (off_t)done_bytes);
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n < 0) {
            return -errno;
        }
        if (n == 0) {
            break;
        }
        done_bytes += (size_t)n;
    }
    return (ssize_t)done_bytes;
}

static int write_at(int fd, const unsigned char *bytes, size_t size_bytes, off_t offset)
{
    while (size_bytes > 0) {
        ssize_t n = pwrite(fd, bytes, size_bytes, offset);
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n < 0) {
            return -errno;
        }
        if (n == 0) {
            return -EIO;
        }
        bytes += n;
        size_bytes -= (size_t)n;
        offset += n;
    }
    return 0;
}

static int read_header(int fd, unsigned char header[HEADER_BYTES], struct err *err)
{
    ssize_t n = read_at(fd, header, HEADER_BYTES, 0);
    if (n < 0) {
        return err_set_errno(err, (int)-n, "cannot read the database header");
    }
    if (n < HEADER_BYTES || memcmp(header, "SQLite format 3", 16) != 0) {
        return err_set(err, EINVAL, "not a SQLite database");
    }
    if (header[HEADER_PAGE_SIZE] != 0 || header[HEADER_PAGE_SIZE + 1] != 1) {
        return err_set(err, EINVAL, "database pages are not of %d bytes", DATABASE_PAGE_BYTES);
    }
    if (header[HEADER_RESERVED_BYTES] != 0 || load_be32(header + HEADER_AUTO_VACUUM) != 0 ||
        load_be32(header + HEADER_SCHEMA_FORMAT) < SCHEMA_FORMAT_MIN) {
        return err_set(err, EINVAL, "database has reserved bytes, auto_vacuum or an old format");
    }
    return 0;
}

int rowfile_open(int fd, struct rowfile *out_file, struct err *err)
{
    unsigned char header[HEADER_BYTES];
    int r = read_header(fd, header, err);
    if (r < 0) {
        return r;
    }

    uint32_t page_count = load_be32(header + HEADER_PAGE_COUNT);
    bool is_count_valid = memcmp(header + HEADER_CHANGE_COUNTER, header + HEADER_VALID_FOR, 4) == 0;
    if (page_count == 0 || !is_count_valid) {
        return err_set(err, EINVAL, "database was last written by an SQLite older than 3.7");
    }
    struct stat status;
    if (fstat(fd, &status) < 0) {
        return err_set_errno(err, errno, "cannot get the size of the database");
    }
    if (status.st_size / DATABASE_PAGE_BYTES < page_count) {
        return err_set(err, EINVAL, "database is shorter than its header says");
    }
    *out_file = (struct rowfile){.fd = fd, .page_count = page_count};
    return 0;
}

uint32_t rowfile_next_page(uint32_t page)
{
    return page + 1 == ROWFILE_LOCK_PAGE ? page + 2 : page + 1;
}

static off_t page_offset(uint32_t page)
{
    assert(page > 0);
    return (off_t)(page - 1) * DATABASE_PAGE_BYTES;
}

int rowfile_read_page(const struct rowfile *file, uint32_t page, unsigned char *out_bytes,
                      struct err *err)
{
    ssize_t n = read_at(file->fd, out_bytes, DATABASE_PAGE_BYTES, page_offset(page));
    if (n < 0) {
        return err_set_errno(err, (int)-n, "cannot read page %u of the database", page);
    }
    return n < DATABASE_PAGE_BYTES ? -ENODATA : 0;
}

int rowfile_write_page(const struct rowfile *file, uint32_t page, const unsigned char *bytes,
                       struct err *err)
{
    int r = write_at(file->fd, bytes, DATABASE_PAGE_BYTES, page_offset(page));
    if (r < 0) {
        return err_set_errno(err, -r, "cannot write page %u of the database", page);
    }
    return 0;
}

int rowfile_set_page_count(struct rowfile *file, uint32_t page_count, struct err *err)
{
    unsigned char header[HEADER_BYTES];
    int r = read_header(file->fd, header, err);
    if (r < 0) {
        return r;
    }

    uint32_t change_counter = load_be32(header + HEADER_CHANGE_COUNTER) + 1;
    store_be32(header + HEADER_CHANGE_COUNTER, change_counter);
    store_be32(header + HEADER_PAGE_COUNT, page_count);
    store_be32(header + HEADER_VALID_FOR, change_counter);
    r = write_at(file->fd, header, sizeof(header), 0);
    if (r < 0) {
        return err_set_errno(err, -r, "cannot write the database header");
    }
    file->page_count = page_count;
    return 0;
}

int rowfile_truncate(const struct rowfile *file, struct err *err)
{
    if (ftruncate(file->fd, (off_t)file->page_count * DATABASE_PAGE_BYTES) < 0) {
        return err_set_errno(err, errno, "cannot cut the database to %u pages", file->page_count);
    }
    return 0;
}
