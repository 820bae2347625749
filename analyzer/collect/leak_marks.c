#include "leak_marks.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "../base/vec.h"
#include "clock.h"

enum {
    TABLE_WORDS = 5,     /* of virtual functions, looked at */
    TABLE_FUNCTIONS = 2, /* of them, that make it one */
    PAGE_ZERO = 4096,
};

#define WORD sizeof(uint64_t)

int leak_marks_init(struct leak_marks *marks)
{
    marks->buffer = malloc(LEAK_BUFFER_BYTES);
    return marks->buffer == NULL ? -ENOMEM : 0;
}

void leak_marks_fini(struct leak_marks *marks)
{
    free(marks->buffer);
    free(marks->queue);
    free(marks->code);
}

/* The block that holds the address, or NULL. An empty block holds its own. */
static struct leak_block *leak_find(const struct leak_marks *marks, uint64_t address)
{
    size_t low = 0;
    size_t count = marks->block_count;
    while (count > 1) { /* the last that begins at or before the address lies in [low, low+count) */
        size_t half = count / 2;
        low += marks->blocks[low + half].address <= address ? half : 0;
        count -= half;
    }
    struct leak_block *block = &marks->blocks[low];
    uint64_t size_bytes = block->size_bytes == 0 ? 1 : block->size_bytes;
    return address - block->address < size_bytes ? block : NULL;
}

static bool leak_is_code(const struct leak_marks *marks, uint64_t address)
{
    for (size_t i = 0; i < marks->code_count; i++) {
        if (address - marks->code[i].address < marks->code[i].size_bytes) {
            return true;
        }
    }
    return false;
}

/* True if a table of virtual functions seems to lie at the address. */
static bool leak_is_table(struct leak_marks *marks, uint64_t address)
{
    uint64_t words[TABLE_WORDS];
    if (address % WORD != 0 || address < PAGE_ZERO || leak_find(marks, address) != NULL) {
        return false;
    }
    if (address != marks->last_table) {
        unsigned functions = 0;
        long count = target_memory_read(marks->memory, address, words, sizeof(words));
        for (size_t i = 0; count > 0 && i < (size_t)count / WORD; i++) {
            functions += leak_is_code(marks, words[i]);
        }
        marks->last_table = address;
        marks->is_last_table = functions >= TABLE_FUNCTIONS;
    }
    return marks->is_last_table;
}

/* A bit for each of memcheck's exceptions that the first words of a block allow. */
enum leak_hold {
    HOLD_LOOKED_AT = 1,
    HOLD_COUNT = 2, /* by the second word: an array whose count or size is the first */
    HOLD_STRING =
        4, /* by the fourth word: length, capacity and references of a text stand before */
    HOLD_OBJECT = 8, /* it begins with a pointer to a table of virtual functions */
};

static void leak_look_at(struct leak_marks *marks, struct leak_block *block)
{
    uint64_t words[3] = {0};
    size_t bytes = block->size_bytes < sizeof(words) ? WORD : sizeof(words);
    block->holds = HOLD_LOOKED_AT;
    if (target_memory_read(marks->memory, block->address, words, bytes) <= 0) {
        return;
    }
    uint64_t rest_bytes = block->size_bytes - WORD;
    bool is_counted = block->is_array && words[0] != 0 && rest_bytes % words[0] == 0;
    bool is_text = words[0] <= words[1] && block->size_bytes == 3 * WORD + words[1] + 1;
    block->holds |= words[0] == rest_bytes || is_counted ? HOLD_COUNT : 0;
    block->holds |= is_text ? HOLD_STRING : 0;
    block->holds |= leak_is_table(marks, words[0]) ? HOLD_OBJECT : 0;
}

/* Memcheck's exceptions: what looks like a pointer into the middle is how the block is held. */
static bool leak_is_held(struct leak_marks *marks, struct leak_block *block, uint64_t pointer)
{
    uint64_t inner = 0;
    uint64_t offset = pointer - block->address;
    if (offset % WORD != 0 || block->size_bytes < offset + WORD) {
        return false;
    }
    if (block->holds == 0) {
        leak_look_at(marks, block);
    }
    if ((offset == WORD && (block->holds & HOLD_COUNT) != 0) ||
        (offset == 3 * WORD && (block->holds & HOLD_STRING) != 0)) {
        return true;
    }
    return (block->holds & HOLD_OBJECT) != 0 &&
           target_memory_read(marks->memory, pointer, &inner, WORD) == (long)WORD &&
           leak_is_table(marks, inner);
}

static void leak_push(struct leak_marks *marks, struct leak_block *block, enum leak_kind kind)
{
    block->kind = (uint8_t)kind;
    if (vec_reserve((void **)&marks->queue, &marks->queue_capacity, marks->queue_count + 1,
                    sizeof(*marks->queue)) < 0) {
        marks->is_short_of_memory = true;
        return;
    }
    marks->queue[marks->queue_count++] = (uint32_t)(block - marks->blocks);
}

