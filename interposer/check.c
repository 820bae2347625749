#include "check.h"

#include <string.h>
#include <sys/mman.h>

#include "eh_frame.h"
#include "self.h"
#include "sys.h"
#include "unwind.h"

#include "banned.h"

enum {
    STACKS_FIRST = 4096,
    STACKS_MAX = 1 << 20,
    ROOM_FRAMES = 1 << 17, /* 1 MiB at a time */
    SAMPLE_FRAMES_BEFORE = 3,
};

struct check_frames {
    uintptr_t *frames; /* NULL: nothing was sent under this number */
    uint32_t count;
    uint32_t capacity;
    enum stack_ending ending;
};

struct check_memory {
    struct check_frames *stacks; /* by number */
    uint32_t capacity;
    uintptr_t *room; /* for the next frames */
    size_t room_left;
    uintptr_t other[EVENT_STACK_MAX_FRAMES + 1 + UNWIND_OWN_FRAMES]; /* as libunwind sees it */
    uintptr_t third[EVENT_STACK_MAX_FRAMES + 1 + UNWIND_OWN_FRAMES]; /* as libgcc does */
};

static void *check_map(size_t bytes)
{
    return sys_mmap(bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1);
}

static bool check_make_room(struct check_memory *memory, uint32_t id)
{
    uint32_t capacity = memory->capacity == 0 ? STACKS_FIRST : memory->capacity;
    while (capacity <= id && capacity < STACKS_MAX) {
        capacity *= 2;
    }
    if (capacity <= id || capacity == memory->capacity) {
        return capacity > id;
    }
    struct check_frames *stacks = check_map(capacity * sizeof(*stacks));
    if (stacks == NULL) {
        return false;
    }
    if (memory->stacks != NULL) {
        memcpy(stacks, memory->stacks, memory->capacity * sizeof(*stacks));
        sys_munmap(memory->stacks, memory->capacity * sizeof(*stacks));
    }
    memory->stacks = stacks;
    memory->capacity = capacity;
    return true;
}

static uintptr_t *check_take_frames(struct check_memory *memory, size_t count)
{
    if (memory->room_left < count) {
        uintptr_t *room = check_map(ROOM_FRAMES * sizeof(*room));
        if (room == NULL) {
            return NULL;
        }
        memory->room = room;
        memory->room_left = ROOM_FRAMES;
    }
    uintptr_t *frames = memory->room;
    memory->room += count;
    memory->room_left -= count;
    return frames;
}

void check_remember(struct check_memory **memory, uint32_t id, const uintptr_t *frames,
                    size_t count, enum stack_ending ending)
{
    if (*memory == NULL) {
        *memory = check_map(sizeof(**memory));
    }
    if (*memory == NULL || !check_make_room(*memory, id)) {
        return;
    }
    struct check_frames *stack = &(*memory)->stacks[id];
    if (stack->capacity < count) {
        stack->frames = check_take_frames(*memory, count);
        stack->capacity = stack->frames != NULL ? (uint32_t)count : 0;
    }
    if (stack->frames != NULL) {
        memcpy(stack->frames, frames, count * sizeof(*frames));
    }
    stack->count = (uint32_t)count;
    stack->ending = ending;
}

enum relation {
    SAME,
    OTHER_IS_INNER_PART, /* it ends earlier, and is equal up to there */
    OWN_IS_INNER_PART,
    UNLIKE,
};

static size_t check_first_difference(const struct check_frames *own, const uintptr_t *other,
                                     size_t other_count)
{
    size_t i = 0;
    while (i < own->count && i < other_count && own->frames[i] == other[i]) {
        i++;
    }
    return i;
}

/* `other` was taken with room for one frame more than the depth limit. */
static enum relation check_compare(const struct check_frames *own, const uintptr_t *other,
                                   size_t other_count)
{
    size_t equal_count = check_first_difference(own, other, other_count);
    if (equal_count < own->count && equal_count < other_count) {
        return UNLIKE;
    }
    if (own->ending == STACK_IS_CUT) { /* then there must be more */
        return other_count > own->count ? SAME : OTHER_IS_INNER_PART;
    }
    return other_count == own->count  ? SAME
           : other_count < own->count ? OTHER_IS_INNER_PART
                                      : OWN_IS_INNER_PART;
}

