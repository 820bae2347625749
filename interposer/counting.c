#include "counting.h"

#include <string.h>
#include <sys/mman.h>

#include "call_record.h"
#include "sys.h"

#include "banned.h"

enum {
    SLOTS_FIRST = 1024,
};

/* ---- blocks ------------------------------------------------------------------------------------
 */

static size_t counting_slot(const struct counting *counting, uint64_t address)
{
    return (size_t)((address >> 4) * UINT64_C(0x9e3779b97f4a7c15) >> 32) &
           (counting->slot_count - 1);
}

/* Where the block is, or belongs. */
static size_t counting_find(const struct counting *counting, uint64_t address)
{
    size_t slot = counting_slot(counting, address);
    while (counting->blocks[slot].address != 0 && counting->blocks[slot].address != address) {
        slot = (slot + 1) & (counting->slot_count - 1);
    }
    return slot;
}

static bool counting_grow(struct counting *counting)
{
    struct counting grown = {
        .slot_count = counting->slot_count == 0 ? SLOTS_FIRST : 2 * counting->slot_count,
    };
    grown.blocks = sys_mmap(grown.slot_count * sizeof(*grown.blocks), PROT_READ | PROT_WRITE,
                            MAP_PRIVATE | MAP_ANONYMOUS, -1);
    if (grown.blocks == NULL) {
        return false;
    }
    for (size_t i = 0; i < counting->slot_count; i++) {
        const struct counted_block *block = &counting->blocks[i];
        if (block->address != 0) {
            grown.blocks[counting_find(&grown, block->address)] = *block;
        }
    }
    if (counting->blocks != NULL) {
        sys_munmap(counting->blocks, counting->slot_count * sizeof(*counting->blocks));
    }
    counting->blocks = grown.blocks;
    counting->slot_count = grown.slot_count;
    return true;
}

/* Closes the gap, so that no search ends there too early. */
static void counting_remove(struct counting *counting, size_t gap)
{
    size_t mask = counting->slot_count - 1;
    size_t at = gap;
    for (;;) {
        at = (at + 1) & mask;
        if (counting->blocks[at].address == 0) {
            break;
        }
        size_t home = counting_slot(counting, counting->blocks[at].address);
        if (((at - home) & mask) >= ((at - gap) & mask)) {
            counting->blocks[gap] = counting->blocks[at];
            gap = at;
        }
    }
    counting->blocks[gap].address = 0;
    counting->block_count--;
}

static void counting_end_block(struct counting *counting, uint64_t address)
{
    size_t slot = counting->block_count != 0 ? counting_find(counting, address) : 0;
    if (counting->block_count == 0 || counting->blocks[slot].address == 0) {
        return;
    }
    const struct counted_block block = counting->blocks[slot];
    counting_remove(counting, slot);
    for (uint32_t i = 0; i < counting->depth; i++) {
        struct measurement_state *open = &counting->open[i];
        if (block.number > open->before.allocation_count) {
            open->live_count--;
            open->live_bytes -= block.size_bytes;
        }
    }
}

static void counting_add_block(struct counting *counting, const struct call_record *record)
{
    uint64_t address = record->address;
    uint64_t size_bytes = record->size_bytes;
    counting_end_block(counting, address); /* another thread has freed it */
    if (2 * counting->block_count >= counting->slot_count && !counting_grow(counting)) {
        counting->is_broken = true;
        return;
    }
    counting->blocks[counting_find(counting, address)] = (struct counted_block){
        .address = address,
        .size_bytes = size_bytes,
        .number = counting->sums.allocation_count,
        .stack_id = record->stack_id,
    };
    counting->block_count++;
    for (uint32_t i = 0; i < counting->depth; i++) {
        struct measurement_state *open = &counting->open[i];
        open->live_count++;
        open->live_bytes += size_bytes;
        if (open->live_bytes > open->peak_bytes) {
            open->peak_bytes = open->live_bytes;
        }
    }
}

/* ---- records -----------------------------------------------------------------------------------
 */

static void counting_add_alloc(struct counting *counting, const struct call_record *record)
{
    counting->sums.allocation_count++;
    counting->sums.allocated_bytes += record->size_bytes;
    if (counting->depth != 0) {
        counting->recent[counting->sums.allocation_count % COUNTING_RECENT_CALLS] =
            (struct recent_call){.stack_id = record->stack_id, .size_bytes = record->size_bytes};
        counting_add_block(counting, record);
    }
}

static void counting_add(struct counting *counting, const struct call_record *record)
{
    switch (record->kind) {
    case CALL_ALLOC:
        counting_add_alloc(counting, record);
        break;
    case CALL_FREE:
        counting->sums.free_count++;
        counting_end_block(counting, record->address);
        break;
    case CALL_PAUSED_FREE:
        counting_end_block(counting, record->address);
        break;
    case CALL_LOST:
        counting->is_broken = true;
        break;
    case CALL_RENUMBERED:
        counting->renumbered_count = counting->sums.allocation_count;
        break;
    default:
        break;
    }
}

void counting_catch_up(struct counting *counting, const struct writer *writer)
{
    const uint64_t *words = counting->seen;
    while (words < writer->cursor) {
        struct call_record record;
        words = call_record_read(words, writer->cursor, &record);
        counting_add(counting, &record);
    }
    counting->seen = writer->cursor;
    counting->is_broken = counting->is_broken || writer->lost_count != 0;
}

void counting_move(struct counting *counting, const struct writer *writer)
{
    counting->seen = writer->chunk->words;
}

bool counting_start(struct counting **counting, struct writer *writer)
{
    if (*counting == NULL) {
        *counting =
            sys_mmap(sizeof(**counting), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1);
    }
    if (*counting != NULL) {
        (*counting)->seen = writer->cursor;
        writer->counting = *counting;
    }
    return *counting != NULL;
}

/* ---- measurements ------------------------------------------------------------------------------
 */

/* Blocks are of interest only to measurements. */
static void counting_forget_blocks(struct counting *counting)
{
    if (counting->block_count != 0) {
        memset(counting->blocks, 0, counting->slot_count * sizeof(*counting->blocks));
        counting->block_count = 0;
    }
}

uint64_t counting_begin(struct counting *counting, const struct writer *writer)
{
    counting_catch_up(counting, writer);
    if (counting->depth == COUNTING_DEPTH_MAX) {
        counting->depth = 0; /* left by longjmp and never ended, most of them */
    }
    if (counting->depth == 0) {
        counting_forget_blocks(counting);
    }
    counting->open[counting->depth++] = (struct measurement_state){
        .serial = ++counting->serial,
        .before = counting->sums,
    };
    return counting->serial;
}

bool counting_end(struct counting *counting, const struct writer *writer, uint64_t serial,
                  struct measurement_state *out_measured)
{
    counting_catch_up(counting, writer);
    uint32_t depth = counting->depth;
    while (depth > 0 && counting->open[depth - 1].serial != serial) {
        depth--;
    }
    if (depth == 0) {
        return false;
    }
    *out_measured = counting->open[depth - 1];
    counting->depth = depth - 1;
    counting->ended = *out_measured;
    counting->ended_count = counting->sums.allocation_count;
    return !counting->is_broken;
}

void counting_reset(struct counting *counting)
{
    counting_forget_blocks(counting);
    counting->sums = (struct counted_sums){.allocation_count = 0};
    counting->depth = 0;
    counting->ended.serial = 0;
    counting->renumbered_count = 0;
    counting->is_broken = false;
}
