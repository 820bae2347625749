/*
 * Two looks at the file: first at its 100-byte header, which tells a wrong file, another version
 * and a short file apart without SQLite's help, then SQLite's own.
 */
#include "open.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <sqlite3.h>

#include "../../schema/database.h"
#include "../base/str.h"
#include "../base/writer_lock.h"

struct db {
    sqlite3 *handle;
    char *path;
};

enum {
    /* Offsets in the header of a database file, https://www.sqlite.org/fileformat2.html */
    HEADER_BYTES = 100,
    HEADER_PAGE_SIZE = 16,
    HEADER_READ_VERSION = 19,
    HEADER_CHANGE_COUNTER = 24,
    HEADER_PAGE_COUNT = 28,
    HEADER_USER_VERSION = 60,
    HEADER_APPLICATION_ID = 68,
    HEADER_VALID_FOR = 92,

    READ_VERSION_WAL = 2,
};

static uint32_t read_be32(const unsigned char *bytes)
{
    return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 | bytes[3];
}

/* Opens and reads as much of the header as there is. Returns how many bytes, or a negative errno.
 */
static int header_read(const char *path, unsigned char header[HEADER_BYTES], uint64_t *out_bytes,
                       struct err *err)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    if (fd < 0 && errno == ENOENT) {
        return err_set(err, ENOENT,
                       "cannot open '%s': no such file or directory; record one with 'allocaudit "
                       "run COMMAND'",
                       path);
    }
    if (fd < 0) {
        return err_set_errno(err, errno, "cannot open '%s'", path);
    }
    struct stat status;
    ssize_t got = -1;
    int result = fstat(fd, &status);
    if (result == 0 && !S_ISREG(status.st_mode)) {
        result = err_set(err, EINVAL, "cannot read '%s': it is %s, not a file", path,
                         S_ISDIR(status.st_mode) ? "a directory" : "a device or a pipe");
        goto out;
    }
    if (result == 0) {
        got = pread(fd, header, HEADER_BYTES, 0);
    }
    if (got < 0) {
        result = err_set_errno(err, errno, "cannot read '%s'", path);
        goto out;
    }
    *out_bytes = (uint64_t)status.st_size;
    result = (int)got;
out:
    (void)close(fd);
    return result;
}

static int check_identity(const char *path, const unsigned char *header, int header_bytes,
                          struct err *err)
{
    static const char magic[] = "SQLite format 3"; /* its NUL counts */

    if (header_bytes == 0) {
        return err_set(err, EINVAL, "cannot read '%s': the file is empty", path);
    }
    int magic_bytes = header_bytes < (int)sizeof(magic) ? header_bytes : (int)sizeof(magic);
    if (memcmp(header, magic, (size_t)magic_bytes) != 0) {
        return err_set(err, EINVAL, "cannot read '%s': not a database", path);
    }
    if (header_bytes < HEADER_BYTES) {
        return err_set(err, EBADMSG, "cannot read '%s': truncated: only %d bytes are left", path,
                       header_bytes);
    }
    if (read_be32(header + HEADER_APPLICATION_ID) != (uint32_t)DATABASE_APPLICATION_ID) {
        return err_set(err, EINVAL,
                       "cannot read '%s': a database, but not a recording of allocaudit", path);
    }
    uint32_t version = read_be32(header + HEADER_USER_VERSION);
    if (version != (uint32_t)DATABASE_VERSION) {
        return err_set(err, ENOTUNIQ,
                       "cannot read '%s': it is version %" PRIu32
                       "; this allocaudit reads version %d",
                       path, version, DATABASE_VERSION);
    }
    return 0;
}

/* A writer that bulk-loads appends behind the pages that the header counts, so longer is no damage.
 */
static int check_length(const char *path, const unsigned char *header, uint64_t file_bytes,
                        struct err *err)
{
    uint32_t page_bytes = (uint32_t)header[HEADER_PAGE_SIZE] << 8 | header[HEADER_PAGE_SIZE + 1];
    page_bytes = page_bytes == 1 ? 65536 : page_bytes;
    bool is_counted =
        read_be32(header + HEADER_CHANGE_COUNTER) == read_be32(header + HEADER_VALID_FOR);
    uint64_t counted_bytes = (uint64_t)read_be32(header + HEADER_PAGE_COUNT) * page_bytes;
    if (is_counted && file_bytes < counted_bytes) {
        return err_set(err, EBADMSG,
                       "cannot read '%s': truncated: %" PRIu64 " of %" PRIu64 " bytes are left",
                       path, file_bytes, counted_bytes);
    }
    return 0;
}

static bool has_content(const char *path, const char *suffix)
{
    struct str beside = {0};
    struct stat status;
    bool result = str_printf(&beside, "%s%s", path, suffix) == 0 &&
                  stat(beside.text, &status) == 0 && status.st_size > 0;
    str_fini(&beside);
    return result;
}

