#include "leak_roots.h"

#include <errno.h>
#include <stdlib.h>

#include "../../base/vec.h"
#include "../recording/smaps.h"

#define ARENA_BYTES      (UINT64_C(64) << 20) /* glibc's arenas begin at multiples of it */
#define STACK_BYTES_MOST (UINT64_C(256) << 20)

enum {
    CHUNK_IS_MAPPED = 2,
    CHUNK_IS_OF_ARENA = 4,
    CHUNK_FLAGS = 7,
    PAGE = 4096,
    /* glibc's struct pthread, of which a thread's stack holds one at its deep end. */
    PTHREAD_SELF = 2, /* word: a pointer to itself, as the first word is */
    PTHREAD_TID = 90, /* lower half of that word: of a thread that has ended, 0 or -1 */
    PTHREAD_WORDS = 288,
    PTHREAD_ALIGNED_WORDS = 8,
};

/* The present mapping's, and what all so far have come to. */
struct leak_holes {
    struct target_range *items; /* by address, not overlapping */
    size_t count;
    size_t capacity;
    uint64_t space_bytes; /* of mappings that were looked through */
};

static uint64_t leak_holes_end(const struct leak_holes *holes)
{
    if (holes->count == 0) {
        return 0;
    }
    const struct target_range *last = &holes->items[holes->count - 1];
    return last->address + last->size_bytes;
}

/* They come by address; what overlaps the last one is cut. */
static int leak_add_hole(struct leak_holes *holes, uint64_t start, uint64_t end)
{
    uint64_t known = leak_holes_end(holes);
    start = start > known ? start : known;
    if (end <= start) {
        return 0;
    }
    int r = vec_reserve((void **)&holes->items, &holes->capacity, holes->count + 1,
                        sizeof(*holes->items));
    if (r == 0) {
        holes->items[holes->count++] = (struct target_range){start, end - start};
    }
    return r;
}

/* What the allocator holds around a block, within its mapping. */
static void leak_surroundings(const struct leak_marks *marks, const struct mapping_span *span,
                              const struct leak_block *block, bool is_glibc, uint64_t *out_start,
                              uint64_t *out_end)
{
    uint64_t header[2]; /* size of the chunk before, or distance to the mapping; own size, flags */
    *out_start = span->start_address;
    *out_end = span->end_address;
    if (!is_glibc || span->kind == MAPPING_HEAP ||
        target_memory_read(marks->memory, block->address - sizeof(header), header,
                           sizeof(header)) != (long)sizeof(header)) {
        return;
    }
    uint64_t chunk = block->address - sizeof(header);
    uint64_t size_bytes = header[1] & ~(uint64_t)CHUNK_FLAGS;
    if (size_bytes < block->size_bytes || chunk + size_bytes > span->end_address) {
        return;
    }
    if ((header[1] & CHUNK_IS_MAPPED) != 0) {
        uint64_t start = chunk - header[0];
        *out_start = start >= span->start_address && start <= chunk ? start : *out_start;
        *out_end = chunk + size_bytes;
    } else if ((header[1] & CHUNK_IS_OF_ARENA) != 0) {
        uint64_t start = block->address & ~(ARENA_BYTES - 1);
        *out_start = start > span->start_address ? start : span->start_address;
        uint64_t end = start + ARENA_BYTES;
        *out_end = end < span->end_address ? end : span->end_address;
    }
}

static bool leak_is_heap(const struct mapping_span *span, const struct leak_situation *situation)
{
    bool is_anonymous = span->kind == MAPPING_ANONYMOUS;
    return span->kind == MAPPING_HEAP || (is_anonymous && !situation->is_glibc);
}

