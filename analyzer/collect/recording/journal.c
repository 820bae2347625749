#include "journal.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define JOURNAL_MAGIC     UINT64_C(0x314c4e524a415541) /* "AUAJRNL1" */
#define JOURNAL_MAP_BYTES (UINT64_C(16) << 30)         /* address space, not memory */

enum {
    JOURNAL_STEP_BYTES = 1 << 20,
    JOURNAL_VERSION = 1,
};

struct journal_head {
    uint64_t magic;
    uint32_t version;
    uint32_t is_full; /* records are missing from here on */
    struct clock clock;
};

static_assert(sizeof(struct journal_head) % 8 == 0, "records are aligned");
static_assert(sizeof(struct journal_lane) % 8 == 0, "records are aligned");
static_assert(sizeof(struct journal_event) % 8 == 0, "records are aligned");
static_assert(sizeof(struct journal_go_process) % 8 == 0, "records are aligned");
static_assert(sizeof(struct journal_go_reading) % 8 == 0, "records are aligned");
static_assert(sizeof(struct gc_event) % 8 == 0, "records are aligned");
static_assert(sizeof(struct scavenge) % 8 == 0, "records are aligned");
static_assert(sizeof(struct tally_change) % 8 == 0, "records are aligned");

static struct journal_head *journal_head(const struct journal *journal)
{
    return (struct journal_head *)journal->bytes;
}

/* Room for one more record and the zero that ends the journal. */
static bool journal_has_room(struct journal *journal, uint64_t bytes)
{
    uint64_t wanted = journal->used_bytes + bytes + sizeof(struct journal_record);
    if (wanted <= journal->allocated_bytes) {
        return true;
    }
    uint64_t grown = (wanted + JOURNAL_STEP_BYTES - 1) / JOURNAL_STEP_BYTES * JOURNAL_STEP_BYTES;
    int r = EFBIG;
    if (grown <= journal->map_bytes) {
        do {
            r = posix_fallocate(journal->fd, (off_t)journal->allocated_bytes,
                                (off_t)(grown - journal->allocated_bytes));
        } while (r == EINTR);
    }
    if (r == 0) {
        journal->allocated_bytes = grown;
    }
    return r == 0;
}

static int journal_map(struct journal *journal, int flags)
{
    void *bytes = mmap(NULL, journal->map_bytes, PROT_READ | PROT_WRITE, flags | MAP_NORESERVE,
                       journal->fd, 0);
    if (bytes == MAP_FAILED) {
        return -errno;
    }
    journal->bytes = bytes;
    return 0;
}

int journal_create(struct journal *journal, const char *directory, const struct clock *clock)
{
    char path[PATH_MAX];
    *journal = (struct journal){.fd = -1, .map_bytes = JOURNAL_MAP_BYTES};
    if (snprintf(path, sizeof(path), "%s/" JOURNAL_FILE, directory) >= (int)sizeof(path)) {
        return -ENAMETOOLONG;
    }
    journal->fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (journal->fd < 0) {
        return -errno;
    }
    journal->used_bytes = sizeof(struct journal_head);
    int r = journal_has_room(journal, 0) ? journal_map(journal, MAP_SHARED) : -ENOSPC;
    if (r < 0) {
        journal_fini(journal);
        unlink(path);
        return r;
    }
    *journal_head(journal) =
        (struct journal_head){.magic = JOURNAL_MAGIC, .version = JOURNAL_VERSION, .clock = *clock};
    return 0;
}

void journal_set_clock(struct journal *journal, const struct clock *clock)
{
    if (journal->bytes != NULL) {
        journal_head(journal)->clock = *clock;
    }
}

void *journal_add(struct journal *journal, enum journal_tag tag, const void *body,
                  size_t body_bytes, const void *tail, size_t tail_bytes)
{
    if (journal == NULL || journal->bytes == NULL || journal->is_full) {
        return NULL;
    }
    size_t bytes = sizeof(struct journal_record) + body_bytes + tail_bytes;
    if (!journal_has_room(journal, bytes)) {
        /* A journal with a gap would give later stacks other ids. */
        journal->is_full = true;
        journal_head(journal)->is_full = 1;
        return NULL;
    }
    struct journal_record *record = (struct journal_record *)(journal->bytes + journal->used_bytes);
    unsigned char *to = (unsigned char *)(record + 1);
    record->tag = tag;
    memcpy(to, body, body_bytes);
    if (tail_bytes != 0) {
        memcpy(to + body_bytes, tail, tail_bytes);
    }
    /* A kill loses no store, but the compiler might still swap these. */
    atomic_signal_fence(memory_order_seq_cst);
    *(volatile uint32_t *)&record->size_bytes = (uint32_t)bytes;
    atomic_signal_fence(memory_order_seq_cst);
    journal->used_bytes += bytes;
    return to;
}

int journal_open(struct journal *journal, const char *directory, struct clock *out_clock,
                 bool *out_is_whole, struct err *err)
{
    char path[PATH_MAX];
    struct stat status;
    *journal = (struct journal){.fd = -1};
    if (snprintf(path, sizeof(path), "%s/" JOURNAL_FILE, directory) >= (int)sizeof(path)) {
        return err_set_errno(err, ENAMETOOLONG, "cannot open the journal in '%s'", directory);
    }
    journal->fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (journal->fd < 0 || fstat(journal->fd, &status) != 0) {
        int r = err_set_errno(err, errno, "cannot open '%s'", path);
        journal_fini(journal);
        return r;
    }
    journal->map_bytes = (uint64_t)status.st_size;
    journal->allocated_bytes = journal->map_bytes;
    int r = journal->map_bytes >= sizeof(struct journal_head) ? journal_map(journal, MAP_PRIVATE)
                                                              : -EINVAL;
    if (r < 0 || journal_head(journal)->magic != JOURNAL_MAGIC ||
        journal_head(journal)->version != JOURNAL_VERSION) {
        journal_fini(journal);
        return err_set(err, EINVAL, "'%s' is no journal of this version", path);
    }
    *out_clock = journal_head(journal)->clock;
    *out_is_whole = journal_head(journal)->is_full == 0;
    return 0;
}

const struct journal_record *journal_next(const struct journal *journal, uint64_t *cursor)
{
    uint64_t at = *cursor == 0 ? sizeof(struct journal_head) : *cursor;
    uint64_t end = journal->allocated_bytes;
    if (journal->bytes == NULL || end < sizeof(struct journal_record) ||
        at > end - sizeof(struct journal_record)) {
        return NULL;
    }
    const struct journal_record *record = (const struct journal_record *)(journal->bytes + at);
    if (record->size_bytes < sizeof(*record) || record->size_bytes % 8 != 0 ||
        record->size_bytes > end - at) {
        return NULL;
    }
    *cursor = at + record->size_bytes;
    return record;
}

const void *journal_body(const struct journal_record *record, size_t body_bytes)
{
    return record->size_bytes >= sizeof(*record) + body_bytes ? record + 1 : NULL;
}

void journal_fini(struct journal *journal)
{
    if (journal->bytes != NULL) {
        munmap(journal->bytes, journal->map_bytes);
    }
    if (journal->fd > 0) {
        close(journal->fd);
    }
    *journal = (struct journal){.fd = -1};
}
