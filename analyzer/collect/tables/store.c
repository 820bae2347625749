#include "store.h"

#include <errno.h>
#include <fcntl.h>
#include <gnu/libc-version.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "../../../interposer/policy/settings.h"
#include "../../../schema/database.h"
#include "../../../schema/plan_table.h"
#include "../../base/sqlite_head.h"
#include "../../base/writer_lock.h"
#include "../rows/sqlwriter.h"
#include "names.h"
#include "tables.h"

/* Variables that change what an allocator does. Others may hold secrets and are not stored. */
static const char *const store_environment[] = {
    "MALLOC_",    "GLIBC_TUNABLES", "JEMALLOC_",       "MIMALLOC_",    "TCMALLOC_",
    "LD_PRELOAD", POLICY_ENV,       "LD_LIBRARY",      "PYTHONMALLOC", "GOGC",
    "GOMEMLIMIT", "GODEBUG",        "OMP_NUM_THREADS", PLAN_ENV,
};

static void store_write_environment(struct sqlwriter *writer)
{
    sqlwriter_table(writer, "environment", 2);
    for (char **entry = environ; *entry != NULL; entry++) {
        const char *equals = strchr(*entry, '=');
        for (size_t i = 0;
             equals != NULL && i < sizeof(store_environment) / sizeof(store_environment[0]); i++) {
            if (strncmp(*entry, store_environment[i], strlen(store_environment[i])) == 0) {
                char *name = strndup(*entry, (size_t)(equals - *entry));
                if (name != NULL && getenv(name) == equals + 1) { /* the first of its name counts */
                    sqlwriter_text(writer, name);
                    sqlwriter_text(writer, equals + 1);
                    sqlwriter_row(writer);
                }
                free(name);
                break;
            }
        }
    }
}

static void store_write_kinds(struct sqlwriter *writer)
{
    sqlwriter_table(writer, "alloc_kind", 2);
    for (unsigned kind = 0; kind < ALLOC_KIND_COUNT; kind++) {
        sqlwriter_integer(writer, kind);
        sqlwriter_text(writer, event_alloc_kind_name(kind));
        sqlwriter_row(writer);
    }
    sqlwriter_table(writer, "free_kind", 2);
    for (unsigned kind = 0; kind < FREE_KIND_COUNT; kind++) {
        sqlwriter_integer(writer, kind);
        sqlwriter_text(writer, event_free_kind_name(kind));
        sqlwriter_row(writer);
    }
}

static void store_bind_text(struct sqlwriter *writer, const char *name, const char *text)
{
    int index = sqlite3_bind_parameter_index(writer->insert, name);
    sqlite3_bind_text(writer->insert, index, text, -1, SQLITE_TRANSIENT);
}

static void store_bind_integer(struct sqlwriter *writer, const char *name, uint64_t value)
{
    int index = sqlite3_bind_parameter_index(writer->insert, name);
    sqlite3_bind_int64(writer->insert, index, (sqlite3_int64)value);
}

static void store_write_run(struct sqlwriter *writer, const struct run_facts *facts)
{
    struct utsname system;
    char directory[PATH_MAX];
    char libc[64];
    uname(&system);
    snprintf(libc, sizeof(libc), "glibc %s", gnu_get_libc_version());
    if (writer->status != 0) {
        return;
    }
    sqlite3_finalize(writer->insert);
    writer->insert = NULL;
    int code = sqlite3_prepare_v2(
        writer->handle,
        "INSERT INTO run (id, tool_version, state, command, working_directory, host, kernel,"
        " cpu_count, libc, detail, unwind, depth_limit, is_mmap_recorded, started_unix_ns,"
        " ring_path, sample_bytes) VALUES (1, :tool_version, 'recording', :command, "
        ":working_directory, :host,"
        " :kernel, :cpu_count, :libc, :detail, :unwind, :depth_limit, :is_mmap_recorded,"
        " :started_unix_ns, :ring_path, nullif(:sample_bytes, 0))",
        -1, &writer->insert, NULL);
    if (code == SQLITE_OK) {
        store_bind_text(writer, ":tool_version", ALLOCAUDIT_VERSION);
        store_bind_text(writer, ":command", facts->command);
        store_bind_text(writer, ":working_directory",
                        getcwd(directory, sizeof(directory)) != NULL ? directory : "");
        store_bind_text(writer, ":host", system.nodename);
        store_bind_text(writer, ":kernel", system.release);
        store_bind_integer(writer, ":cpu_count", (uint64_t)sysconf(_SC_NPROCESSORS_ONLN));
        store_bind_text(writer, ":libc", libc);
        store_bind_text(writer, ":detail", facts->detail != NULL ? facts->detail : "full");
        store_bind_text(writer, ":unwind", facts->unwind);
        store_bind_integer(writer, ":depth_limit", facts->depth_limit);
        store_bind_integer(writer, ":is_mmap_recorded", facts->is_mmap_recorded);
        store_bind_integer(writer, ":sample_bytes", facts->sample_bytes);
        store_bind_integer(writer, ":started_unix_ns", facts->started_unix_ns);
        store_bind_text(writer, ":ring_path", facts->ring_path);
    }
    sqlwriter_row(writer);
}

