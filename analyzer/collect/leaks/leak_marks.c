#include "leak_marks.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "../recording/clock.h"

enum {
    STEPS_PER_LOOK = 1 << 16, /* blocks followed between looks at the clock */
    COUNT_WORD = 1,           /* HOLD_COUNT: the second word holds a block */
    STRING_WORD = 3,          /* HOLD_STRING: the fourth does */
};

#define WORD sizeof(uint64_t)

int leak_marks_init(struct leak_marks *marks, const struct leak_block *blocks, size_t block_count,
                    struct target_memory *memory)
{
    *marks = (struct leak_marks){
        .memory = memory,
        .holds.memory = memory,
        .deadline_ns = UINT64_MAX,
        .buffer = malloc(LEAK_BUFFER_BYTES),
        .kinds = calloc(block_count + 1, sizeof(*marks->kinds)),
        .hold_bits = calloc(block_count + 1, sizeof(*marks->hold_bits)),
        .begins = malloc((block_count + 1) * sizeof(*marks->begins)),
        /* A block is met twice at most, the second time as a better or a worse kind. */
        .queue = malloc((2 * block_count + 1) * sizeof(*marks->queue)),
    };
    int r = leak_index_init(&marks->index, blocks, block_count);
    bool is_complete = marks->buffer != NULL && marks->kinds != NULL && marks->hold_bits != NULL &&
                       marks->begins != NULL && marks->queue != NULL;
    return is_complete ? r : -ENOMEM;
}

void leak_marks_fini(struct leak_marks *marks)
{
    leak_index_fini(&marks->index);
    leak_holds_fini(&marks->holds);
    leak_edges_fini(&marks->edges);
    leak_edges_fini(&marks->roots);
    free(marks->kinds);
    free(marks->hold_bits);
    free(marks->begins);
    free(marks->queue);
    free(marks->buffer);
}

static void leak_meet(struct leak_marks *marks, uint32_t block, enum leak_kind kind)
{
    marks->kinds[block] = (uint8_t)kind;
    marks->queue[marks->queue_count++] = block;
}

void leak_marks_hold(struct leak_marks *marks, uint32_t block)
{
    if (marks->kinds[block] != LEAK_REACHABLE) {
        leak_meet(marks, block, LEAK_REACHABLE);
    }
}

static void leak_meet_root(struct leak_marks *marks, uint64_t pointer, enum leak_view view)
{
    uint32_t block = leak_index_find(&marks->index, pointer);
    if (block == LEAK_NO_BLOCK || marks->kinds[block] == LEAK_REACHABLE) {
        return;
    }
    if (pointer == marks->index.starts[block]) {
        leak_meet(marks, block, LEAK_REACHABLE);
    } else if (view == LEAK_VIEW_REACHED) {
        leak_edges_add(&marks->roots, &marks->index, block, pointer);
    }
}

void leak_marks_see(struct leak_marks *marks, const uint64_t *words, size_t word_count,
                    enum leak_view view)
{
    int r = leak_edges_reserve(&marks->roots, word_count);
    for (size_t i = 0; r == 0 && i < word_count; i++) {
        if (leak_index_may_hold(&marks->index, words[i])) {
            leak_meet_root(marks, words[i], view);
        }
    }
    marks->failure = r < 0 ? r : marks->failure;
}

static bool leak_is_late(struct leak_marks *marks)
{
    if (marks->progress != NULL) {
        atomic_fetch_add(marks->progress, 1);
    }
    if (marks->failure == 0 && clock_monotonic_ns() > marks->deadline_ns) {
        marks->failure = -ETIME;
    }
    return marks->failure != 0;
}

void leak_marks_scan(struct leak_marks *marks, uint64_t address, uint64_t size_bytes,
                     enum leak_view view)
{
    uint64_t end = (address + size_bytes) & ~(WORD - 1);
    uint64_t at = (address + WORD - 1) & ~(WORD - 1);
    size_t bytes;
    while (marks->index.block_count > 0 && !leak_is_late(marks) &&
           (bytes = target_memory_stream(marks->memory, &at, end, marks->buffer,
                                         LEAK_BUFFER_BYTES)) > 0) {
        leak_marks_see(marks, (const uint64_t *)marks->buffer, bytes / WORD, view);
        marks->read_bytes += bytes;
    }
    (void)leak_is_late(marks); /* or the memory's end was that of the time */
}

