#include "counted_sites.h"

#include <stdbool.h>
#include <sys/mman.h>

#include "sys.h"

#include "banned.h"

/* Sites by stack; a slot with count 0 is empty. */
struct site_table {
    struct counted_site *slots;
    size_t slot_count; /* a power of two, at most half of it used */
};

static bool site_table_make(struct site_table *table, size_t site_count)
{
    table->slot_count = 2;
    while (table->slot_count < 2 * site_count) {
        table->slot_count *= 2;
    }
    table->slots = sys_mmap(table->slot_count * sizeof(*table->slots), PROT_READ | PROT_WRITE,
                            MAP_PRIVATE | MAP_ANONYMOUS, -1);
    return table->slots != NULL;
}

static void site_table_add(struct site_table *table, uint32_t stack_id, uint64_t size_bytes)
{
    size_t mask = table->slot_count - 1;
    size_t at = stack_id * UINT32_C(2654435761) & mask;
    while (table->slots[at].count != 0 && table->slots[at].stack_id != stack_id) {
        at = (at + 1) & mask;
    }
    table->slots[at].stack_id = stack_id;
    table->slots[at].count++;
    table->slots[at].size_bytes += size_bytes;
}

/* Equal ones in the order in which they were met. */
static bool site_is_before(const struct counted_site *a, const struct counted_site *b,
                           enum counted_figure figure)
{
    uint64_t left = figure == COUNTED_BYTES ? a->size_bytes : a->count;
    uint64_t right = figure == COUNTED_BYTES ? b->size_bytes : b->count;
    return left != right ? left > right : a->stack_id < b->stack_id;
}

static size_t site_table_best(const struct site_table *table, enum counted_figure figure,
                              struct counted_site *out_sites, size_t capacity,
                              uint64_t *out_stack_count)
{
    size_t count = 0;
    for (size_t i = 0; i < table->slot_count; i++) {
        const struct counted_site *site = &table->slots[i];
        if (site->count == 0) {
            continue;
        }
        ++*out_stack_count;
        size_t at = count;
        for (; at > 0 && site_is_before(site, &out_sites[at - 1], figure); at--) {
            if (at < capacity) {
                out_sites[at] = out_sites[at - 1];
            }
        }
        if (at < capacity) {
            out_sites[at] = *site;
            count += count < capacity;
        }
    }
    return count;
}

static void counted_sites_gather(const struct counting *counting, enum counted_figure figure,
                                 uint64_t after, struct site_table *table)
{
    uint64_t last = counting->ended_count;
    if (figure != COUNTED_LIVE) {
        for (uint64_t number = after + 1; number <= last; number++) {
            const struct recent_call *call = &counting->recent[number % COUNTING_RECENT_CALLS];
            site_table_add(table, call->stack_id, call->size_bytes);
        }
        return;
    }
    for (size_t i = 0; i < counting->slot_count; i++) {
        const struct counted_block *block = &counting->blocks[i];
        if (block->address != 0 && block->number > after && block->number <= last) {
            site_table_add(table, block->stack_id, block->size_bytes);
        }
    }
}

size_t counted_sites_find(const struct counting *counting, enum counted_figure figure,
                          struct counted_site *out_sites, size_t capacity,
                          struct counted_sites *out_all)
{
    uint64_t begin = counting->ended.before.allocation_count;
    uint64_t last = counting->ended_count;
    uint64_t after = begin;
    *out_all = (struct counted_sites){.figure = figure};
    if (counting->ended.serial == 0) {
        return 0;
    }
    if (figure != COUNTED_LIVE && last - after > COUNTING_RECENT_CALLS) {
        after = last - COUNTING_RECENT_CALLS;
    }
    if (after < counting->renumbered_count) {
        after = counting->renumbered_count;
    }
    struct site_table table;
    size_t most = figure == COUNTED_LIVE ? counting->block_count : COUNTING_RECENT_CALLS;
    if (after >= last || !site_table_make(&table, most)) {
        return 0;
    }
    counted_sites_gather(counting, figure, after, &table);
    size_t count = site_table_best(&table, figure, out_sites, capacity, &out_all->stack_count);
    sys_munmap(table.slots, table.slot_count * sizeof(*table.slots));
    out_all->forgotten_count = after - begin;
    return count;
}
