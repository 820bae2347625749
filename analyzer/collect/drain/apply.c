/*
 * apply.c - what each kind of event means for its subject (subject_apply in subject.h).
 */
#include <errno.h>

#include "../recording/announcement.h"
#include "../recording/blocks.h"
#include "../recording/faults.h"
#include "../recording/mappings.h"
#include "../recording/recording.h"
#include "../recording/sanitizer_reports.h"
#include "../recording/subject.h"
#include "../recording/weight.h"

#define ADDRESS_MASK ((UINT64_C(1) << EVENT_ADDRESS_BITS) - 1)

/* The site of a stack that was never defined: its definition was lost. */
static __attribute__((noinline)) int apply_unknown_site(struct subject *subject, uint32_t *out_site)
{
    uint32_t stack;
    size_t site_count = subject->tally.site_count;
    int r = stacktree_child(&subject->recording->stacks, STACK_ROOT, FRAME_UNKNOWN, &stack);
    if (r == 0) {
        r = tally_site(&subject->tally, stack, out_site);
    }
    if (r == 0 && subject->tally.site_count != site_count) {
        struct journal_site kept = {.subject_id = subject->id};
        journal_add(subject->recording->journal, JOURNAL_UNKNOWN_SITE, &kept, sizeof(kept), NULL,
                    0);
    }
    return r;
}

/* What of a duration code: 0 for a call that was not timed. */
static inline uint64_t apply_duration_ns(const struct subject *subject, unsigned code)
{
    if (__builtin_expect(code == 0, 1)) {
        return 0;
    }
    return clock_span_ns(&subject->recording->clock, event_duration_decode(code));
}

static __attribute__((noinline)) int apply_new_range(struct subject *subject,
                                                     const struct block *slot, uint64_t address,
                                                     struct err *err)
{
    struct block block = *slot;
    block.address = address;
    return mappings_add(subject, &block, err);
}

/* The block that the lane's last event freed for a realloc goes on as this one. */
static __attribute__((noinline)) int apply_realloc(struct lane_context *lane, struct block *slot,
                                                   uint64_t address, unsigned duration_code,
                                                   struct err *err)
{
    struct subject *subject = lane->subject;
    struct block from = lane->realloc_from;
    lane->realloc_from.address = 0;
    bool is_realloc = slot->kind == ALLOC_KIND_REALLOC || slot->kind == ALLOC_KIND_REALLOCARRAY;
    if (is_realloc) {
        slot->realloc_of_id = lane->realloc_from_id;
        slot->chain_length =
            from.chain_length == UINT16_MAX ? UINT16_MAX : (uint16_t)(from.chain_length + 1);
    }
    struct block block = *slot;
    int r = blocks_add(subject, slot, address, duration_code != 0,
                       apply_duration_ns(subject, duration_code), err);
    if (r == 0 && is_realloc) {
        tally_realloc(&subject->tally, &block, from.size_bytes, from.address != address);
    }
    return r;
}

/* `slot` is filled in but for the site; the event's head and stack number tell the rest. */
static inline int apply_new_block(struct lane_context *lane, struct block *slot, uint64_t address,
                                  uint32_t local_stack, uint64_t head, struct err *err)
{
    struct subject *subject = lane->subject;
    unsigned code = event_duration_code(head);
    if (__builtin_expect(local_stack < lane->site_count, 1)) {
        slot->site = lane->sites[local_stack];
    }
    if (__builtin_expect(local_stack >= lane->site_count || slot->site == UINT32_MAX, 0) &&
        slot->kind != ALLOC_KIND_INTERNAL) {
        int r = apply_unknown_site(subject, &slot->site);
        if (r < 0) {
            return r;
        }
    }
    if (__builtin_expect(address == 0, 0)) {
        return 0;
    }
    if (__builtin_expect(event_alloc_is_range(slot->kind), 0)) {
        return apply_new_range(subject, slot, address, err);
    }
    if (__builtin_expect(lane->realloc_from.address != 0, 0)) {
        return apply_realloc(lane, slot, address, code, err);
    }
    return blocks_add(subject, slot, address, code != 0, apply_duration_ns(subject, code), err);
}

