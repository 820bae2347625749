/*
 * apply.c - what each kind of event means for its subject (subject_apply in subject.h).
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "../base/str.h"
#include "../base/vec.h"
#include "blocks.h"
#include "recording.h"
#include "subject.h"
#include "weight.h"

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
    return blocks_add_range(subject, &block, err);
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

static int apply_alloc_wide(struct lane_context *lane, const uint64_t *words, uint64_t stamp_ns,
                            struct err *err)
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
    slot->kind = (uint8_t)(event_tag(words[0]) - EVENT_ALLOC_WIDE);
    return apply_new_block(lane, slot, words[1], (uint32_t)(words[4] >> 32), words[0], err);
}

__attribute__((flatten)) int subject_apply_free(struct lane_context *lane, const uint64_t *words,
                                                uint64_t stamp_ns, struct err *err)
{
    enum free_kind kind = (enum free_kind)(event_tag(words[0]) - EVENT_FREE);
    unsigned code = event_duration_code(words[0]);
    struct death death = {
        .died_ns = stamp_ns,
        .is_timed = code != 0,
        .duration_ns = apply_duration_ns(lane->subject, code),
    };
    lane->realloc_from.address = 0;
    /* In a sample, the next realloc need not be the one that ended this block. */
    bool is_linked = kind == FREE_KIND_REALLOC && lane->subject->recording->sample_bytes == 0;
    struct block *kept = is_linked ? &lane->realloc_from : NULL;
    return blocks_free(lane->subject, words[1], kind, lane->thread, &death, kept,
                       &lane->realloc_from_id, err);
}

