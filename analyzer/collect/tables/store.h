/*
 * store.h - the only writer of databases: creates one, and fills its small tables at the end.
 *
 * SQLite has the file open only inside these calls; between them rowpack.h appends to it. From
 * store_create() to store_close() it is locked against other writers (writer_lock.h).
 */
#ifndef ALLOCAUDIT_STORE_H
#define ALLOCAUDIT_STORE_H

#include <stdbool.h>
#include <stdint.h>

#include "../../base/err.h"
#include "../recording/recording.h"
#include "../rows/sqlwriter.h"

/* What is known of the run before and after it. Strings are the caller's. */
struct run_facts {
    const char *command; /* quoted for a shell */
    const char *ring_path;
    const char *detail; /* NULL: full */
    const char *unwind;
    uint64_t sample_bytes; /* 0: everything is recorded */
    uint32_t depth_limit;
    bool is_mmap_recorded;
    uint64_t started_unix_ns;
    uint64_t duration_ns;
    int exit_status; /* -1: ended by exit_signal */
    int exit_signal;
    uint64_t lost_event_count; /* beyond those that subjects know of */
    bool is_cut;               /* recording stopped before the program did */
};

/* A database while it is being written. */
struct store {
    const char *path; /* the caller's */
    int fd;           /* -1: none */
    uint32_t root_page;
};

/* True if the file begins like a recording of this tool, of whatever version. */
bool store_is_recording(const char *path);

/*
 * Creates the database at `path` (which must not exist), in state 'recording', mode 0600. Its
 * root_page is that of `block`. Returns 0 and *out_store is to be closed; or a negative errno, and
 * there is none.
 */
int store_create(const char *path, const struct run_facts *facts, struct store *out_store,
                 struct err *err);

/* Progress of store_finish(); may be called many times. */
typedef void store_progress(void *context, uint64_t done, uint64_t total);

struct store_finish_options {
    const volatile bool *is_cancelled; /* true: names are left unresolved */
    store_progress *progress;          /* may be NULL */
    void *progress_context;
};

/*
 * Resolves names, writes all tables but `block`, and sets the state to complete (or cut), in one
 * transaction. Returns 0 or a negative errno; the database is then as it was before. -ESTALE: the
 * file of that path is another one by now.
 */
int store_finish(const struct store *store, const struct run_facts *facts,
                 const struct recording *recording, const struct store_finish_options *options,
                 struct err *err);

/* Ends the lock, too. A store that was never created, with the fd -1, is fine. */
void store_close(struct store *store);

/* The same within a transaction that the caller has opened and ends. */
void store_write(struct sqlwriter *writer, const struct run_facts *facts,
                 const struct recording *recording, const struct store_finish_options *options);

#endif
