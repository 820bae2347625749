#include "blocks.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "../../base/vec.h"
#include "faults.h"
#include "ledger.h"
#include "recording.h"
#include "weight.h"

enum {
    LATE_FREE_NS = 1000000, /* two processors' stamps never differ by as much */
    BLOCKS_AHEAD = 16,      /* for whose memory is asked in advance */
    EARLY_FREE_NS = 20000,  /* nor is a stamp taken so much before its place in the program */
};

/* Nothing waits for another lane's event. */
static inline bool blocks_are_settled(const struct subject *subject)
{
    return __builtin_expect((subject->parked_count | subject->early_count) == 0, 1);
}

static int blocks_park(struct subject *subject, const struct block *block, bool is_timed,
                       uint64_t duration_ns)
{
    int r = vec_reserve((void **)&subject->parked, &subject->parked_capacity,
                        subject->parked_count + 1, sizeof(*subject->parked));
    if (r == 0) {
        struct journal_parked kept = {.subject_id = subject->id, .block = *block};
        journal_add(subject->recording->journal, JOURNAL_PARKED, &kept, sizeof(kept), NULL, 0);
        subject->parked[subject->parked_count++] =
            (struct parked){.block = *block, .duration_ns = duration_ns, .is_timed = is_timed};
    }
    return r;
}

static struct parked blocks_unpark(struct subject *subject, size_t index)
{
    struct parked parked = subject->parked[index];
    subject->parked_count--;
    memmove(subject->parked + index, subject->parked + index + 1,
            (subject->parked_count - index) * sizeof(*subject->parked));
    return parked;
}

/*
 * The address was freed by one thread, taken by it again and freed by another at once, whose stamp
 * came out earlier than that of the first free: the block before has died of it.
 */
static bool blocks_is_swapped(struct subject *subject, uint64_t address, uint32_t by,
                              uint64_t died_ns)
{
    const struct recent_free *last = ledger_recent_free(subject, address);
    return last->address == address && last->by != by && died_ns - last->died_ns <= EARLY_FREE_NS;
}

/*
 * A processor may read its clock before it knows the pointer that it is about to free. If that came
 * from another thread, the free can bear the earlier stamp.
 */
static int blocks_keep_early(struct subject *subject, uint64_t address, enum free_kind kind,
                             uint32_t by, const struct death *death)
{
    int r = vec_reserve((void **)&subject->early, &subject->early_capacity,
                        subject->early_count + 1, sizeof(*subject->early));
    if (r == 0) {
        struct journal_early_free kept = {.subject_id = subject->id,
                                          .by = by,
                                          .kind = kind,
                                          .address = address,
                                          .died_ns = death->died_ns};
        journal_add(subject->recording->journal, JOURNAL_EARLY_FREE, &kept, sizeof(kept), NULL, 0);
        subject->early[subject->early_count++] = (struct early_free){
            .address = address,
            .is_swapped = blocks_is_swapped(subject, address, by, death->died_ns),
            .death = *death,
            .kind = kind,
            .by = by};
    }
    return r;
}

/* If the block that was just added has been freed already by another thread: that was meant. */
static int blocks_match_early(struct subject *subject, const struct block *block, struct err *err)
{
    for (size_t i = 0; i < subject->early_count; i++) {
        struct early_free early = subject->early[i];
        if (early.address == block->address && (early.by != block->thread || early.is_swapped)) {
            subject->early[i] = subject->early[--subject->early_count];
            struct block *added = live_find(&subject->live, block->address);
            uint64_t id;
            return ledger_end_found(subject, added, early.kind, early.by, &early.death, NULL, &id,
                                    err);
        }
    }
    return 0;
}

/* blocks_add() where something waits, or the block is none to be counted. */
static __attribute__((noinline)) int blocks_add_slowly(struct subject *subject,
                                                       const struct block *block, bool is_timed,
                                                       uint64_t duration_ns, struct err *err)
{
    int r = blocks_settle(subject, block->born_ns, err);
    if (r < 0) {
        return r;
    }
    if (live_find(&subject->live, block->address) != NULL) {
        return blocks_park(subject, block, is_timed, duration_ns);
    }
    r = ledger_insert(subject, block, is_timed, duration_ns);
    return r == 0 && subject->early_count > 0 ? blocks_match_early(subject, block, err) : r;
}