static bool check_is_described(uintptr_t return_address)
{
    struct eh_frame ignored;
    return eh_frame_find(return_address - 1, &ignored);
}

static enum check_verdict check_judge(struct self *self, struct check_memory *memory,
                                      const struct check_frames *own, const void *frame,
                                      size_t *out_count)
{
    size_t capacity = process->depth_limit + (size_t)1;
    uintptr_t caller = ((const uintptr_t *)frame)[1];
    *out_count = unwind_by_libunwind(self, memory->other, capacity, caller);
    enum relation relation = check_compare(own, memory->other, *out_count);
    if (relation == SAME) {
        return CHECK_EQUAL;
    }
    if (relation == OWN_IS_INNER_PART && !check_is_described(own->frames[own->count - 1])) {
        return CHECK_GUESSED;
    }
    if (relation == OWN_IS_INNER_PART && own->ending == STACK_IS_LOST) {
        return CHECK_UNFINISHED;
    }
    size_t third_count = unwind_by_libgcc(self, memory->third, capacity, caller);
    bool is_confirmed = check_compare(own, memory->third, third_count) == SAME;
    return !is_confirmed                     ? CHECK_DIFFERENT
           : relation == OTHER_IS_INNER_PART ? CHECK_ENDED_EARLY
                                             : CHECK_ALONE;
}

static struct check_sample *check_take_sample(struct ring_check *check, enum check_verdict verdict)
{
    struct check_sample *sample = check->samples;
    struct check_sample *end = sample + CHECK_SAMPLES;
    if (verdict == CHECK_DIFFERENT) {
        end--;
    } else {
        sample = end - 1;
    }
    while (sample < end && atomic_exchange(&sample->is_taken, 1) != 0) {
        sample++;
    }
    return sample < end ? sample : NULL;
}

static uint32_t check_copy_frames(struct self *self, uint64_t *to, const uintptr_t *frames,
                                  size_t count)
{
    uint32_t copied = 0;
    while (copied < count && copied < CHECK_SAMPLE_FRAMES) {
        module_announce(&self_stacks(self)->modules, self_writer(self), frames[copied] - 1);
        to[copied] = frames[copied];
        copied++;
    }
    return copied;
}

static void check_keep(struct self *self, const struct check_frames *own, const uintptr_t *other,
                       size_t other_count, enum check_verdict verdict)
{
    struct check_sample *sample = check_take_sample(&process->ring->check, verdict);
    if (sample == NULL) {
        return;
    }
    size_t first = check_first_difference(own, other, other_count);
    size_t skipped = first > SAMPLE_FRAMES_BEFORE ? first - SAMPLE_FRAMES_BEFORE : 0;
    sample->process_key = process->key;
    sample->verdict = verdict;
    sample->skipped_count = (uint32_t)skipped;
    sample->different_at = (uint32_t)(first - skipped);
    sample->own_count =
        check_copy_frames(self, sample->own, own->frames + skipped, own->count - skipped);
    sample->other_count =
        check_copy_frames(self, sample->other, other + skipped, other_count - skipped);
    atomic_store(&sample->is_complete, 1);
}

/* libunwind remembers code addresses, too, and does not notice that a module was replaced. */
static void check_forget_modules(void)
{
    static _Atomic uint32_t known_generation;
    uint32_t generation = atomic_load_explicit(&stack_generation, memory_order_relaxed);
    if (atomic_exchange(&known_generation, generation) != generation) {
        unwind_forget();
    }
}

void check_stack(struct self *self, const void *frame, uint32_t id)
{
    struct check_memory *memory = self_stacks(self)->check;
    enum check_verdict verdict = CHECK_SKIPPED;
    if (id != 0 && unwind_has_libunwind() && memory != NULL && id < memory->capacity &&
        memory->stacks[id].frames != NULL) {
        const struct check_frames *own = &memory->stacks[id];
        size_t other_count;
        check_forget_modules();
        verdict = check_judge(self, memory, own, frame, &other_count);
        if (verdict != CHECK_EQUAL && verdict != CHECK_GUESSED) {
            check_keep(self, own, memory->other, other_count, verdict);
        }
    }
    atomic_fetch_add_explicit(&process->ring->check.counts[verdict], 1, memory_order_relaxed);
}
