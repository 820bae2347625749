#include "resident.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    ENTRIES_AT_ONCE = 2048,
    SKIPPED_MOST = 15,
    BYTES_PER_READING = 8 << 20, /* that may be looked through each time */
};

#define PAGE_IS_PRESENT (UINT64_C(1) << 63) /* Documentation/admin-guide/mm/pagemap.rst */

/* Where the process has mapped the start of the file; 0: nowhere. */
static uint64_t find_mapping(uint32_t pid, ino_t file)
{
    char line[4096 + 128];
    uint64_t found = 0;
    (void)snprintf(line, sizeof(line), "/proc/%" PRIu32 "/maps", pid);
    FILE *maps = fopen(line, "re");
    while (maps != NULL && found == 0 && fgets(line, sizeof(line), maps) != NULL) {
        uint64_t start;
        uint64_t offset;
        uint64_t inode;
        char mode[5];
        bool is_whole = sscanf(line, "%" SCNx64 "-%*x %4s %" SCNx64 " %*x:%*x %" SCNu64, &start,
                               mode, &offset, &inode) == 4;
        if (is_whole && strcmp(mode, "rw-s") == 0 && offset == 0 && inode == file) {
            found = start;
        }
    }
    if (maps != NULL) {
        (void)fclose(maps);
    }
    return found;
}

void resident_open(struct resident *resident, uint32_t pid, int ring_fd)
{
    char path[64];
    struct stat ring;
    *resident = (struct resident){
        .statm_fd = -1,
        .page_map_fd = -1,
        .page_bytes = (uint64_t)sysconf(_SC_PAGESIZE),
    };
    (void)snprintf(path, sizeof(path), "/proc/%" PRIu32 "/statm", pid);
    resident->statm_fd = open(path, O_RDONLY | O_CLOEXEC);
    resident->ring_start = fstat(ring_fd, &ring) == 0 ? find_mapping(pid, ring.st_ino) : 0;
    if (resident->ring_start != 0) {
        (void)snprintf(path, sizeof(path), "/proc/%" PRIu32 "/pagemap", pid);
        resident->page_map_fd = open(path, O_RDONLY | O_CLOEXEC);
    }
}

static uint64_t count_ring_pages(const struct resident *resident, uint64_t ring_bytes)
{
    uint64_t entries[ENTRIES_AT_ONCE];
    uint64_t first = resident->ring_start / resident->page_bytes;
    uint64_t left = (ring_bytes + resident->page_bytes - 1) / resident->page_bytes;
    uint64_t present = 0;
    while (left > 0) {
        size_t wanted = left < ENTRIES_AT_ONCE ? left : ENTRIES_AT_ONCE;
        ssize_t bytes = pread(resident->page_map_fd, entries, wanted * sizeof(entries[0]),
                              (off_t)(first * sizeof(entries[0])));
        if (bytes <= 0) {
            return present;
        }
        size_t count = (size_t)bytes / sizeof(entries[0]);
        for (size_t i = 0; i < count; i++) {
            present += (entries[i] & PAGE_IS_PRESENT) != 0;
        }
        first += count;
        left -= count;
    }
    return present;
}

static void recount_ring(struct resident *resident, uint64_t ring_bytes)
{
    if (resident->skip_count > 0) {
        resident->skip_count--;
        return;
    }
    uint64_t before = resident->ring_pages;
    uint64_t turns = ring_bytes / (BYTES_PER_READING + 1);
    resident->ring_pages = count_ring_pages(resident, ring_bytes);
    resident->skip_count = SKIPPED_MOST;
    if (resident->ring_pages != before && turns < SKIPPED_MOST) {
        resident->skip_count = (unsigned)turns;
    }
}

uint64_t resident_read(struct resident *resident, uint64_t ring_bytes)
{
    char text[128];
    ssize_t count = pread(resident->statm_fd, text, sizeof(text) - 1, 0);
    if (count <= 0) {
        return 0;
    }
    text[count] = '\0';
    char *second = strchr(text, ' ');
    uint64_t pages = second != NULL ? strtoull(second, NULL, 10) : 0;
    if (resident->page_map_fd >= 0 && pages > 0) {
        recount_ring(resident, ring_bytes);
    }
    bool has_more = pages > resident->ring_pages;
    return has_more ? (pages - resident->ring_pages) * resident->page_bytes : 0;
}

void resident_close(struct resident *resident)
{
    if (resident->statm_fd >= 0) {
        close(resident->statm_fd);
    }
    if (resident->page_map_fd >= 0) {
        close(resident->page_map_fd);
    }
    resident->statm_fd = -1;
    resident->page_map_fd = -1;
}
