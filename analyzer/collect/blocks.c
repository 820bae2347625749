#include "blocks.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "../base/vec.h"
#include "recording.h"
#include "weight.h"

enum {
    LATE_FREE_NS = 1000000, /* two processors' stamps never differ by as much */
    BLOCKS_AHEAD = 16,      /* for whose memory is asked in advance */
    EARLY_FREE_NS = 20000,  /* nor is a stamp taken so much before its place in the program */
};

/* The context of a site's row where it is not that of its last one. */
static __attribute__((noinline)) int blocks_turn_context(struct subject *subject, struct site *site,
                                                         const uint64_t key[2])
{
    const struct context context = {
        .process_id = subject->id,
        .thread_id = (uint32_t)key[0],
        .stack_id = site->stack_id,
        .freed_by_thread_id = (uint32_t)(key[0] >> 32),
        .region = (uint32_t)key[1],
        .slack_bytes = (uint16_t)(key[1] >> 48),
        .alloc_kind = (uint8_t)(key[1] >> 32),
        .free_kind = (uint8_t)(key[1] >> 40),
    };
    int r = recording_context(subject->recording, &context, &site->context_id);
    if (r == 0) {
        site->context_key[0] = key[0];
        site->context_key[1] = key[1];
    }
    return r;
}

static inline int blocks_write(struct subject *subject, const struct block *block,
                               uint64_t lifetime_ns, enum free_kind kind, uint32_t by,
                               uint64_t *out_id, struct err *err)
{
    struct recording *recording = subject->recording;
    struct site *site = &subject->tally.sites[block->site];
    bool is_live = lifetime_ns == BLOCK_ROW_LIVE;
    bool is_common_slack = block->slack_bytes < CONTEXT_SLACK_LIMIT;
    uint64_t free_kind = is_live ? CONTEXT_NOT_FREED : kind;
    const uint64_t key[2] = {
        subject->threads[block->thread].id |
            (is_live ? 0 : (uint64_t)subject->threads[by].id << 32),
        (uint32_t)(block->address >> CONTEXT_REGION_BITS) | (uint64_t)block->kind << 32 |
            free_kind << 40 | (is_common_slack ? block->slack_bytes << 48 : 0),
    };
    if (__builtin_expect(((site->context_key[0] ^ key[0]) | (site->context_key[1] ^ key[1])) != 0,
                         0)) {
        int r = blocks_turn_context(subject, site, key);
        if (r < 0) {
            return r;
        }
    }
    const struct block_row row = {
        .born_ns = block->born_ns,
        .lifetime_ns = lifetime_ns,
        .size_bytes = block->size_bytes,
        .slack_bytes = is_common_slack ? 0 : block->slack_bytes,
        .realloc_of_id = block->realloc_of_id,
        .address_offset = (uint32_t)block->address & ((1u << CONTEXT_REGION_BITS) - 1),
        .context_id = site->context_id,
        .alignment = block->alignment,
        .weight = weight_of_row(recording->sample_bytes, block),
    };
    int r = recording_add_row(recording, &row, out_id, err);
    if (__builtin_expect(r < 0, 0)) {
        recording->unwritten_row = row;
        recording->has_unwritten_row = true;
    }
    return r;
}

/* The same as the two functions below, but each block stands for several. */
static int blocks_count_sampled_birth(struct subject *subject, const struct block *block,
                                      bool is_timed, uint64_t duration_ns)
{
    struct recording *recording = subject->recording;
    struct thread *thread = &subject->threads[block->thread];
    uint64_t weight = weight_of(recording->sample_bytes, block);
    thread->allocation_count += weight;
    thread->allocated_bytes += weight * block->size_bytes;
    recording->live_bytes += weight * block->size_bytes;
    if (recording->live_bytes > recording->peak_bytes) {
        recording->peak_bytes = recording->live_bytes;
        recording->peak_ns = block->born_ns;
    }
    return tally_alloc_weighted(&subject->tally, block, weight, is_timed, duration_ns);
}

static int blocks_count_sampled_death(struct subject *subject, const struct block *block,
                                      uint32_t by, struct death *death)
{
    struct recording *recording = subject->recording;
    struct thread *freer = &subject->threads[by];
    uint64_t weight = weight_of(recording->sample_bytes, block);
    death->is_remote = by != block->thread;
    freer->free_count += weight;
    freer->remote_free_count += death->is_remote ? weight : 0;
    recording->live_bytes -= weight * block->size_bytes;
    return tally_free_weighted(&subject->tally, block, weight, death);
}

