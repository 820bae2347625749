#include "backing.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>

enum {
    NOTES_SHARE = 4, /* notes may take a quarter of what blocks may */
    NOTE_BITS_MIN = 6,
};

/* By the system call itself: libc's functions are hooked where policies serve a program. */
static void *backing_map(uint64_t bytes)
{
    int saved = errno;
    long result = syscall(SYS_mmap, NULL, bytes, PROT_READ | PROT_WRITE,
                          MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    errno = saved;
    return result == -1 ? NULL : (void *)result;
}

static void backing_unmap(void *start, uint64_t bytes)
{
    int saved = errno;
    if (start != NULL) {
        syscall(SYS_munmap, start, bytes);
    }
    errno = saved;
}

static uint64_t chunk_table_bytes(uint64_t bytes)
{
    return (bytes >> BACKING_PAGE_BITS) * sizeof(struct policy_chunk *);
}

static uint64_t run_table_bytes(uint64_t bytes)
{
    return (bytes >> BACKING_PAGE_BITS) * sizeof(uint32_t);
}

static bool backing_reserve(struct backing *backing, uint64_t bytes)
{
    backing->bytes = bytes;
    backing->note_bytes = bytes / NOTES_SHARE;
    backing->base = (uintptr_t)backing_map(bytes);
    backing->notes = (uintptr_t)backing_map(backing->note_bytes);
    backing->chunks = backing_map(chunk_table_bytes(bytes));
    backing->next_runs = backing_map(run_table_bytes(bytes));
    if (backing->base != 0 && backing->notes != 0 && backing->chunks != NULL &&
        backing->next_runs != NULL) {
        return true;
    }
    backing_fini(backing);
    return false;
}

bool backing_init(struct backing *backing, uint64_t most_bytes, bool is_simulated)
{
    memset(backing, 0, sizeof(*backing));
    for (uint64_t bytes = most_bytes; bytes >= BACKING_BYTES_LEAST; bytes /= 2) {
        if (backing_reserve(backing, bytes)) {
            backing->page_count = (uint32_t)(bytes >> BACKING_PAGE_BITS);
            backing->is_simulated = is_simulated;
            return true;
        }
    }
    return false;
}

void backing_fini(struct backing *backing)
{
    backing_unmap((void *)backing->base, backing->bytes);
    backing_unmap((void *)backing->notes, backing->note_bytes);
    backing_unmap(backing->chunks, chunk_table_bytes(backing->bytes));
    backing_unmap(backing->next_runs, run_table_bytes(backing->bytes));
    memset(backing, 0, sizeof(*backing));
}

struct policy_chunk *backing_next_chunk(const struct backing *backing, uint32_t *page)
{
    while (*page < backing->used_pages) {
        struct policy_chunk *chunk = backing->chunks[(*page)++];
        if (chunk != NULL) {
            while (*page < backing->used_pages && backing->chunks[*page] == chunk) {
                (*page)++;
            }
            return chunk;
        }
    }
    return NULL;
}

static unsigned log2_up(uint64_t value)
{
    return value <= 1 ? 0 : 64u - (unsigned)__builtin_clzll(value - 1);
}

/* A run that was never in use, at a multiple of its length. Returns its first page + 1, or 0. */
static uint32_t backing_extend(struct backing *backing, uint32_t page_count)
{
    uint64_t base_page = backing->base >> BACKING_PAGE_BITS;
    uint64_t mask = page_count - 1;
    uint64_t first = ((base_page + backing->used_pages + mask) & ~mask) - base_page;
    if (first + page_count > backing->page_count) {
        return 0;
    }
    backing->used_pages = (uint32_t)(first + page_count);
    return (uint32_t)first + 1;
}

uintptr_t backing_take(struct backing *backing, size_t bytes, struct policy_chunk *chunk)
{
    uint32_t page_count = (uint32_t)(bytes >> BACKING_PAGE_BITS);
    unsigned run_class = log2_up(page_count);
    if (run_class >= BACKING_RUN_CLASSES) {
        return 0;
    }
    policy_lock(&backing->lock);
    uint32_t found = backing->free_runs[run_class];
    if (found != 0) {
        backing->free_runs[run_class] = backing->next_runs[found - 1];
    } else {
        found = backing_extend(backing, page_count);
    }
    for (uint32_t i = 0; found != 0 && i < page_count; i++) {
        backing->chunks[found - 1 + i] = chunk;
    }
    policy_unlock(&backing->lock);
    return found != 0 ? backing->base + ((uintptr_t)(found - 1) << BACKING_PAGE_BITS) : 0;
}

void backing_give(struct backing *backing, uintptr_t start, size_t bytes)
{
    uint32_t page_count = (uint32_t)(bytes >> BACKING_PAGE_BITS);
    uint32_t first = (uint32_t)((start - backing->base) >> BACKING_PAGE_BITS);
    unsigned run_class = log2_up(page_count);
    if (!backing->is_simulated) {
        int saved = errno;
        syscall(SYS_madvise, start, bytes, MADV_DONTNEED);
        errno = saved;
    }
    policy_lock(&backing->lock);
    memset(&backing->chunks[first], 0, page_count * sizeof(struct policy_chunk *));
    backing->next_runs[first] = backing->free_runs[run_class];
    backing->free_runs[run_class] = first + 1;
    policy_unlock(&backing->lock);
}

static unsigned note_class(size_t bytes)
{
    unsigned bits = log2_up(bytes);
    return bits < NOTE_BITS_MIN ? NOTE_BITS_MIN : bits;
}

void *backing_take_note(struct backing *backing, size_t bytes)
{
    unsigned bits = note_class(bytes);
    size_t rounded = (size_t)1 << bits;
    if (bits >= BACKING_NOTE_CLASSES) {
        return NULL;
    }
    policy_lock(&backing->lock);
    void *note = backing->free_notes[bits];
    bool is_used = note != NULL;
    if (is_used) {
        memcpy(&backing->free_notes[bits], note, sizeof(void *));
    } else if (backing->used_note_bytes + rounded <= backing->note_bytes) {
        note = (void *)(backing->notes + backing->used_note_bytes);
        backing->used_note_bytes += rounded;
    }
    policy_unlock(&backing->lock);
    if (is_used) {
        memset(note, 0, rounded);
    }
    return note;
}

void backing_give_note(struct backing *backing, void *note, size_t bytes)
{
    unsigned bits = note_class(bytes);
    policy_lock(&backing->lock);
    memcpy(note, &backing->free_notes[bits], sizeof(void *));
    backing->free_notes[bits] = note;
    policy_unlock(&backing->lock);
}