/* The parts of a mapping that are the allocator's. */
static int leak_find_holes(const struct leak_marks *marks, const struct mapping_span *span,
                           const struct leak_situation *situation, struct leak_holes *holes)
{
    int r = 0;
    holes->count = 0;
    for (size_t i = leak_index_first(&marks->index, span->start_address);
         r == 0 && i < marks->index.block_count &&
         marks->index.blocks[i].address < span->end_address;
         i++) {
        const struct leak_block *block = &marks->index.blocks[i];
        uint64_t start = block->address;
        uint64_t end = block->address + block->size_bytes;
        if (holes->count > 0 && end <= leak_holes_end(holes)) {
            continue;
        }
        if (!situation->is_forked) {
            leak_surroundings(marks, span, block, situation->is_glibc, &start, &end);
        }
        r = leak_add_hole(holes, start, end);
    }
    return r;
}

/* The first struct pthread at or behind `address`; its thread id goes to *out_tid. 0: none. */
static uint64_t leak_find_pthread(const struct leak_marks *marks, const struct mapping_span *span,
                                  uint64_t address, uint32_t *out_tid)
{
    const uint64_t *words = (const uint64_t *)marks->buffer;
    while (address < span->end_address) {
        uint64_t rest = span->end_address - address;
        long count = target_memory_read(marks->memory, address, marks->buffer,
                                        rest < LEAK_BUFFER_BYTES ? rest : LEAK_BUFFER_BYTES);
        size_t word_count = count > 0 ? (size_t)count / sizeof(words[0]) : 0;
        for (size_t i = 0; i + PTHREAD_WORDS <= word_count; i += PTHREAD_ALIGNED_WORDS) {
            uint64_t at = address + i * sizeof(words[0]);
            if (words[i] == at && words[i + PTHREAD_SELF] == at) {
                *out_tid = (uint32_t)words[i + PTHREAD_TID];
                return at;
            }
        }
        /* One that lies across the end of what was read is found the next time. */
        address += count > 2 * PAGE ? (uint64_t)(count - PAGE) & ~(uint64_t)(PAGE - 1) : PAGE;
    }
    return 0;
}

/* The stack pointer that lies in [start, end), or 0. */
static uint64_t leak_stack_pointer(const struct leak_threads *threads, uint64_t start, uint64_t end)
{
    for (size_t i = 0; i < threads->count; i++) {
        uint64_t address = threads->items[i].stack_address;
        if (address >= start && address < end) {
            return address;
        }
    }
    return 0;
}

static bool leak_is_alive(const struct leak_threads *threads, uint32_t tid)
{
    for (size_t i = 0; i < threads->count; i++) {
        if (threads->items[i].tid == tid) {
            return true;
        }
    }
    return false;
}

/* Where the part of a mapping begins that is in use, if it may be a stack. */
static uint64_t leak_start_in_use(const struct leak_marks *marks, const struct mapping_span *span,
                                  const struct leak_threads *threads)
{
    uint64_t pointer = leak_stack_pointer(threads, span->start_address, span->end_address);
    if (pointer != 0) {
        return pointer & ~(uint64_t)(sizeof(uint64_t) - 1);
    }
    uint64_t address = span->start_address;
    uint64_t start = address;
    uint32_t tid = 0;
    uint64_t pthread;
    bool may_be = span->kind == MAPPING_STACK || span->kind == MAPPING_ANONYMOUS;
    while (may_be && span->end_address - span->start_address <= STACK_BYTES_MOST &&
           (pthread = leak_find_pthread(marks, span, address, &tid)) != 0) {
        if (!leak_is_alive(threads, tid)) { /* glibc keeps all this for the next one */
            start = pthread;
        }
        address = (pthread + PAGE) & ~(uint64_t)(PAGE - 1);
    }
    return start < span->end_address ? start : span->end_address;
}

/* True of an anonymous mapping that holds the thread-local data of a thread. */
static bool leak_is_thread_local(const struct leak_marks *marks, const struct mapping_span *span)
{
    uint32_t tid;
    return span->end_address - span->start_address <= STACK_BYTES_MOST &&
           leak_find_pthread(marks, span, span->start_address, &tid) != 0;
}