static void leak_see(struct leak_marks *marks, uint64_t pointer, enum leak_view view,
                     const struct leak_block *leader)
{
    struct leak_block *block = leak_find(marks, pointer);
    if (block == NULL) {
        return;
    }
    if (view == LEAK_VIEW_LOST) {
        bool is_other_leader = block->kind == LEAK_DEFINITE && block != leader;
        if (block->kind == LEAK_UNKNOWN || is_other_leader) {
            leak_push(marks, block, LEAK_INDIRECT);
        }
        return;
    }
    if (block->kind == LEAK_REACHABLE) {
        return;
    }
    bool is_start = pointer == block->address;
    if (view != LEAK_VIEW_POSSIBLE &&
        (is_start || (view == LEAK_VIEW_REACHED && leak_is_held(marks, block, pointer)))) {
        leak_push(marks, block, LEAK_REACHABLE);
    } else if (view != LEAK_VIEW_STARTS && block->kind == LEAK_UNKNOWN) {
        leak_push(marks, block, LEAK_POSSIBLE);
    }
}

static void leak_see_words(struct leak_marks *marks, const uint64_t *words, size_t count,
                           enum leak_view view, const struct leak_block *leader)
{
    const struct leak_block *last = &marks->blocks[marks->block_count - 1];
    uint64_t low = marks->blocks[0].address;
    uint64_t span = last->address + last->size_bytes - low;
    for (size_t i = 0; i < count; i++) {
        if (words[i] - low <= span) {
            leak_see(marks, words[i], view, leader);
        }
    }
}

void leak_marks_see(struct leak_marks *marks, const uint64_t *words, size_t word_count,
                    enum leak_view view)
{
    if (marks->block_count > 0) {
        leak_see_words(marks, words, word_count, view, NULL);
    }
}

static bool leak_is_late(struct leak_marks *marks)
{
    marks->is_late = marks->is_late || clock_monotonic_ns() > marks->deadline_ns;
    return marks->is_late || marks->is_short_of_memory;
}

static void leak_scan_large(struct leak_marks *marks, uint64_t address, uint64_t size_bytes,
                            enum leak_view view, const struct leak_block *leader)
{
    uint64_t end = (address + size_bytes) & ~(WORD - 1);
    address = (address + WORD - 1) & ~(WORD - 1);
    while (address < end && !leak_is_late(marks)) {
        size_t wanted = end - address < LEAK_BUFFER_BYTES ? end - address : LEAK_BUFFER_BYTES;
        long count = target_memory_read(marks->memory, address, marks->buffer, wanted);
        if (count > 0) {
            leak_see_words(marks, (const uint64_t *)marks->buffer, (size_t)count / WORD, view,
                           leader);
        }
        /* A hole, such as the page behind the end of a mapped file, is stepped over. */
        address = count > 0 ? address + ((uint64_t)count & ~(WORD - 1))
                            : (address + PAGE_ZERO) & ~(uint64_t)(PAGE_ZERO - 1);
    }
}

void leak_marks_scan(struct leak_marks *marks, uint64_t address, uint64_t size_bytes,
                     enum leak_view view)
{
    if (marks->block_count > 0) {
        leak_scan_large(marks, address, size_bytes, view, NULL);
    }
}

static enum leak_view leak_view_of(const struct leak_block *block)
{
    return block->kind == LEAK_REACHABLE  ? LEAK_VIEW_REACHED
           : block->kind == LEAK_POSSIBLE ? LEAK_VIEW_POSSIBLE
                                          : LEAK_VIEW_LOST;
}

/* Scans some of the blocks that wait, as many as one reading can hold. */
static void leak_scan_some(struct leak_marks *marks, const struct leak_block *leader)
{
    struct target_range ranges[TARGET_RANGES_MOST];
    enum leak_view views[TARGET_RANGES_MOST];
    size_t count = 0;
    size_t bytes = 0;
    while (count < TARGET_RANGES_MOST && marks->queue_count > 0) {
        const struct leak_block *block = &marks->blocks[marks->queue[marks->queue_count - 1]];
        uint64_t start = (block->address + WORD - 1) & ~(WORD - 1);
        uint64_t end = (block->address + block->size_bytes) & ~(WORD - 1);
        size_t size_bytes = end > start ? end - start : 0;
        if (bytes + size_bytes > LEAK_BUFFER_BYTES) {
            break;
        }
        marks->queue_count--;
        if (size_bytes > 0) {
            ranges[count] = (struct target_range){start, size_bytes};
            views[count++] = leak_view_of(block);
            bytes += size_bytes;
        }
    }
    if (count == 0 && marks->queue_count > 0) {
        const struct leak_block *block = &marks->blocks[marks->queue[--marks->queue_count]];
        leak_scan_large(marks, block->address, block->size_bytes, leak_view_of(block), leader);
        return;
    }
    if (count == 0) {
        return;
    }
    target_memory_read_all(marks->memory, ranges, count, marks->buffer);
    const char *from = marks->buffer;
    for (size_t i = 0; i < count; i++) {
        leak_see_words(marks, (const uint64_t *)from, ranges[i].size_bytes / WORD, views[i],
                       leader);
        from += ranges[i].size_bytes;
    }
}

static int leak_follow(struct leak_marks *marks, const struct leak_block *leader)
{
    while (marks->queue_count > 0 && !leak_is_late(marks)) {
        leak_scan_some(marks, leader);
    }
    return marks->is_short_of_memory ? -ENOMEM : marks->is_late ? -ETIME : 0;
}

int leak_marks_finish(struct leak_marks *marks)
{
    int r = leak_follow(marks, NULL);
    for (size_t i = 0; r == 0 && i < marks->block_count; i++) {
        struct leak_block *block = &marks->blocks[i];
        if (block->kind == LEAK_UNKNOWN) {
            leak_push(marks, block, LEAK_DEFINITE);
            r = leak_follow(marks, block);
        }
    }
    return r;
}