int blocks_count_birth(struct subject *subject, const struct block *block, bool is_timed,
                       uint64_t duration_ns)
{
    struct recording *recording = subject->recording;
    if (__builtin_expect(recording->sample_bytes != 0, 0)) {
        return blocks_count_sampled_birth(subject, block, is_timed, duration_ns);
    }
    int r = tally_alloc(&subject->tally, block, is_timed, duration_ns);
    struct thread *thread = &subject->threads[block->thread];
    thread->allocation_count++;
    thread->allocated_bytes += block->size_bytes;
    recording->live_bytes += block->size_bytes;
    if (recording->live_bytes > recording->peak_bytes) {
        recording->peak_bytes = recording->live_bytes;
        recording->peak_ns = block->born_ns;
    }
    return r;
}

int blocks_count_death(struct subject *subject, const struct block *block, uint32_t by,
                       struct death *death)
{
    if (death->died_ns < block->born_ns) {
        death->died_ns = block->born_ns;
    }
    if (__builtin_expect(subject->recording->sample_bytes != 0, 0)) {
        return blocks_count_sampled_death(subject, block, by, death);
    }
    struct thread *owner = &subject->threads[block->thread];
    struct thread *freer = &subject->threads[by];
    death->is_remote = by != block->thread;
    death->own_allocations = (uint32_t)owner->allocation_count - block->sequence;
    freer->free_count++;
    freer->remote_free_count += death->is_remote;
    subject->recording->live_bytes -= block->size_bytes;
    return tally_free(&subject->tally, block, death);
}

/* Counts the death and writes the row. */
static int blocks_bury(struct subject *subject, const struct block *block, enum free_kind kind,
                       uint32_t by, struct death *death, uint64_t *out_id, struct err *err)
{
    int r = blocks_count_death(subject, block, by, death);
    if (r < 0) {
        return r;
    }
    return blocks_write(subject, block, death->died_ns - block->born_ns, kind, by, out_id, err);
}

static int blocks_insert(struct subject *subject, const struct block *block, bool is_timed,
                         uint64_t duration_ns)
{
    if (block->kind == ALLOC_KIND_INTERNAL) {
        return live_insert(&subject->live, block);
    }
    int r = blocks_count_birth(subject, block, is_timed, duration_ns);
    if (r < 0) {
        return r;
    }
    struct block counted = *block;
    counted.sequence = (uint32_t)subject->threads[block->thread].allocation_count;
    return live_insert(&subject->live, &counted);
}

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

static struct recent_free *blocks_recent(struct subject *subject, uint64_t address)
{
    return &subject->recent[map_mix(address) % SUBJECT_RECENT_FREES];
}

/* Takes the block out of the live set and buries it, unless it was the recorder's own. */
static int blocks_end_at(struct subject *subject, uint64_t *entry, struct block *live_block,
                         enum free_kind kind, uint32_t by, struct death *death,
                         struct block *out_block, uint64_t *out_id, struct err *err)
{
    int r = 0;
    *out_id = 0;
    if (out_block != NULL) {
        *out_block = *live_block;
    }
    if (live_block->kind != ALLOC_KIND_INTERNAL) {
        r = blocks_bury(subject, live_block, kind, by, death, out_id, err);
    }
    if (subject->thread_count > 1) {
        *blocks_recent(subject, live_block->address) = (struct recent_free){
            .address = live_block->address, .died_ns = death->died_ns, .by = by};
    }
    /* After its row: a block that a kill finds in both places can be told, in neither is lost. */
    live_unlink(&subject->live, entry, live_block);
    return r;
}

static __attribute__((noinline)) int blocks_end(struct subject *subject, struct block *live_block,
                                                enum free_kind kind, uint32_t by,
                                                struct death *death, struct block *out_block,
                                                uint64_t *out_id, struct err *err)
{
    return blocks_end_at(subject, live_entry(&subject->live, live_block->address), live_block, kind,
                         by, death, out_block, out_id, err);
}

/*
 * The address was freed by one thread, taken by it again and freed by another at once, whose stamp
 * came out earlier than that of the first free: the block before has died of it.
 */
static bool blocks_is_swapped(struct subject *subject, uint64_t address, uint32_t by,
                              uint64_t died_ns)
{
    const struct recent_free *last = blocks_recent(subject, address);
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
            return blocks_end(subject, added, early.kind, early.by, &early.death, NULL, &id, err);
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
    r = blocks_insert(subject, block, is_timed, duration_ns);
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
    int r = blocks_count_birth(subject, slot, is_timed, duration_ns);
    if (r == 0) {
        slot->sequence = (uint32_t)subject->threads[slot->thread].allocation_count;
        live_link(&subject->live, entry, slot, address);
    }
    return r;
}

