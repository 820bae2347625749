#include "leaked_stacks.h"

#include <stdlib.h>

#include "../../../schema/event.h"
#include "../../base/vec.h"
#include "announcement.h"
#include "recording.h"

enum {
    RUNTIME_FRAMES_MAX = 16, /* of ours, between the hook and the program */
    WORK_MAX = 50000000,
};

void leaked_stacks_begin(struct leaked_stacks *stacks, struct subject *subject)
{
    *stacks = (struct leaked_stacks){.subject = subject, .work_left = WORK_MAX};
}

/* The frames of a stack, innermost first. Returns how many there are. */
static size_t expand(const struct stacktree *tree, uint32_t node,
                     uint32_t out_frames[EVENT_STACK_MAX_FRAMES])
{
    size_t count = 0;
    for (; node != STACK_ROOT && count < EVENT_STACK_MAX_FRAMES; node = tree->nodes[node].parent) {
        out_frames[count++] = tree->nodes[node].frame;
    }
    return count;
}

/* How many of the program's frames, from the innermost one on, two stacks have in common. */
static size_t count_common(const uint32_t *ours, size_t our_count, const uint32_t *theirs,
                           size_t their_count)
{
    size_t start = 0;
    while (start < our_count && start < RUNTIME_FRAMES_MAX && ours[start] != theirs[0]) {
        start++;
    }
    size_t common = 0;
    while (start + common < our_count && common < their_count &&
           ours[start + common] == theirs[common]) {
        common++;
    }
    return common;
}

static int note(struct leaked_stacks *stacks, uint32_t stack_id, uint64_t block_count)
{
    for (size_t i = 0; i < stacks->count; i++) {
        if (stacks->items[i].stack_id == stack_id) {
            stacks->items[i].block_count += block_count;
            return 0;
        }
    }
    int r = vec_reserve((void **)&stacks->items, &stacks->capacity, stacks->count + 1,
                        sizeof(*stacks->items));
    if (r == 0) {
        stacks->items[stacks->count++] = (struct leaked_stack){stack_id, block_count};
    }
    return r;
}

static uint32_t find_longest(struct leaked_stacks *stacks, const uint32_t *theirs,
                             size_t their_count)
{
    const struct subject *subject = stacks->subject;
    uint32_t ours[EVENT_STACK_MAX_FRAMES];
    uint32_t found = 0;
    size_t longest = 0;
    bool is_one = false;
    for (size_t i = 0; i < subject->tally.site_count; i++) {
        const struct site *site = &subject->tally.sites[i];
        if (site->live_count == 0) {
            continue;
        }
        size_t count = expand(&subject->recording->stacks, site->stack_id, ours);
        if (stacks->work_left < count) {
            return 0;
        }
        stacks->work_left -= count;
        size_t common = count_common(ours, count, theirs, their_count);
        if (common >= longest && common > 0) {
            is_one = common > longest;
            longest = common;
            found = site->stack_id;
        }
    }
    return is_one ? found : 0;
}

int leaked_stacks_find(struct leaked_stacks *stacks, const uint64_t *frames, size_t frame_count,
                       uint64_t block_count, uint32_t *out_stack_id)
{
    uint32_t theirs[EVENT_STACK_MAX_FRAMES];
    size_t count = 0;
    *out_stack_id = 0;
    for (size_t i = 1; i < frame_count && count < EVENT_STACK_MAX_FRAMES; i++) {
        int r = announcement_frame(stacks->subject, frames[i], &theirs[count++]);
        if (r < 0) {
            return r;
        }
    }
    if (count > 0) {
        *out_stack_id = find_longest(stacks, theirs, count);
    }
    return *out_stack_id != 0 ? note(stacks, *out_stack_id, block_count) : 0;
}

bool leaked_stacks_are_all(const struct leaked_stacks *stacks, uint32_t stack_id)
{
    uint64_t named_count = 0;
    uint64_t live_count = 0;
    for (size_t i = 0; i < stacks->count; i++) {
        named_count += stacks->items[i].stack_id == stack_id ? stacks->items[i].block_count : 0;
    }
    const struct tally *tally = &stacks->subject->tally;
    for (size_t i = 0; named_count > 0 && i < tally->site_count; i++) {
        live_count += tally->sites[i].stack_id == stack_id ? tally->sites[i].live_count : 0;
    }
    return named_count > 0 && named_count == live_count;
}

void leaked_stacks_end(struct leaked_stacks *stacks)
{
    free(stacks->items);
    *stacks = (struct leaked_stacks){0};
}