/* `path` as a URI: a '?', '#' or '%' in a file name must not be read as syntax. */
static int append_uri(struct str *uri, const char *path, const char *query)
{
    /* "file://x" would name a host, and "file:x" is a relative path for SQLite. */
    int result = str_append(uri, path[0] == '/' ? "file://" : "file:");
    for (const char *from = path; *from != '\0' && result == 0; from++) {
        bool is_syntax = strchr("?#%", *from) != NULL;
        result =
            is_syntax ? str_printf(uri, "%%%02X", (unsigned)*from) : str_append_char(uri, *from);
    }
    return result == 0 ? str_append(uri, query) : result;
}

static int fail_busy(const char *path, struct err *err)
{
    return err_set(err, EBUSY,
                   "cannot read '%s': it is being written; wait until 'allocaudit run' has ended",
                   path);
}

int db_fail(const struct db *db, int code, struct err *err)
{
    switch (code & 0xff) {
    case SQLITE_NOMEM:
        return err_set(err, ENOMEM, "cannot read '%s': out of memory", db->path);
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        return fail_busy(db->path, err);
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
    case SQLITE_FORMAT:
        return err_set(err, EBADMSG,
                       "cannot read '%s': damaged; 'allocaudit recover %s' saves what can be saved",
                       db->path, db->path);
    case SQLITE_ERROR: /* a table or column is missing: the version promised it */
        return err_set(err, EBADMSG, "cannot read '%s': damaged: %s", db->path,
                       sqlite3_errmsg(db->handle));
    case SQLITE_READONLY:
        return err_set(err, EBADMSG,
                       "cannot read '%s': a write to it was cut short; repair it with 'allocaudit "
                       "recover %s'",
                       db->path, db->path);
    case SQLITE_PERM:
    case SQLITE_AUTH:
    case SQLITE_CANTOPEN:
        return err_set(err, EACCES, "cannot open '%s': %s", db->path, sqlite3_errmsg(db->handle));
    default:
        return err_set(err, EIO, "cannot read '%s': %s", db->path,
                       db->handle != NULL ? sqlite3_errmsg(db->handle) : sqlite3_errstr(code));
    }
}

/*
 * Reads the schema, which is the first time that SQLite touches the file. Returns its result code.
 */
static int touch(struct db *db, const char *query)
{
    (void)sqlite3_close(db->handle);
    db->handle = NULL;
    struct str uri = {0};
    int code = SQLITE_NOMEM;
    if (append_uri(&uri, db->path, query) == 0) {
        code = sqlite3_open_v2(uri.text, &db->handle,
                               SQLITE_OPEN_READONLY | SQLITE_OPEN_URI | SQLITE_OPEN_NOMUTEX, NULL);
    }
    str_fini(&uri);
    if (code == SQLITE_OK) {
        code = sqlite3_exec(db->handle, "SELECT count(*) FROM sqlite_schema", NULL, NULL, NULL);
    }
    return code;
}

/*
 * mode=ro would make -wal and -shm files beside a database in WAL mode, or fail in a folder that
 * cannot be written; immutable=1 does neither, but looks past a journal, so it is for files without
 * one.
 */
static int connect_reader(struct db *db, bool is_wal, struct err *err)
{
    bool has_journal = has_content(db->path, "-journal") || has_content(db->path, "-wal");
    int code = SQLITE_CANTOPEN;
    if (!is_wal || has_journal) {
        code = touch(db, "?mode=ro");
    }
    int primary = code & 0xff;
    bool is_refused = primary == SQLITE_CANTOPEN || primary == SQLITE_READONLY ||
                      primary == SQLITE_IOERR || primary == SQLITE_PROTOCOL;
    if (is_refused && !has_journal) {
        code = touch(db, "?immutable=1");
    }
    return code == SQLITE_OK ? 0 : db_fail(db, code, err);
}

static int open_checked(const char *path, struct db **out_db, struct err *err)
{
    unsigned char header[HEADER_BYTES] = {0};
    uint64_t file_bytes = 0;
    int header_bytes = header_read(path, header, &file_bytes, err);
    if (header_bytes < 0) {
        return header_bytes;
    }
    int result = check_identity(path, header, header_bytes, err);
    if (result < 0) {
        return result;
    }
    result = check_length(path, header, file_bytes, err);
    if (result < 0) {
        return result;
    }

    struct db *db = calloc(1, sizeof(*db));
    if (db == NULL) {
        return err_set(err, ENOMEM, "cannot open '%s': out of memory", path);
    }
    db->path = strdup(path);
    if (db->path == NULL) {
        free(db);
        return err_set(err, ENOMEM, "cannot open '%s': out of memory", path);
    }
    result = connect_reader(db, header[HEADER_READ_VERSION] == READ_VERSION_WAL, err);
    if (result < 0) {
        db_close(db);
        return result;
    }
    *out_db = db;
    return 0;
}

int db_open(const char *path, struct db **out_db, struct err *err)
{
    int result = open_checked(path, out_db, err);
    return result == -EBADMSG && writer_lock_is_held(path) ? fail_busy(path, err) : result;
}

void db_close(struct db *db)
{
    if (db == NULL) {
        return;
    }
    (void)sqlite3_close(db->handle);
    free(db->path);
    free(db);
}

const char *db_path(const struct db *db)
{
    return db->path;
}

struct sqlite3 *db_handle(struct db *db)
{
    return db->handle;
}
