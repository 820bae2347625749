#include "live.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

enum {
    SLOTS_FIRST = 256,
    SLOTS_DOUBLED = 1 << 16, /* a pool larger than this grows by a quarter */
    HUGE_PAGE_BYTES = 2 << 20,
};

static bool live_is_kept(const struct live *live)
{
    return live->directory != NULL && !live->is_too_large;
}

static void live_path(const struct live *live, char path[PATH_MAX])
{
    snprintf(path, PATH_MAX, "%s/live-%u", live->directory, live->file_id);
}

/* Room that is left to others: what lies in memory must not crowd out the program. */
static bool live_has_room(int fd, size_t bytes)
{
    struct statvfs status;
    return fstatvfs(fd, &status) == 0 &&
           (uint64_t)status.f_bavail * status.f_frsize >= 2 * (uint64_t)bytes;
}

/* Large arrays get large pages where the system gives them on request: far fewer TLB misses. */
static void *live_map(size_t bytes)
{
    void *memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) {
        return NULL;
    }
    if (bytes >= HUGE_PAGE_BYTES) {
        madvise(memory, bytes, MADV_HUGEPAGE);
    }
    return memory;
}

/* Makes the file, or makes it longer, and maps all of it. False: there is no room. */
static bool live_grow_file(struct live *live, size_t slot_count)
{
    char path[PATH_MAX];
    live_path(live, path);
    size_t old_bytes = live->slot_count * sizeof(struct block);
    size_t bytes = slot_count * sizeof(struct block);
    int flags = live->slot_count == 0 ? O_CREAT | O_TRUNC : 0;
    int fd = open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW | flags, 0600);
    if (fd < 0) {
        return false;
    }
    void *slots = MAP_FAILED;
    if (live_has_room(fd, bytes - old_bytes) && posix_fallocate(fd, 0, (off_t)bytes) == 0) {
        slots = live->slot_count == 0 ? mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0)
                                      : mremap(live->slots, old_bytes, bytes, MREMAP_MAYMOVE);
    }
    close(fd);
    if (slots == MAP_FAILED) {
        return false;
    }
#ifdef MADV_POPULATE_WRITE
    madvise((char *)slots + old_bytes, bytes - old_bytes, MADV_POPULATE_WRITE);
#endif
    live->slots = slots;
    return true;
}

/* An empty file says to who looks for the blocks that there were some. */
static void live_empty_file(const struct live *live)
{
    char path[PATH_MAX];
    live_path(live, path);
    unlink(path); /* never cut short: its slots are mapped and still in use */
    int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd >= 0) {
        close(fd);
    }
}

static bool live_grow_memory(struct live *live, size_t slot_count)
{
    size_t old_bytes = live->slot_count * sizeof(struct block);
    size_t bytes = slot_count * sizeof(struct block);
    struct block *slots;
    if (live->slot_count != 0 && !live_is_kept(live)) {
        slots = mremap(live->slots, old_bytes, bytes, MREMAP_MAYMOVE);
        slots = slots == MAP_FAILED ? NULL : slots;
    } else {
        slots = live_map(bytes);
        if (slots != NULL && live->slot_count != 0) {
            memcpy(slots, live->slots, old_bytes);
            munmap(live->slots, old_bytes);
        }
    }
    if (slots != NULL) {
        live->slots = slots;
    }
    return slots != NULL;
}

static int live_grow_index(struct live *live, size_t slot_count)
{
    size_t index_count = live->index_count == 0 ? 1 : live->index_count;
    while (index_count < slot_count + slot_count / 2) {
        index_count *= 2;
    }
    if (index_count == live->index_count) {
        return 0;
    }
    struct live grown = *live;
    grown.index_count = index_count;
    grown.index = live_map(index_count * sizeof(*grown.index));
    if (grown.index == NULL) {
        return -ENOMEM;
    }
    for (size_t i = 0; i < live->index_count; i++) {
        if (live->index[i] != 0) {
            size_t at = live->index[i] >> 32 & (index_count - 1);
            while (grown.index[at] != 0) {
                at = (at + 1) & (index_count - 1);
            }
            grown.index[at] = live->index[i];
        }
    }
    if (live->index != NULL) {
        munmap(live->index, live->index_count * sizeof(*live->index));
    }
    *live = grown;
    return 0;
}

int live_grow(struct live *live)
{
    size_t slot_count = live->slot_count < SLOTS_DOUBLED ? live->slot_count * 2
                                                         : live->slot_count + live->slot_count / 4;
    slot_count = slot_count < SLOTS_FIRST ? SLOTS_FIRST : slot_count;
    if (slot_count >= LIVE_NO_SLOT || live_grow_index(live, slot_count) < 0) {
        return -ENOMEM;
    }
    if (!live_is_kept(live) || !live_grow_file(live, slot_count)) {
        if (!live_grow_memory(live, slot_count)) {
            return -ENOMEM;
        }
        if (live_is_kept(live)) {
            live_empty_file(live);
            live->is_too_large = true;
        }
    }
    live->slot_count = slot_count;
    return 0;
}

int live_insert(struct live *live, const struct block *block)
{
    struct block *slot = live_reserve(live);
    if (slot == NULL) {
        return -ENOMEM;
    }
    uint32_t next = slot->next;
    *slot = *block;
    slot->address = 0;
    slot->next = next;
    live_link(live, live_entry(live, block->address), slot, block->address);
    return 0;
}

int live_load(struct live *live, const char *directory, uint32_t file_id)
{
    char path[PATH_MAX];
    struct stat status;
    live_path(&(struct live){.directory = directory, .file_id = file_id}, path);
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0 || fstat(fd, &status) != 0) {
        int code = errno;
        if (fd >= 0) {
            close(fd);
        }
        return code == ENOENT ? 0 : -code;
    }
    size_t bytes = (size_t)status.st_size;
    size_t slot_count = bytes / sizeof(struct block);
    if (slot_count < SLOTS_FIRST || bytes % sizeof(struct block) != 0) {
        close(fd);
        return -EINVAL;
    }
    const struct block *slots = mmap(NULL, bytes, PROT_READ, MAP_PRIVATE, fd, 0);
    int r = slots == MAP_FAILED ? -errno : 0;
    close(fd);
    for (size_t i = 0; r == 0 && i < slot_count; i++) {
        if (slots[i].address != 0) {
            r = live_insert(live, &slots[i]);
        }
    }
    if (slots != MAP_FAILED) {
        munmap((void *)slots, bytes);
    }
    return r;
}

int live_detach(struct live *live)
{
    size_t bytes = live->slot_count * sizeof(struct block);
    if (live->slots != NULL && live_is_kept(live)) {
        struct block *slots = live_map(bytes);
        if (slots == NULL) {
            return -ENOMEM;
        }
        memcpy(slots, live->slots, bytes);
        munmap(live->slots, bytes);
        live->slots = slots;
    }
    live->directory = NULL;
    return 0;
}

const struct block *live_next(const struct live *live, size_t *cursor)
{
    while (*cursor < live->used_count) {
        const struct block *block = &live->slots[(*cursor)++];
        if (block->address != 0) {
            return block;
        }
    }
    return NULL;
}

void live_fini(struct live *live)
{
    if (live->slots != NULL) {
        munmap(live->slots, live->slot_count * sizeof(struct block));
        munmap(live->index, live->index_count * sizeof(*live->index));
        if (live->directory != NULL) {
            char path[PATH_MAX];
            live_path(live, path);
            unlink(path);
        }
    }
    *live = (struct live){0};
}