static void store_find_root(struct sqlwriter *writer, uint32_t *out_root)
{
    sqlite3_stmt *query = NULL;
    if (writer->status == 0 &&
        sqlite3_prepare_v2(writer->handle,
                           "SELECT rootpage FROM sqlite_schema WHERE name = 'block'", -1, &query,
                           NULL) == SQLITE_OK &&
        sqlite3_step(query) == SQLITE_ROW) {
        *out_root = (uint32_t)sqlite3_column_int64(query, 0);
    }
    sqlite3_finalize(query);
}

bool store_is_recording(const char *path)
{
    uint32_t application_id = 0;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    bool is_recording = fd >= 0 && sqlite_head_read(fd, &application_id) &&
                        application_id == DATABASE_APPLICATION_ID;
    if (fd >= 0) {
        close(fd);
    }
    return is_recording;
}

/* Locked before it is a recording: nobody else has a reason to lock it until then. */
int store_create(const char *path, const struct run_facts *facts, struct store *out_store,
                 struct err *err)
{
    int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    *out_store = (struct store){.path = path, .fd = fd};
    if (fd < 0) {
        return err_set_errno(err, errno, "cannot create '%s'", path);
    }
    if (!writer_lock_take(fd)) {
        store_close(out_store);
        return err_set(err, EBUSY, "'%s' is being written by another process", path);
    }
    struct sqlwriter writer;
    if (sqlwriter_open(&writer, path, err) == 0) {
        char identity[256];
        snprintf(identity, sizeof(identity),
                 "PRAGMA page_size = %d; PRAGMA synchronous = OFF; BEGIN;"
                 "PRAGMA application_id = %d; PRAGMA user_version = %d",
                 DATABASE_PAGE_BYTES, DATABASE_APPLICATION_ID, DATABASE_VERSION);
        sqlwriter_execute(&writer, identity);
        sqlwriter_execute(&writer, database_schema_sql);
        sqlwriter_execute(&writer, database_views_sql);
        store_write_kinds(&writer);
        if (facts->detail == NULL || strcmp(facts->detail, "import") != 0) {
            store_write_environment(&writer);
        }
        store_write_run(&writer, facts);
    }
    int r = sqlwriter_close(&writer);
    if (r == 0) {
        r = sqlwriter_open(&writer, path, err);
        store_find_root(&writer, &out_store->root_page);
        sqlwriter_close(&writer);
    }
    if (r < 0) {
        store_close(out_store);
        unlink(path);
    }
    return r;
}

void store_close(struct store *store)
{
    if (store->fd >= 0) {
        close(store->fd);
    }
    store->fd = -1;
}

/* SQLite opens the file by its path: the tables of one recording must not get into another. */
static int store_check_path(const struct store *store, struct err *err)
{
    struct stat own;
    struct stat there;
    if (fstat(store->fd, &own) != 0 || stat(store->path, &there) != 0) {
        return err_set_errno(err, errno, "cannot write '%s'", store->path);
    }
    if (own.st_dev != there.st_dev || own.st_ino != there.st_ino) {
        return err_set(err, ESTALE, "'%s' was replaced by another file meanwhile", store->path);
    }
    return 0;
}

void store_write(struct sqlwriter *writer, const struct run_facts *facts,
                 const struct recording *recording, const struct store_finish_options *options)
{
    names_write(writer, recording, options);
    tables_write(writer, facts, recording);
}

int store_finish(const struct store *store, const struct run_facts *facts,
                 const struct recording *recording, const struct store_finish_options *options,
                 struct err *err)
{
    struct sqlwriter writer;
    int r = store_check_path(store, err);
    if (r < 0) {
        return r;
    }
    if (sqlwriter_open(&writer, store->path, err) == 0) {
        /* Rows of half a gigabyte were not synced either; a crash of the machine may lose the run.
         */
        sqlwriter_execute(&writer, "PRAGMA synchronous = OFF; PRAGMA cache_size = -65536; BEGIN");
        store_write(&writer, facts, recording, options);
    }
    return sqlwriter_close(&writer);
}
