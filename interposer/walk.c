#include "walk.h"

#include <stdatomic.h>
#include <string.h>
#include <ucontext.h>

#include "stack.h"
#include "sys.h"

#include "banned.h"

enum {
    PAGE_BYTES = 4096,
    SAME_STACK_BYTES = 1 << 20,
};

/* Where a walk stands. */
struct position {
    uintptr_t ip;
    uintptr_t sp;
    uintptr_t fp;
    uintptr_t fp_slot;     /* where fp was read from by the last step; 0: it was not */
    uintptr_t sp_slot;     /* where sp was read from by the last step; 0: it was reckoned */
    uintptr_t before_call; /* 1: ip is a return address and may stand behind its function's end */
};

/*
 * We stand on this page. What lies between it and what is known is the same stack, grown, unless
 * there is a gap: then it is another stack below, as coroutines have them.
 */
static inline void walk_enter_stack(struct walk *walk, uintptr_t sp)
{
    if (__builtin_expect(sp >= walk->stack_low && sp < walk->stack_high, 1)) {
        return;
    }
    uintptr_t page = sp & ~(uintptr_t)(PAGE_BYTES - 1);
    if (page < walk->stack_low && walk->stack_low - page < SAME_STACK_BYTES &&
        sys_are_readable(page + PAGE_BYTES, walk->stack_low)) {
        walk->stack_low = page;
        return;
    }
    walk->stack_low = page;
    walk->stack_high = page + PAGE_BYTES;
    walk->trail_count = 0;
}

static bool walk_learn_page(struct walk *walk, uintptr_t address)
{
    uintptr_t page = address & ~(uintptr_t)(PAGE_BYTES - 1);
    if (!sys_is_readable(page)) {
        return false;
    }
    if (page == walk->stack_high) {
        walk->stack_high += PAGE_BYTES;
    } else if (page + PAGE_BYTES == walk->stack_low) {
        walk->stack_low = page;
    } else {
        walk->stack_low = page;
        walk->stack_high = page + PAGE_BYTES;
        walk->trail_count = 0;
    }
    return true;
}

static inline bool walk_read(struct walk *walk, uintptr_t address, uintptr_t *out_word)
{
    if (__builtin_expect(address < walk->stack_low || address >= walk->stack_high, 0) &&
        ((address & 7) != 0 || !walk_learn_page(walk, address))) {
        return false;
    }
    memcpy(out_word, (const void *)address, sizeof(*out_word));
    return true;
}

static struct cfi_rule walk_learn_rule(struct walk *walk, uintptr_t address, bool may_learn)
{
    struct walk_rule *slot = &walk->rules[(address ^ address >> 13) & (WALK_RULES - 1)];
    struct cfi_rule rule = cfi_find(address);
    if (may_learn) {
        slot->address = 0; /* a handler that interrupts this must not find half of it */
        atomic_signal_fence(memory_order_seq_cst);
        slot->rule = rule;
        atomic_signal_fence(memory_order_seq_cst);
        slot->address = address;
    }
    return rule;
}

static inline struct cfi_rule walk_look_up(struct walk *walk, uintptr_t address, bool may_learn)
{
    const struct walk_rule *slot = &walk->rules[(address ^ address >> 13) & (WALK_RULES - 1)];
    if (__builtin_expect(slot->address == address, 1)) {
        return slot->rule;
    }
    return walk_learn_rule(walk, address, may_learn);
}

#if defined(__x86_64__)
/* Leaves a signal handler: the registers of the interrupted code lie in the frame. */
static bool walk_leave_signal(struct walk *walk, struct position *at)
{
    uintptr_t registers = at->sp + offsetof(ucontext_t, uc_mcontext.gregs);
    at->before_call = 0;
    return walk_read(walk, registers + REG_RIP * sizeof(greg_t), &at->ip) &&
           walk_read(walk, registers + REG_RBP * sizeof(greg_t), &at->fp) &&
           walk_read(walk, registers + REG_RSP * sizeof(greg_t), &at->sp) && at->ip != 0;
}
#else
static bool walk_leave_signal(struct walk *walk, struct position *at)
{
    (void)walk, (void)at;
    return false;
}
#endif