int leak_marks_gather(struct leak_marks *marks)
{
    struct leak_gathering gathering = {
        .memory = marks->memory,
        .index = &marks->index,
        .holds = &marks->holds,
        .buffer = marks->buffer,
        .deadline_ns = marks->deadline_ns,
        .progress = marks->progress,
        .hold_bits = marks->hold_bits,
        .begins = marks->begins,
    };
    if (marks->failure == 0) {
        marks->failure = leak_edges_gather(&marks->edges, &gathering);
    }
    if (marks->failure == 0) {
        leak_edges_settle(&marks->edges, &gathering);
        leak_edges_settle(&marks->roots, &gathering);
    }
    marks->read_bytes += gathering.read_bytes;
    return marks->failure;
}

/* Whether a pointer into the middle counts as one to the beginning. */
static bool leak_is_held(const struct leak_marks *marks, uint32_t block, uint32_t inner)
{
    unsigned holds = marks->hold_bits[block];
    return inner == LEAK_INNER_HELD || (inner == COUNT_WORD && (holds & HOLD_COUNT) != 0) ||
           (inner == STRING_WORD && (holds & HOLD_STRING) != 0);
}

/* What lies in a root or in a reachable block (is_sure), or in one that is possibly lost. */
static void leak_follow_edges(struct leak_marks *marks, const uint32_t *words, size_t count,
                              bool is_sure)
{
    for (size_t i = 0; i < count; i++) {
        uint32_t block = words[i] >> 1;
        bool is_inner = (words[i] & LEAK_EDGE_INNER) != 0;
        i += is_inner;
        if (marks->kinds[block] == LEAK_REACHABLE) {
            continue;
        }
        if (is_sure && (!is_inner || leak_is_held(marks, block, words[i]))) {
            leak_meet(marks, block, LEAK_REACHABLE);
        } else if (marks->kinds[block] == LEAK_UNKNOWN) {
            leak_meet(marks, block, LEAK_POSSIBLE);
        }
    }
}

/* What lies in a lost block, met from the one that may be definitely lost. */
static void leak_follow_lost(struct leak_marks *marks, const uint32_t *words, size_t count,
                             uint32_t leader)
{
    for (size_t i = 0; i < count; i++) {
        uint32_t block = words[i] >> 1;
        i += (words[i] & LEAK_EDGE_INNER) != 0;
        if (marks->kinds[block] == LEAK_UNKNOWN ||
            (marks->kinds[block] == LEAK_DEFINITE && block != leader)) {
            leak_meet(marks, block, LEAK_INDIRECT);
        }
    }
}

/* Empties the queue. leader: LEAK_NO_BLOCK while what is not lost is marked. */
static void leak_follow(struct leak_marks *marks, uint32_t leader)
{
    size_t steps = 0;
    while (marks->queue_count > 0) {
        uint32_t block = marks->queue[--marks->queue_count];
        const uint32_t *words = &marks->edges.words[marks->begins[block]];
        size_t count = (size_t)(marks->begins[block + 1] - marks->begins[block]);
        if (leader == LEAK_NO_BLOCK) {
            leak_follow_edges(marks, words, count, marks->kinds[block] == LEAK_REACHABLE);
        } else {
            leak_follow_lost(marks, words, count, leader);
        }
        if (++steps % STEPS_PER_LOOK == 0 && leak_is_late(marks)) {
            return;
        }
    }
}

int leak_marks_finish(struct leak_marks *marks)
{
    if (marks->failure != 0) {
        return marks->failure;
    }
    leak_follow_edges(marks, marks->roots.words, marks->roots.count, true);
    leak_follow(marks, LEAK_NO_BLOCK);
    for (size_t i = 0; marks->failure == 0 && i < marks->index.block_count; i++) {
        if (marks->kinds[i] == LEAK_UNKNOWN) {
            leak_meet(marks, (uint32_t)i, LEAK_DEFINITE);
            leak_follow(marks, (uint32_t)i);
        }
    }
    return marks->failure;
}
