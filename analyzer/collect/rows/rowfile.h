/*
 * rowfile.h - the pages and the header of a SQLite file that SQLite itself has closed.
 *
 * A page lies behind the known end while its number is above page_count: SQLite does not see it
 * until rowfile_set_page_count(). Single thread; the descriptor is the caller's.
 */
#ifndef ALLOCAUDIT_ROWFILE_H
#define ALLOCAUDIT_ROWFILE_H

#include <stdint.h>

#include "../../../schema/database.h"
#include "../../base/err.h"

/* SQLite never uses the page that its locks lie in. */
enum {
    ROWFILE_LOCK_PAGE = 0x40000000 / DATABASE_PAGE_BYTES + 1
};

struct rowfile {
    int fd;
    uint32_t page_count; /* that SQLite knows of */
};

/*
 * Reads and checks the header. Returns 0; -EINVAL where the file is not such a database or has
 * settings that its pages would have to follow (reserved bytes, auto_vacuum, an old schema format);
 * or the negative errno of a failed read.
 */
int rowfile_open(int fd, struct rowfile *out_file, struct err *err);

/* The number of the page that may be used after `page`. */
uint32_t rowfile_next_page(uint32_t page);

/* Reads a whole page. Returns -ENODATA, and no text, where the file ends before the page does. */
int rowfile_read_page(const struct rowfile *file, uint32_t page, unsigned char *out_bytes,
                      struct err *err);

/* After a failure it may be called again. */
int rowfile_write_page(const struct rowfile *file, uint32_t page, const unsigned char *bytes,
                       struct err *err);

/* Makes SQLite see page_count pages and notice that the file changed. */
int rowfile_set_page_count(struct rowfile *file, uint32_t page_count, struct err *err);

/* Cuts off what lies behind the known end. */
int rowfile_truncate(const struct rowfile *file, struct err *err);

#endif
