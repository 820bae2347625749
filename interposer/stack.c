#include "stack.h"

#include <linux/mman.h>
#include <string.h>
#include <sys/mman.h>

#include "check.h"
#include "self.h"
#include "sys.h"
#include "unwind.h"

#include "banned.h"

enum {
    SLOTS_FIRST = 512,
    SLOTS_MAX = 1 << 18, /* 6 MiB a thread, reached only by programs with 100,000 stacks */
};

_Atomic uint32_t stack_generation = 1;

static bool stack_table_resize(struct stack_table *table, uint32_t slot_count)
{
    size_t bytes = slot_count * sizeof(struct stack_slot);
    struct stack_slot *slots =
        sys_mmap(bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1);
    if (slots == NULL) {
        return false;
    }
    sys_madvise(slots, bytes, MADV_WIPEONFORK);
    for (uint32_t i = 0; i < table->slot_count; i++) {
        const struct stack_slot *old = &table->slots[i];
        uint32_t at = (uint32_t)old->hash[0] & (slot_count - 1);
        while (old->id != 0 && slots[at].id != 0) {
            at = (at + 1) & (slot_count - 1);
        }
        if (old->id != 0) {
            slots[at] = *old;
        }
    }
    if (table->slots != NULL) {
        sys_munmap(table->slots, table->slot_count * sizeof(struct stack_slot));
    }
    table->slots = slots;
    table->slot_count = slot_count;
    return true;
}

/* The numbers are given anew from here on, so whatever remembers one has to forget it. */
static void stack_table_clear(struct self *self, struct stack_table *table)
{
    if (table == &self->stacks[0]) {
        chain_forget(&self->chains);
    }
    if (table->slots != NULL) {
        memset(table->slots, 0, table->slot_count * sizeof(struct stack_slot));
    }
    table->used_count = 0;
    table->modules.count = 0;
    table->modules.oldest = 0;
}

static bool stack_table_make_room(struct self *self, struct stack_table *table)
{
    if (table->used_count * 2 < table->slot_count) {
        return true;
    }
    uint32_t wanted = table->slot_count == 0 ? SLOTS_FIRST : table->slot_count * 4;
    if (wanted <= SLOTS_MAX && stack_table_resize(table, wanted)) {
        return true;
    }
    if (table->slot_count != 0) {
        stack_table_clear(self, table);
    }
    return table->slot_count != 0;
}

static uint64_t stack_mix(uint64_t x)
{
    x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ (x >> 27)) * UINT64_C(0x94d049bb133111eb);
    return x ^ (x >> 31);
}

/*
 * Two multilinear sums over the frames with odd multipliers that differ by position. They have no
 * serial dependency, so a frame costs about a cycle, unlike a chained hash.
 */
static void stack_hash(const uintptr_t *frames, size_t count, uint64_t hash[2])
{
    uint64_t first = count;
    uint64_t second = ~(uint64_t)count;
    uint64_t multiplier = UINT64_C(0x9e3779b97f4a7c15);
    for (size_t i = 0; i < count; i++) {
        first += frames[i] * multiplier;
        second += (frames[i] ^ (frames[i] >> 17)) * (multiplier ^ UINT64_C(0xd1342543de82ef94));
        multiplier += UINT64_C(0x3c6ef372fe94f82a);
    }
    hash[0] = stack_mix(first);
    hash[1] = stack_mix(second);
}

static bool stack_send(struct self *self, struct stack_table *table, uint32_t id, size_t count,
                       enum stack_ending ending)
{
    struct writer *writer = self_writer(self);
    for (size_t i = 0; i < count; i++) {
        module_announce(&table->modules, writer, table->frames[i] - 1);
    }
    size_t bytes = sizeof(struct event_stack) + count * sizeof(uint64_t);
    if (!lane_reserve(writer, bytes)) {
        return false;
    }
    lane_begin(writer);
    struct event_stack *event = (struct event_stack *)writer->cursor;
    event->head = event_head(EVENT_STACK, 0, lane_stamp(writer));
    event->local_id = id;
    event->frame_count = (uint16_t)count;
    event->ending = (uint16_t)ending;
    memcpy(event->frames, table->frames, count * sizeof(uint64_t));
    lane_publish(writer, writer->cursor + bytes / 8);
    if (__builtin_expect(process->unwind == RING_UNWIND_CHECK, 0)) {
        check_remember(&table->check, id, table->frames, count, ending);
    }
    return true;
}