/* Flat, as is its counterpart below: these two take most of a recording's time. */
__attribute__((flatten)) int subject_apply_alloc(struct lane_context *lane, const uint64_t *words,
                                                 uint64_t stamp_ns, struct err *err)
{
    struct block *slot = live_reserve(&lane->subject->live);
    if (__builtin_expect(slot == NULL, 0)) {
        return -ENOMEM;
    }
    slot->born_ns = stamp_ns;
    slot->size_bytes = (uint32_t)words[2];
    slot->slack_bytes = words[1] >> EVENT_ADDRESS_BITS;
    slot->realloc_of_id = 0;
    slot->thread = lane->thread;
    slot->alignment = 0;
    slot->chain_length = 0;
    slot->kind = (uint8_t)(event_tag(words[0]) - EVENT_ALLOC);
    return apply_new_block(lane, slot, words[1] & ADDRESS_MASK, (uint32_t)(words[2] >> 32),
                           words[0], err);
}

/* A record that is laid out as EVENT_ALLOC_WIDE. */
static int apply_wide(struct lane_context *lane, const uint64_t *words, unsigned kind,
                      uint64_t stamp_ns, struct err *err)
{
    struct block *slot = live_reserve(&lane->subject->live);
    if (slot == NULL) {
        return -ENOMEM;
    }
    slot->born_ns = stamp_ns;
    slot->size_bytes = words[2];
    slot->slack_bytes = words[3] >= words[2] ? words[3] - words[2] : 0;
    slot->realloc_of_id = 0;
    slot->thread = lane->thread;
    slot->alignment = (uint32_t)words[4];
    slot->chain_length = 0;
    slot->kind = (uint8_t)kind;
    return apply_new_block(lane, slot, words[1], (uint32_t)(words[4] >> 32), words[0], err);
}

static int apply_paused_alloc(struct lane_context *lane, const uint64_t *words, uint64_t stamp_ns,
                              struct err *err)
{
    lane->subject->paused_allocation_count++;
    lane->subject->paused_allocated_bytes += words[2];
    return apply_wide(lane, words, ALLOC_KIND_INTERNAL, stamp_ns, err);
}

static inline int apply_free(struct lane_context *lane, const uint64_t *words, enum free_kind kind,
                             uint64_t stamp_ns, struct err *err)
{
    struct death death = {
        .died_ns = stamp_ns,
        .kind = (uint8_t)kind,
        .given_code = (uint16_t)event_given_code(words),
    };
    lane->realloc_from.address = 0;
    /* In a sample, the next realloc need not be the one that ended this block. */
    bool is_linked = kind == FREE_KIND_REALLOC && lane->subject->recording->sample_bytes == 0;
    struct block *kept = is_linked ? &lane->realloc_from : NULL;
    if (__builtin_expect(event_duration_code(words[0]) != 0, 0)) {
        lane->timed_kind = (uint8_t)kind;
        kept = is_linked ? kept : &lane->timed;
    }
    return blocks_free(lane->subject, event_free_address(words), kind, lane->thread, &death, kept,
                       &lane->realloc_from_id, err);
}

__attribute__((flatten)) int subject_apply_free(struct lane_context *lane, const uint64_t *words,
                                                uint64_t stamp_ns, struct err *err)
{
    return apply_free(lane, words, (enum free_kind)(event_tag(words[0]) - EVENT_FREE), stamp_ns,
                      err);
}

/* A free that had to wait for its block, or has none, is not told of again. */
static int apply_free_time(struct lane_context *lane, const uint64_t *words)
{
    struct subject *subject = lane->subject;
    struct block block = lane->timed;
    unsigned code = event_duration_code(words[0]);
    lane->timed.address = 0;
    if (block.address == 0 || block.address != words[1] || code == 0 ||
        block.kind == ALLOC_KIND_INTERNAL) {
        return 0;
    }
    return tally_time_free(&subject->tally, block.site, lane->timed_kind,
                           weight_of(subject->recording->sample_bytes, &block),
                           apply_duration_ns(subject, code));
}

static int apply_free_wide(struct lane_context *lane, const uint64_t *words, uint64_t stamp_ns,
                           struct err *err)
{
    enum free_kind kind = (enum free_kind)(event_tag(words[0]) - EVENT_FREE_WIDE);
    return mappings_remove(lane->subject, words[1], words[2], kind, lane->thread, stamp_ns, err);
}