/* From one frame to its caller's. False: the stack cannot be read, or does not lead outward. */
static inline bool walk_step(struct walk *walk, struct cfi_rule rule, struct position *at)
{
    uintptr_t cfa =
        (rule.kind == CFI_FROM_SP ? at->sp : at->fp) + (uintptr_t)(intptr_t)rule.cfa_offset;
    at->sp_slot = 0;
    if (rule.kind == CFI_FROM_FP_SLOT) {
        at->sp_slot = cfa;
        if (!walk_read(walk, cfa, &cfa)) {
            return false;
        }
    }
    if (cfa <= at->sp || !walk_read(walk, cfa - 8, &at->ip)) {
        return false;
    }
    at->fp_slot = 0;
    if (rule.saved_fp != CFI_FP_UNCHANGED) {
        at->fp_slot =
            rule.saved_fp == CFI_FP_AT_FP ? at->fp : cfa + (uintptr_t)(intptr_t)rule.saved_fp;
        if (!walk_read(walk, at->fp_slot, &at->fp)) {
            return false;
        }
    }
    at->sp = cfa;
    at->before_call = 1;
    return at->ip != 0;
}

static inline struct position walk_start(struct walk *walk, const void *frame, bool may_learn)
{
    uint32_t generation = atomic_load_explicit(&stack_generation, memory_order_relaxed);
    if (__builtin_expect(walk->generation != generation, 0) && may_learn) {
        memset(walk->rules, 0, sizeof(walk->rules));
        walk->generation = generation;
        walk->trail_count = 0;
    }
    const uintptr_t *words = frame;
    struct position at = {
        .ip = words[1],
        .sp = (uintptr_t)frame + 2 * sizeof(uintptr_t),
        .fp = words[0],
        .before_call = 1,
    };
    walk_enter_stack(walk, at.sp);
    return at;
}

size_t walk_frames(struct walk *walk, uintptr_t *frames, size_t capacity, const void *frame,
                   bool may_learn, bool *out_is_sure)
{
    struct position at = walk_start(walk, frame, may_learn);
    size_t count = 0;
    *out_is_sure = true;
    for (;;) {
        frames[count++] = at.ip;
        if (count == capacity) {
            return count;
        }
        struct cfi_rule rule = walk_look_up(walk, at.ip - at.before_call, may_learn);
        if (rule.kind == CFI_END) {
            return count;
        }
        if (rule.kind == CFI_UNKNOWN) {
            *out_is_sure = false;
            return count;
        }
        bool is_outward =
            rule.kind == CFI_SIGNAL ? walk_leave_signal(walk, &at) : walk_step(walk, rule, &at);
        if (!is_outward) {
            *out_is_sure = at.ip == 0; /* a root of somebody's making; else the stack is broken */
            return count;
        }
    }
}

/* Whether the words that led outward from trail[joint] are what they were. */
static inline bool walk_trail_holds(const struct walk *walk, size_t joint)
{
    const struct walk_word *word = walk->words;
    const struct walk_word *end = word + walk->trail[joint].words_end;
    while (word != end) {
        if (*word->slot != word->value) {
            return false;
        }
        word++;
    }
    return true;
}

/*
 * The index in the trail of the frame that `at` is, or -1. Stack pointers fall towards the inner
 * end, so the search goes on from where the last one stopped.
 */
static inline ptrdiff_t walk_find_joint(const struct walk *walk, ptrdiff_t from,
                                        const struct position *at)
{
    while (from >= 0 && walk->trail[from].sp < at->sp) {
        from--;
    }
    return from;
}

static inline void walk_hash(uint64_t hash[2], uintptr_t ip)
{
    hash[0] = (hash[0] ^ ip) * UINT64_C(0x9e3779b97f4a7c15);
    hash[0] ^= hash[0] >> 32;
    hash[1] = (hash[1] + ip) * UINT64_C(0xd1342543de82ef95);
    hash[1] ^= hash[1] >> 29;
}

/* The words by which `frame` was reached from the one inside it. */
static uint32_t walk_note_words(struct walk *walk, uint32_t end, const struct walk_frame *frame)
{
    walk->words[end++] = (struct walk_word){(const uintptr_t *)frame->sp - 1, frame->ip};
    if (frame->needs_fp && frame->fp_slot != 0) {
        walk->words[end++] = (struct walk_word){(const uintptr_t *)frame->fp_slot, frame->fp};
    }
    if (frame->sp_slot != 0) {
        walk->words[end++] = (struct walk_word){(const uintptr_t *)frame->sp_slot, frame->sp};
    }
    return end;
}