int blocks_add(struct subject *subject, struct block *slot, uint64_t address, bool is_timed,
               uint64_t duration_ns, struct err *err)
{
    uint64_t *entry = live_entry(&subject->live, address);
    if (__builtin_expect(slot->kind == ALLOC_KIND_INTERNAL, 0) || !blocks_are_settled(subject) ||
        __builtin_expect(*entry != 0, 0)) {
        struct block block = *slot;
        block.address = address;
        return blocks_add_slowly(subject, &block, is_timed, duration_ns, err);
    }
    int r = ledger_count_birth(subject, slot, is_timed, duration_ns);
    if (r == 0) {
        slot->sequence = (uint32_t)subject->threads[slot->thread].allocation_count;
        live_link(&subject->live, entry, slot, address);
    }
    return r;
}

static int blocks_count_stranger(struct subject *subject, uint64_t address, enum free_kind kind,
                                 uint32_t by, uint64_t died_ns)
{
    struct journal_lane *kept = subject->threads[by].kept;
    if (kept != NULL) {
        kept->stranger_count++;
        kept->stranger_ns = died_ns;
    }
    if (subject->start == SUBJECT_STARTED_BY_FORK) {
        subject->inherited_free_count++;
    } else {
        subject->unpaired_free_count++;
    }
    subject->threads[by].free_count++;
    return faults_add_stranger(subject, address, kind, by, died_ns);
}

/* The call does not fit the block, or gives another size than it was made with. */
static inline bool blocks_is_misfit(const struct block *block, enum free_kind kind,
                                    const struct death *death)
{
    return !faults_is_match(block->kind, kind) ||
           (death->given_code != 0 && death->given_code - 1u != block->size_bytes);
}

/* blocks_free() where something waits, or the block is not there. */
static __attribute__((noinline)) int
blocks_free_slowly(struct subject *subject, uint64_t address, enum free_kind kind, uint32_t by,
                   struct death *death, struct block *out_block, uint64_t *out_id, struct err *err)
{
    if (out_block != NULL) {
        out_block->address = 0;
    }
    *out_id = 0;
    int r = blocks_settle(subject, death->died_ns, err);
    struct block *live_block = live_find(&subject->live, address);
    if (r < 0) {
        return r;
    }
    if (live_block == NULL && subject->thread_count > 1) {
        return blocks_keep_early(subject, address, kind, by, death);
    }
    if (live_block == NULL) {
        return blocks_count_stranger(subject, address, kind, by, death->died_ns);
    }
    if (live_block->kind != ALLOC_KIND_INTERNAL && blocks_is_misfit(live_block, kind, death)) {
        r = faults_add_misfit(subject, live_block, kind, by, death->died_ns,
                              death->given_code - 1u);
        if (r < 0) {
            return r;
        }
    }
    r = ledger_end_found(subject, live_block, kind, by, death, out_block, out_id, err);
    for (size_t i = 0; r == 0 && i < subject->parked_count; i++) {
        if (subject->parked[i].block.address == address) {
            struct parked parked = blocks_unpark(subject, i);
            return ledger_insert(subject, &parked.block, parked.is_timed, parked.duration_ns);
        }
    }
    return r;
}

int blocks_free(struct subject *subject, uint64_t address, enum free_kind kind, uint32_t by,
                struct death *death, struct block *out_block, uint64_t *out_id, struct err *err)
{
    uint64_t *entry = NULL;
    struct block *block = NULL;
    if (__builtin_expect(subject->live.index_count != 0, 1)) {
        entry = live_entry(&subject->live, address);
        block = live_block(&subject->live, entry);
    }
    if (__builtin_expect(block == NULL || blocks_is_misfit(block, kind, death), 0) ||
        !blocks_are_settled(subject)) {
        return blocks_free_slowly(subject, address, kind, by, death, out_block, out_id, err);
    }
    return ledger_end(subject, entry, block, kind, by, death, out_block, out_id, err);
}