static int apply_failed(struct lane_context *lane, const uint64_t *words, uint64_t stamp_ns)
{
    const struct block failed = {
        .born_ns = stamp_ns,
        .size_bytes = words[1],
        .kind = (uint8_t)(event_tag(words[0]) - EVENT_FAILED),
    };
    uint32_t local_id = (uint32_t)(words[2] >> 32);
    uint32_t site = local_id < lane->site_count ? lane->sites[local_id] : UINT32_MAX;
    int r = site == UINT32_MAX ? apply_unknown_site(lane->subject, &site) : 0;
    if (r == 0) {
        tally_failed(&lane->subject->tally, site,
                     weight_of(lane->subject->recording->sample_bytes, &failed));
    }
    return r;
}

static int apply_fault(struct lane_context *lane, const uint64_t *words, uint64_t stamp_ns,
                       struct err *err)
{
    struct subject *subject = lane->subject;
    uint32_t local_id = (uint32_t)(words[2] >> 32);
    uint32_t site = local_id < lane->site_count ? lane->sites[local_id] : UINT32_MAX;
    uint32_t stack_id = site == UINT32_MAX ? 0 : subject->tally.sites[site].stack_id;
    int r = blocks_settle(subject, stamp_ns, err);
    return r < 0 ? r : faults_add_told(subject, words, lane->thread, stack_id, stamp_ns);
}

static __attribute__((noinline)) int apply_rare(struct lane_context *lane, const uint64_t *words,
                                                uint64_t stamp_ns, struct err *err)
{
    unsigned tag = event_tag(words[0]);
    if (tag - EVENT_ALLOC_WIDE < ALLOC_KIND_COUNT) {
        return apply_wide(lane, words, tag - EVENT_ALLOC_WIDE, stamp_ns, err);
    }
    if (tag - EVENT_FREE_WIDE < FREE_KIND_COUNT) {
        return apply_free_wide(lane, words, stamp_ns, err);
    }
    if (tag - EVENT_FAILED < ALLOC_KIND_COUNT) {
        return apply_failed(lane, words, stamp_ns);
    }
    if (tag - EVENT_PAUSED_ALLOC < ALLOC_KIND_COUNT) {
        return apply_paused_alloc(lane, words, stamp_ns, err);
    }
    if (tag - EVENT_PAUSED_FREE < FREE_KIND_COUNT) {
        return apply_free(lane, words, (enum free_kind)(tag - EVENT_PAUSED_FREE), stamp_ns, err);
    }
    switch (tag) {
    case EVENT_STACK:
        return announcement_stack(lane, (const struct event_stack *)words);
    case EVENT_MODULE:
        return announcement_module(lane, (const struct event_module *)words, stamp_ns);
    case EVENT_PROCESS:
        return announcement_process(lane, (const struct event_process *)words, stamp_ns);
    case EVENT_MARK:
        return announcement_mark(lane, (const struct event_mark *)words, stamp_ns);
    case EVENT_COUNTER:
        return announcement_counter(lane, (const struct event_counter *)words, stamp_ns);
    case EVENT_ALLOCATOR:
        return announcement_fact(lane, (const struct event_counter *)words, stamp_ns);
    case EVENT_FAULT:
        return apply_fault(lane, words, stamp_ns, err);
    case EVENT_REPORT:
        return sanitizer_reports_add(lane, (const struct event_report *)words, stamp_ns);
    case EVENT_FREE_TIME:
        return apply_free_time(lane, words);
    case EVENT_LOST:
        lane->subject->lost_event_count += words[1];
        return 0;
    default:
        return 0;
    }
}

int subject_apply(struct lane_context *lane, const uint64_t *words, uint64_t stamp_ns,
                  struct err *err)
{
    struct subject *subject = lane->subject;
    unsigned tag = event_tag(words[0]);
    if (__builtin_expect(subject->is_finished, 0)) { /* its rows are written */
        subject->lost_event_count++;
        return 0;
    }
    subject_touch(lane, stamp_ns);
    /* A lane is found some time after its thread began; what comes first there is a rare event. */
    if (stamp_ns < subject->threads[lane->thread].started_ns) {
        subject->threads[lane->thread].started_ns = stamp_ns;
    }
    if (tag - EVENT_ALLOC < ALLOC_KIND_COUNT) {
        return subject_apply_alloc(lane, words, stamp_ns, err);
    }
    if (tag - EVENT_FREE < FREE_KIND_COUNT) {
        return subject_apply_free(lane, words, stamp_ns, err);
    }
    return apply_rare(lane, words, stamp_ns, err);
}