/*
 * Puts the fresh frames on top of trail[0..kept). Most code keeps no frame pointers: a saved one is
 * then some other value, which may change without any effect on the stack and need not be checked.
 */
static void walk_extend(struct walk *walk, size_t kept, size_t fresh_count)
{
    const struct walk_frame *outer = kept > 0 ? &walk->trail[kept - 1] : NULL;
    uint64_t hash[2] = {outer != NULL ? outer->hash[0] : 0, outer != NULL ? outer->hash[1] : 0};
    bool needs_fp = outer != NULL && outer->needs_fp;
    for (size_t i = fresh_count; i-- > 0;) {
        struct walk_frame *frame = &walk->trail[kept++];
        *frame = walk->fresh[i];
        needs_fp = frame->uses_fp || (frame->keeps_fp && needs_fp);
        frame->needs_fp = needs_fp;
        frame->words_end = outer == NULL ? 0 : walk_note_words(walk, outer->words_end, outer);
        walk_hash(hash, frame->ip);
        frame->hash[0] = hash[0];
        frame->hash[1] = hash[1];
        outer = frame;
    }
    walk->trail_count = (uint32_t)kept;
}

bool walk_trail(struct walk *walk, size_t limit, const void *frame, struct walk_result *out_result)
{
    struct position at = walk_start(walk, frame, true);
    ptrdiff_t joint = (ptrdiff_t)walk->trail_count - 1;
    size_t fresh_count = 0;
    for (;;) {
        joint = walk_find_joint(walk, joint, &at);
        if (joint >= 0 && walk->trail[joint].sp == at.sp && walk->trail[joint].ip == at.ip &&
            (walk->trail[joint].fp == at.fp || !walk->trail[joint].needs_fp) &&
            walk_trail_holds(walk, (size_t)joint)) {
            break;
        }
        if (fresh_count == limit) {
            return false;
        }
        struct cfi_rule rule = walk_look_up(walk, at.ip - 1, true);
        struct walk_frame *fresh = &walk->fresh[fresh_count++];
        fresh->ip = at.ip;
        fresh->sp = at.sp;
        fresh->fp = at.fp;
        fresh->fp_slot = at.fp_slot;
        fresh->sp_slot = at.sp_slot;
        fresh->uses_fp = rule.kind == CFI_FROM_FP || rule.kind == CFI_FROM_FP_SLOT ||
                         rule.saved_fp == CFI_FP_AT_FP;
        fresh->keeps_fp = rule.saved_fp == CFI_FP_UNCHANGED;
        if (rule.kind == CFI_END) {
            joint = -1;
            break;
        }
        if (rule.kind == CFI_UNKNOWN || rule.kind == CFI_SIGNAL || !walk_step(walk, rule, &at)) {
            return false;
        }
    }
    if ((size_t)(joint + 1) + fresh_count > limit) {
        return false;
    }
    out_result->is_same = fresh_count == 0 && joint + 1 == (ptrdiff_t)walk->trail_count;
    if (!out_result->is_same) {
        walk_extend(walk, (size_t)(joint + 1), fresh_count);
    }
    const struct walk_frame *innermost = &walk->trail[walk->trail_count - 1];
    out_result->count = walk->trail_count;
    out_result->hash[0] = innermost->hash[0];
    out_result->hash[1] = innermost->hash[1] ^ walk->trail_count;
    return true;
}

void walk_copy_trail(const struct walk *walk, uintptr_t *frames)
{
    for (size_t i = 0; i < walk->trail_count; i++) {
        frames[i] = walk->trail[walk->trail_count - 1 - i].ip;
    }
}

size_t walk_frame_pointers(struct walk *walk, uintptr_t *frames, size_t capacity, const void *frame)
{
    uintptr_t fp = (uintptr_t)frame;
    size_t count = 0;
    walk_enter_stack(walk, fp);
    while (count < capacity) {
        uintptr_t ip;
        uintptr_t next;
        if ((fp & 7) != 0 || !walk_read(walk, fp, &next) || !walk_read(walk, fp + 8, &ip) ||
            ip == 0) {
            break;
        }
        frames[count++] = ip;
        if (next <= fp) {
            break;
        }
        fp = next;
    }
    return count;
}