static enum leak_view leak_view_of_span(const struct mapping_span *span,
                                        const struct leak_situation *situation)
{
    /* glibc's lists of free chunks lie in its data, and in a child in the inherited heap. They
     * point to headers, which are the last bytes of the block before. */
    bool is_inherited =
        situation->is_forked && (span->kind == MAPPING_HEAP || span->kind == MAPPING_ANONYMOUS);
    return span->is_libc || is_inherited ? LEAK_VIEW_STARTS : LEAK_VIEW_REACHED;
}

static int leak_scan_span(struct leak_marks *marks, const struct mapping_span *span,
                          const struct leak_situation *situation, struct leak_holes *holes)
{
    if (span->is_allocator || span->is_code || span->is_constant) {
        return 0;
    }
    if (!situation->is_forked && leak_is_heap(span, situation) &&
        (span->kind == MAPPING_HEAP || !leak_is_thread_local(marks, span))) {
        return 0;
    }
    holes->space_bytes += span->end_address - span->start_address;
    if (holes->space_bytes > situation->space_bytes_most) {
        return -EFBIG;
    }
    int r = leak_find_holes(marks, span, situation, holes);
    if (r < 0) {
        return r;
    }
    enum leak_view view = leak_view_of_span(span, situation);
    uint64_t at = leak_start_in_use(marks, span, situation->threads);
    for (size_t i = 0; i < holes->count; i++) {
        const struct target_range *hole = &holes->items[i];
        if (hole->address > at) {
            leak_marks_scan(marks, at, hole->address - at, view);
        }
        uint64_t end = hole->address + hole->size_bytes;
        at = end > at ? end : at;
    }
    if (span->end_address > at) {
        leak_marks_scan(marks, at, span->end_address - at, view);
    }
    return 0;
}

/* Where code and tables of virtual functions may lie. */
static int leak_find_files(struct leak_holds *holds, const struct smaps *smaps)
{
    holds->code = calloc(smaps->span_count + 1, sizeof(*holds->code));
    holds->files = calloc(smaps->span_count + 1, sizeof(*holds->files));
    if (holds->code == NULL || holds->files == NULL) {
        return -ENOMEM;
    }
    for (size_t i = 0; i < smaps->span_count; i++) {
        const struct mapping_span *span = &smaps->spans[i];
        const struct target_range range = {span->start_address,
                                           span->end_address - span->start_address};
        if (span->is_code) {
            holds->code[holds->code_count++] = range;
        }
        if (span->kind == MAPPING_CODE || span->kind == MAPPING_FILE) {
            holds->files[holds->file_count++] = range;
        }
    }
    return 0;
}

/* About what there is to be read. */
static uint64_t leak_memory_bytes(const struct smaps *smaps)
{
    static const enum mapping_kind kinds[] = {MAPPING_HEAP, MAPPING_ANONYMOUS, MAPPING_STACK,
                                              MAPPING_SHARED};
    uint64_t bytes = 0;
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        bytes += smaps->sums[kinds[i]].rss_bytes + smaps->sums[kinds[i]].swap_bytes;
    }
    return bytes;
}

int leak_roots_scan(struct leak_marks *marks, FILE *file, const struct leak_situation *situation)
{
    struct smaps smaps = {.keeps_writable = true};
    struct leak_holes holes = {0};
    int r = smaps_read(&smaps, file, situation->recorder_directory);
    if (r == 0 && leak_memory_bytes(&smaps) > situation->memory_bytes_most) {
        r = -EFBIG;
    }
    r = r == 0 ? leak_find_files(&marks->holds, &smaps) : r;
    for (size_t i = 0; r == 0 && i < smaps.span_count; i++) {
        r = leak_scan_span(marks, &smaps.spans[i], situation, &holes);
    }
    for (size_t i = 0; r == 0 && i < situation->threads->count; i++) {
        const struct leak_thread *thread = &situation->threads->items[i];
        leak_marks_see(marks, thread->registers, thread->register_count, LEAK_VIEW_REACHED);
    }
    free(holes.items);
    smaps_fini(&smaps);
    return r;
}
