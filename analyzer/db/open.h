/*
 * open.h - opens a recording for reading and says clearly why it cannot.
 *
 * The file is never written and no journal is left beside it, so a recording on read-only media can
 * be read. SQLite's result codes are translated here and in query.c, nowhere else. Single thread.
 */
#ifndef ALLOCAUDIT_OPEN_H
#define ALLOCAUDIT_OPEN_H

#include "../base/err.h"

struct db;      /* opaque */
struct sqlite3; /* SQLite's own handle */

/*
 * Opens `path` and checks that it is a recording of a version that this program reads.
 * Returns 0 and *out_db is the caller's; or, with a line in err that needs no more context,
 * -ENOENT (no such file), -ENOTUNIQ (another version), -EINVAL (no database, or not a recording),
 * -EBUSY (still being written), -EBADMSG (damaged), -EACCES, -EIO or -ENOMEM.
 */
int db_open(const char *path, struct db **out_db, struct err *err);

/* NULL is fine. */
void db_close(struct db *db);

/* As given to db_open(). */
const char *db_path(const struct db *db);

/* For `allocaudit sql`, which runs what its user types; everybody else asks query.h. */
struct sqlite3 *db_handle(struct db *db);

/* Turns the last failure of SQLite into a negative errno and a line in err. `code` is its result
 * code. */
int db_fail(const struct db *db, int code, struct err *err);

#endif
