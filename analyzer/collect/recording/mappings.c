#include "mappings.h"

#include "ledger.h"

static int mappings_insert(struct subject *subject, const struct block *block)
{
    int r = ledger_count_birth(subject, block, false, 0);
    struct block counted = *block;
    counted.sequence = (uint32_t)subject->threads[block->thread].allocation_count;
    return r < 0 ? r : ranges_insert(&subject->ranges, &counted);
}

int mappings_add(struct subject *subject, const struct block *block, struct err *err)
{
    int r = mappings_remove(subject, block->address, block->size_bytes + block->slack_bytes,
                            FREE_KIND_UNSEEN, block->thread, block->born_ns, err);
    return r < 0 ? r : mappings_insert(subject, block);
}

/* What is left of a mapping beside the hole goes on as a row of its own. */
static int mappings_keep_rest(struct subject *subject, const struct block *whole, uint64_t start,
                              uint64_t end, uint64_t now_ns, uint64_t id)
{
    if (start >= end) {
        return 0;
    }
    struct block rest = *whole;
    rest.address = start;
    rest.size_bytes = end - start;
    rest.slack_bytes = 0;
    rest.born_ns = now_ns;
    rest.realloc_of_id = id;
    return mappings_insert(subject, &rest);
}

int mappings_remove(struct subject *subject, uint64_t address, uint64_t bytes, enum free_kind kind,
                    uint32_t by, uint64_t died_ns, struct err *err)
{
    struct block *found;
    while ((found = ranges_overlapping(&subject->ranges, address, bytes)) != NULL) {
        struct block whole = *found;
        struct death death = {.died_ns = died_ns, .kind = (uint8_t)kind};
        uint64_t id;
        ranges_remove(&subject->ranges, found);
        int r = ledger_bury(subject, &whole, kind, by, &death, &id, err);
        if (r == 0) {
            r = mappings_keep_rest(subject, &whole, whole.address, address, death.died_ns, id);
        }
        if (r == 0) {
            r = mappings_keep_rest(subject, &whole, address + bytes, ranges_end(&whole),
                                   death.died_ns, id);
        }
        if (r < 0) {
            return r;
        }
    }
    return 0;
}