static int blocks_settle_one(struct subject *subject, struct err *err)
{
    struct parked parked = blocks_unpark(subject, 0);
    struct block *old = live_find(&subject->live, parked.block.address);
    if (old != NULL) {
        struct death death = {.died_ns = parked.block.born_ns, .kind = FREE_KIND_UNSEEN};
        uint64_t id;
        int r =
            ledger_end_found(subject, old, FREE_KIND_UNSEEN, old->thread, &death, NULL, &id, err);
        if (r < 0) {
            return r;
        }
    }
    return ledger_insert(subject, &parked.block, parked.is_timed, parked.duration_ns);
}

int blocks_settle(struct subject *subject, uint64_t now_ns, struct err *err)
{
    while (subject->early_count > 0 && now_ns - subject->early[0].death.died_ns > EARLY_FREE_NS) {
        struct early_free early = subject->early[0];
        subject->early_count--;
        memmove(subject->early, subject->early + 1, subject->early_count * sizeof(*subject->early));
        int r = blocks_count_stranger(subject, early.address, early.kind, early.by,
                                      early.death.died_ns);
        if (r < 0) {
            return r;
        }
    }
    while (subject->parked_count > 0 && now_ns - subject->parked[0].block.born_ns > LATE_FREE_NS) {
        int r = blocks_settle_one(subject, err);
        if (r < 0) {
            return r;
        }
    }
    return 0;
}

/* A block and what it is sorted by: a large heap's blocks themselves lie in no cache. */
struct birth {
    uint64_t born_ns;
    const struct block *block;
};

static int blocks_compare_births(const void *left, const void *right)
{
    const struct birth *a = left;
    const struct birth *b = right;
    if (a->born_ns != b->born_ns) {
        return a->born_ns < b->born_ns ? -1 : 1;
    }
    return a->block->address < b->block->address ? -1 : a->block->address > b->block->address;
}

static void blocks_sum_leak(struct subject *subject, const struct block *block)
{
    if (subject->leak_sums != NULL) {
        struct leak_sum *sum = &subject->leak_sums[(size_t)block->site * LEAK_KIND_COUNT +
                                                   ledger_leak_kind(subject, block)];
        sum->leaked_count++;
        sum->leaked_bytes += block->size_bytes;
    }
}

int blocks_write_live(struct subject *subject, struct err *err)
{
    int r = blocks_settle(subject, UINT64_MAX, err);
    while (r == 0 && subject->parked_count > 0) {
        r = blocks_settle_one(subject, err);
    }
    size_t count = 0;
    size_t cursor = 0;
    struct birth *sorted =
        malloc((subject->live.block_count + subject->ranges.count + 1) * sizeof(*sorted));
    if (r < 0 || sorted == NULL) {
        free(sorted);
        return r < 0 ? r : -ENOMEM;
    }
    for (const struct block *b; (b = live_next(&subject->live, &cursor)) != NULL;) {
        if (b->kind != ALLOC_KIND_INTERNAL) {
            sorted[count++] = (struct birth){b->born_ns, b};
        }
    }
    for (size_t i = 0; i < subject->ranges.count; i++) {
        const struct block *b = &subject->ranges.items[i];
        sorted[count++] = (struct birth){b->born_ns, b};
    }
    qsort(sorted, count, sizeof(*sorted), blocks_compare_births);
    if (subject->leak_outcome == LEAK_OUTCOME_DONE ||
        subject->leak_outcome == LEAK_OUTCOME_PARTLY) {
        subject->leak_sums =
            calloc(subject->tally.site_count * LEAK_KIND_COUNT + 1, sizeof(*subject->leak_sums));
    }
    for (size_t i = 0; r == 0 && i < count; i++) {
        uint64_t id;
        const struct block *block = sorted[i].block;
        __builtin_prefetch(sorted[i + BLOCKS_AHEAD < count ? i + BLOCKS_AHEAD : i].block);
        uint64_t weight = weight_of(subject->recording->sample_bytes, block);
        subject->leaked_count += weight;
        subject->leaked_bytes += weight * block->size_bytes;
        blocks_sum_leak(subject, block);
        r = ledger_write(subject, block, BLOCK_ROW_LIVE, 0, block->thread, &id, err);
    }
    free(sorted);
    live_fini(&subject->live);
    ranges_fini(&subject->ranges);
    return r;
}