static void blocks_count_stranger(struct subject *subject, uint32_t by, uint64_t died_ns)
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
        blocks_count_stranger(subject, by, death->died_ns);
        return 0;
    }
    r = blocks_end(subject, live_block, kind, by, death, out_block, out_id, err);
    for (size_t i = 0; r == 0 && i < subject->parked_count; i++) {
        if (subject->parked[i].block.address == address) {
            struct parked parked = blocks_unpark(subject, i);
            return blocks_insert(subject, &parked.block, parked.is_timed, parked.duration_ns);
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
    if (__builtin_expect(block == NULL, 0) || !blocks_are_settled(subject)) {
        return blocks_free_slowly(subject, address, kind, by, death, out_block, out_id, err);
    }
    return blocks_end_at(subject, entry, block, kind, by, death, out_block, out_id, err);
}

static int blocks_settle_one(struct subject *subject, struct err *err)
{
    struct parked parked = blocks_unpark(subject, 0);
    struct block *old = live_find(&subject->live, parked.block.address);
    if (old != NULL) {
        struct death death = {.died_ns = parked.block.born_ns};
        uint64_t id;
        int r = blocks_end(subject, old, FREE_KIND_UNSEEN, old->thread, &death, NULL, &id, err);
        if (r < 0) {
            return r;
        }
    }
    return blocks_insert(subject, &parked.block, parked.is_timed, parked.duration_ns);
}

int blocks_settle(struct subject *subject, uint64_t now_ns, struct err *err)
{
    while (subject->early_count > 0 && now_ns - subject->early[0].death.died_ns > EARLY_FREE_NS) {
        blocks_count_stranger(subject, subject->early[0].by, subject->early[0].death.died_ns);
        subject->early_count--;
        memmove(subject->early, subject->early + 1, subject->early_count * sizeof(*subject->early));
    }
    while (subject->parked_count > 0 && now_ns - subject->parked[0].block.born_ns > LATE_FREE_NS) {
        int r = blocks_settle_one(subject, err);
        if (r < 0) {
            return r;
        }
    }
    return 0;
}

static int blocks_insert_range(struct subject *subject, const struct block *block)
{
    int r = blocks_count_birth(subject, block, false, 0);
    struct block counted = *block;
    counted.sequence = (uint32_t)subject->threads[block->thread].allocation_count;
    return r < 0 ? r : ranges_insert(&subject->ranges, &counted);
}

int blocks_add_range(struct subject *subject, const struct block *block, struct err *err)
{
    int r = blocks_free_range(subject, block->address, block->size_bytes + block->slack_bytes,
                              FREE_KIND_UNSEEN, block->thread, block->born_ns, err);
    return r < 0 ? r : blocks_insert_range(subject, block);
}

/* What is left of a mapping beside the hole goes on as a row of its own. */
static int blocks_keep_rest(struct subject *subject, const struct block *whole, uint64_t start,
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
    return blocks_insert_range(subject, &rest);
}

int blocks_free_range(struct subject *subject, uint64_t address, uint64_t bytes,
                      enum free_kind kind, uint32_t by, uint64_t died_ns, struct err *err)
{
    struct block *found;
    while ((found = ranges_overlapping(&subject->ranges, address, bytes)) != NULL) {
        struct block whole = *found;
        struct death death = {.died_ns = died_ns};
        uint64_t id;
        ranges_remove(&subject->ranges, found);
        int r = blocks_bury(subject, &whole, kind, by, &death, &id, err);
        if (r == 0) {
            r = blocks_keep_rest(subject, &whole, whole.address, address, death.died_ns, id);
        }
        if (r == 0) {
            r = blocks_keep_rest(subject, &whole, address + bytes, ranges_end(&whole),
                                 death.died_ns, id);
        }
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
    for (size_t i = 0; r == 0 && i < count; i++) {
        uint64_t id;
        const struct block *block = sorted[i].block;
        __builtin_prefetch(sorted[i + BLOCKS_AHEAD < count ? i + BLOCKS_AHEAD : i].block);
        uint64_t weight = weight_of(subject->recording->sample_bytes, block);
        subject->leaked_count += weight;
        subject->leaked_bytes += weight * block->size_bytes;
        r = blocks_write(subject, block, BLOCK_ROW_LIVE, 0, block->thread, &id, err);
    }
    free(sorted);
    live_fini(&subject->live);
    ranges_fini(&subject->ranges);
    return r;
}
