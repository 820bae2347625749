#include "ledger.h"

#include "recording.h"
#include "weight.h"

/* The context of a site's row where it is not that of its last one. */
static __attribute__((noinline)) int ledger_turn_context(struct subject *subject, struct site *site,
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

enum leak_kind ledger_leak_kind(const struct subject *subject, const struct block *block)
{
    bool is_known =
        subject->leak_outcome == LEAK_OUTCOME_DONE || subject->leak_outcome == LEAK_OUTCOME_PARTLY;
    bool is_range = block->kind >= ALLOC_KIND_MMAP;
    return is_known && !is_range && block->born_ns < subject->leak_scanned_ns
               ? (enum leak_kind)block->leak_kind
               : LEAK_UNKNOWN;
}

int ledger_write(struct subject *subject, const struct block *block, uint64_t lifetime_ns,
                 enum free_kind kind, uint32_t by, uint64_t *out_id, struct err *err)
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
        int r = ledger_turn_context(subject, site, key);
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
        .leak_kind = is_live ? (uint8_t)ledger_leak_kind(subject, block) : 0,
    };
    int r = recording_add_row(recording, &row, out_id, err);
    if (__builtin_expect(r < 0, 0)) {
        recording->unwritten_row = row;
        recording->has_unwritten_row = true;
    }
    return r;
}

/* The same as the two functions below, but each block stands for several. */
static int ledger_count_sampled_birth(struct subject *subject, const struct block *block,
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

static int ledger_count_sampled_death(struct subject *subject, const struct block *block,
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

int ledger_count_birth(struct subject *subject, const struct block *block, bool is_timed,
                       uint64_t duration_ns)
{
    struct recording *recording = subject->recording;
    if (__builtin_expect(recording->sample_bytes != 0, 0)) {
        return ledger_count_sampled_birth(subject, block, is_timed, duration_ns);
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

int ledger_count_death(struct subject *subject, const struct block *block, uint32_t by,
                       struct death *death)
{
    if (death->died_ns < block->born_ns) {
        death->died_ns = block->born_ns;
    }
    if (__builtin_expect(subject->recording->sample_bytes != 0, 0)) {
        return ledger_count_sampled_death(subject, block, by, death);
    }
    struct thread *owner = &subject->threads[block->thread];
    struct thread *freer = &subject->threads[by];
    death->is_remote = by != block->thread;
    death->own_allocations = (uint32_t)owner->allocation_count - block->sequence;
    freer->free_count++;
    freer->remote_free_count += death->is_remote;
    owner->temporary_count += !death->is_remote && death->own_allocations == 0;
    subject->recording->live_bytes -= block->size_bytes;
    return tally_free(&subject->tally, block, death);
}

int ledger_bury(struct subject *subject, const struct block *block, enum free_kind kind,
                uint32_t by, struct death *death, uint64_t *out_id, struct err *err)
{
    int r = ledger_count_death(subject, block, by, death);
    if (r < 0) {
        return r;
    }
    return ledger_write(subject, block, death->died_ns - block->born_ns, kind, by, out_id, err);
}

int ledger_insert(struct subject *subject, const struct block *block, bool is_timed,
                  uint64_t duration_ns)
{
    if (block->kind == ALLOC_KIND_INTERNAL) {
        return live_insert(&subject->live, block);
    }
    int r = ledger_count_birth(subject, block, is_timed, duration_ns);
    if (r < 0) {
        return r;
    }
    struct block counted = *block;
    counted.sequence = (uint32_t)subject->threads[block->thread].allocation_count;
    return live_insert(&subject->live, &counted);
}

struct recent_free *ledger_recent_free(struct subject *subject, uint64_t address)
{
    return &subject->recent[map_mix(address) % SUBJECT_RECENT_FREES];
}

int ledger_end(struct subject *subject, uint64_t *entry, struct block *live_block,
               enum free_kind kind, uint32_t by, struct death *death, struct block *out_block,
               uint64_t *out_id, struct err *err)
{
    int r = 0;
    *out_id = 0;
    if (out_block != NULL) {
        *out_block = *live_block;
    }
    if (live_block->kind != ALLOC_KIND_INTERNAL) {
        r = ledger_bury(subject, live_block, kind, by, death, out_id, err);
    }
    if (subject->thread_count > 1) {
        *ledger_recent_free(subject, live_block->address) = (struct recent_free){
            .address = live_block->address, .died_ns = death->died_ns, .by = by};
    }
    /* After its row: a block that a kill finds in both places can be told, in neither is lost. */
    live_unlink(&subject->live, entry, live_block);
    return r;
}

__attribute__((noinline)) int ledger_end_found(struct subject *subject, struct block *live_block,
                                               enum free_kind kind, uint32_t by,
                                               struct death *death, struct block *out_block,
                                               uint64_t *out_id, struct err *err)
{
    return ledger_end(subject, live_entry(&subject->live, live_block->address), live_block, kind,
                      by, death, out_block, out_id, err);
}