static int apply_free_wide(struct lane_context *lane, const uint64_t *words, uint64_t stamp_ns,
                           struct err *err)
{
    enum free_kind kind = (enum free_kind)(event_tag(words[0]) - EVENT_FREE_WIDE);
    return blocks_free_range(lane->subject, words[1], words[2], kind, lane->thread, stamp_ns, err);
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

static struct code_address apply_locate(const struct subject *subject, uint64_t address)
{
    for (size_t i = subject->load_count; i-- > 0;) {
        const struct module_load *load = &subject->loads[i];
        if (address - 1 >= load->start_address && address - 1 < load->end_address) {
            return (struct code_address){load->module, address - load->load_bias};
        }
    }
    return (struct code_address){0, address};
}

static int apply_frame(struct subject *subject, uint64_t address, uint32_t *out_frame)
{
    if (map_get(&subject->frame_of_address, address, out_frame)) {
        return 0;
    }
    int r = stacktree_frame(&subject->recording->stacks, apply_locate(subject, address), out_frame);
    return r < 0 ? r : map_put(&subject->frame_of_address, address, *out_frame);
}

int subject_define_site(struct lane_context *lane, uint32_t local_id, uint32_t site)
{
    int r = vec_reserve((void **)&lane->sites, &lane->site_capacity, (size_t)local_id + 1,
                        sizeof(*lane->sites));
    if (r < 0) {
        return r;
    }
    while (lane->site_count <= local_id) {
        lane->sites[lane->site_count++] = UINT32_MAX;
    }
    lane->sites[local_id] = site;
    return 0;
}

static int apply_stack(struct lane_context *lane, const struct event_stack *event)
{
    struct subject *subject = lane->subject;
    struct stacktree *stacks = &subject->recording->stacks;
    uint32_t node = STACK_ROOT;
    int r = 0;
    if (event->ending != STACK_IS_WHOLE) {
        uint32_t root = event->ending == STACK_IS_CUT ? FRAME_CUT : FRAME_UNKNOWN;
        r = stacktree_child(stacks, node, root, &node);
    }
    for (unsigned i = event->frame_count; r == 0 && i-- > 0;) {
        uint32_t frame;
        r = apply_frame(subject, event->frames[i], &frame);
        if (r == 0) {
            r = stacktree_child(stacks, node, frame, &node);
        }
    }
    /* A writer numbers its stacks one after the other: anything else is damage. */
    if (r < 0 || node == STACK_ROOT || event->local_id > lane->site_count + 1) {
        return r;
    }
    uint32_t site;
    r = tally_site(&subject->tally, node, &site);
    return r < 0 ? r : subject_define_site(lane, event->local_id, site);
}

static int apply_module(struct lane_context *lane, const struct event_module *event,
                        uint64_t stamp_ns)
{
    struct subject *subject = lane->subject;
    struct module_load load = {
        .start_address = event->start_address,
        .end_address = event->end_address,
        .load_bias = event->load_bias,
        .loaded_ns = stamp_ns,
    };
    int r = modules_intern(&subject->recording->modules, event->text, event->path_bytes,
                           (const unsigned char *)event->text + event->path_bytes,
                           event->build_id_bytes, &load.module);
    if (r < 0) {
        return r;
    }
    for (size_t i = subject->load_count; i-- > 0;) {
        const struct module_load *old = &subject->loads[i];
        if (old->start_address < load.end_address && load.start_address < old->end_address) {
            if (old->module == load.module && old->load_bias == load.load_bias) {
                return 0; /* another thread has told of it already */
            }
            break;
        }
    }
    r = vec_reserve((void **)&subject->loads, &subject->load_capacity, subject->load_count + 1,
                    sizeof(*subject->loads));
    if (r == 0) {
        subject->loads[subject->load_count++] = load;
        map_clear(&subject->frame_of_address);
    }
    return r;
}

/* The words of /proc/PID/cmdline, quoted so that a shell would read them back. */
static char *apply_command_text(const char *bytes, size_t count)
{
    struct str text = {0};
    size_t start = 0;
    for (size_t i = 0; i <= count; i++) {
        if (i < count && bytes[i] != '\0') {
            continue;
        }
        char *word = i > start || i < count ? strndup(bytes + start, i - start) : NULL;
        if (word != NULL) {
            if (text.size_bytes > 0) {
                str_append_char(&text, ' ');
            }
            str_append_quoted(&text, word);
            free(word);
        }
        start = i + 1;
    }
    char *copy = strdup(str_text(&text));
    str_fini(&text);
    return copy;
}

/* The image that the process `pid` was when `subject` attached; keys are given in that order. */
static struct subject *apply_find_before(struct recording *recording, uint32_t pid,
                                         const struct subject *subject)
{
    struct subject *found = NULL;
    for (size_t i = 0; i < recording->subject_count; i++) {
        struct subject *other = recording->subjects[i];
        if (other->pid == pid && other->key < subject->key &&
            (found == NULL || other->key > found->key)) {
            found = other;
        }
    }
    return found;
}

static int apply_process(struct lane_context *lane, const struct event_process *event,
                         uint64_t stamp_ns)
{
    struct subject *subject = lane->subject;
    if (subject->is_announced) {
        return 0;
    }
    const char *text = event->text;
    subject->is_announced = true;
    subject->is_malloc_replaced = (event->flags & PROCESS_MALLOC_IS_REPLACED) != 0;
    subject->executable = strndup(text, event->executable_bytes);
    text += event->executable_bytes;
    subject->command = apply_command_text(text, event->command_bytes);
    text += event->command_bytes;
    subject->allocator = strndup(text, event->allocator_bytes);
    text += event->allocator_bytes;
    subject->allocator_version = strndup(text, event->allocator_version_bytes);
    if (subject->executable == NULL || subject->command == NULL || subject->allocator == NULL ||
        subject->allocator_version == NULL) {
        return -ENOMEM;
    }
    struct recording *recording = subject->recording;
    struct subject *parent = NULL;
    struct subject *before = NULL;
    if ((event->flags & PROCESS_IS_FORK) != 0) {
        subject->start = SUBJECT_STARTED_BY_FORK;
        parent = recording_find(recording, event->parent_key);
    } else {
        before = apply_find_before(recording, event->pid, subject);
        parent = before != NULL ? before : apply_find_before(recording, event->parent_pid, subject);
        subject->start = parent != NULL ? SUBJECT_STARTED_BY_EXEC : SUBJECT_STARTED_BY_RUN;
    }
    subject->parent_id = parent != NULL ? parent->id : 0;
    if (before != NULL && before->end != SUBJECT_EXECUTED) {
        before->end = SUBJECT_EXECUTED;
        before->ended_ns = stamp_ns;
        before->exit_status = 0;
        before->exit_signal = 0;
    }
    return 0;
}

static int apply_mark(struct lane_context *lane, const struct event_mark *event, uint64_t stamp_ns)
{
    struct subject *subject = lane->subject;
    struct mark mark = {
        .process_id = subject->id,
        .thread_id = subject->threads[lane->thread].id,
        .at_ns = stamp_ns,
        .kind = event->mark_kind,
    };
    return recording_add_mark(subject->recording, &mark, event->text, event->name_bytes);
}

static int apply_counter(struct lane_context *lane, const struct event_counter *event,
                         uint64_t stamp_ns)
{
    struct subject *subject = lane->subject;
    struct counter counter = {
        .process_id = subject->id,
        .at_ns = stamp_ns,
        .value = event->value,
    };
    return recording_set_counter(subject->recording, &counter, event->text, event->name_bytes);
}

static __attribute__((noinline)) int apply_rare(struct lane_context *lane, const uint64_t *words,
                                                uint64_t stamp_ns, struct err *err)
{
    unsigned tag = event_tag(words[0]);
    if (tag - EVENT_ALLOC_WIDE < ALLOC_KIND_COUNT) {
        return apply_alloc_wide(lane, words, stamp_ns, err);
    }
    if (tag - EVENT_FREE_WIDE < FREE_KIND_COUNT) {
        return apply_free_wide(lane, words, stamp_ns, err);
    }
    if (tag - EVENT_FAILED < ALLOC_KIND_COUNT) {
        return apply_failed(lane, words, stamp_ns);
    }
    switch (tag) {
    case EVENT_STACK:
        return apply_stack(lane, (const struct event_stack *)words);
    case EVENT_MODULE:
        return apply_module(lane, (const struct event_module *)words, stamp_ns);
    case EVENT_PROCESS:
        return apply_process(lane, (const struct event_process *)words, stamp_ns);
    case EVENT_MARK:
        return apply_mark(lane, (const struct event_mark *)words, stamp_ns);
    case EVENT_COUNTER:
        return apply_counter(lane, (const struct event_counter *)words, stamp_ns);
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
    if (tag - EVENT_ALLOC < ALLOC_KIND_COUNT) {
        return subject_apply_alloc(lane, words, stamp_ns, err);
    }
    if (tag - EVENT_FREE < FREE_KIND_COUNT) {
        return subject_apply_free(lane, words, stamp_ns, err);
    }
    return apply_rare(lane, words, stamp_ns, err);
}