static uint32_t stack_learn(struct self *self, struct stack_table *table, const uint64_t hash[2],
                            size_t count, enum stack_ending ending)
{
    if (!stack_table_make_room(self, table) ||
        !stack_send(self, table, table->used_count + 1, count, ending)) {
        return 0;
    }
    uint32_t at = (uint32_t)hash[0] & (table->slot_count - 1);
    while (table->slots[at].id != 0) {
        at = (at + 1) & (table->slot_count - 1);
    }
    table->slots[at] = (struct stack_slot){{hash[0], hash[1]}, ++table->used_count, 0};
    return table->used_count;
}

static uint32_t stack_find(const struct stack_table *table, const uint64_t hash[2])
{
    if (table->slot_count == 0) {
        return 0;
    }
    uint32_t at = (uint32_t)hash[0] & (table->slot_count - 1);
    while (table->slots[at].id != 0) {
        const struct stack_slot *slot = &table->slots[at];
        if (slot->hash[0] == hash[0] && slot->hash[1] == hash[1]) {
            return slot->id;
        }
        at = (at + 1) & (table->slot_count - 1);
    }
    return 0;
}

static inline uint32_t stack_generation_now(void)
{
    return atomic_load_explicit(&stack_generation, memory_order_relaxed);
}

/* The stack is walked, and numbered by its frames. */
static __attribute__((noinline)) uint32_t stack_intern_by_walk(struct self *self, const void *frame)
{
    uint32_t generation = stack_generation_now();
    struct stack_table *table = self_stacks(self);
    if (__builtin_expect(table->generation != generation, 0)) {
        stack_table_clear(self, table);
        table->generation = generation;
    }
    size_t limit = process->depth_limit;
    enum stack_ending ending = STACK_IS_WHOLE;
    size_t count = unwind_frames(self, table->frames, limit + 1, frame, &ending);
    if (count > limit) {
        count = limit;
        ending = STACK_IS_CUT;
    }
    uint64_t hash[2];
    stack_hash(table->frames, count, hash);
    uint32_t id = stack_find(table, hash);
    if (id == 0) {
        id = stack_learn(self, table, hash, count, ending);
    }
    bool is_by_rules = process->unwind == RING_UNWIND_AUTO || process->unwind == RING_UNWIND_CHECK;
    if (id != 0 && self->level == 1 && is_by_rules) {
        const struct walk_words *words = walk_list_words(&self->walk, frame);
        if (words != NULL) {
            chain_learn(&self->chains, frame, generation, words, id);
        }
    }
    return id;
}

bool stack_is_remembered(struct self *self, const void *frame)
{
    return chain_find(&self->chains, frame, stack_generation_now(), self->walk.stack_low,
                      self->walk.stack_high) != NULL;
}

uint32_t stack_intern_plain(struct self *self, const void *frame)
{
    const struct chain *chain = chain_find(&self->chains, frame, stack_generation_now(),
                                           self->walk.stack_low, self->walk.stack_high);
    return __builtin_expect(chain != NULL, 1) ? chain->stack_id : stack_intern_by_walk(self, frame);
}

uint32_t stack_intern(struct self *self, const void *frame)
{
    uint32_t id =
        self->level == 1 ? stack_intern_plain(self, frame) : stack_intern_by_walk(self, frame);
    if (__builtin_expect(process->unwind == RING_UNWIND_CHECK, 0)) {
        check_stack(self, frame, id);
    }
    return id;
}

void stack_forget_range(const void *start, size_t bytes)
{
    struct self *self = self_of_thread;
    if (self != NULL && (uintptr_t)start < self->walk.stack_high &&
        (uintptr_t)start + bytes > self->walk.stack_low) {
        walk_forget_stack(&self->walk);
    }
}
