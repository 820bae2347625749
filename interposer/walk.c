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
    FRAME_BYTES = 1 << 18,
};

/* Where a walk stands. */
struct position {
    uintptr_t ip;
    uintptr_t sp;
    uintptr_t fp;
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
}

/* A frame may be larger than a page: up to so much above what is known, all of it is looked at. */
static bool walk_learn_up_to(struct walk *walk, uintptr_t page)
{
    while (walk->stack_high <= page && sys_is_readable(walk->stack_high)) {
        walk->stack_high += PAGE_BYTES;
    }
    return walk->stack_high > page;
}

static bool walk_learn_page(struct walk *walk, uintptr_t address)
{
    uintptr_t page = address & ~(uintptr_t)(PAGE_BYTES - 1);
    if (page - walk->stack_high < FRAME_BYTES && walk_learn_up_to(walk, page)) {
        return true;
    }
    if (!sys_is_readable(page)) {
        return false;
    }
    if (page + PAGE_BYTES == walk->stack_low) {
        walk->stack_low = page;
    } else {
        walk->stack_low = page;
        walk->stack_high = page + PAGE_BYTES;
    }
    return true;
}

static inline bool walk_read(struct walk *walk, uintptr_t address, uintptr_t *out_word)
{
    if (__builtin_expect(address < walk->stack_low || address > walk->stack_high - 8, 0) &&
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

enum step {
    STEP_OUTWARD,
    STEP_ENDS,  /* the stack does not lead outward from here: the words say so */
    STEP_FAILS, /* it cannot be read */
};

/* From one frame to its caller's. */
static inline enum step walk_step(struct walk *walk, struct cfi_rule rule, struct position *at,
                                  struct walk_step *out_step)
{
    bool is_from_sp = __builtin_expect(rule.kind == CFI_FROM_SP, 1);
    uintptr_t cfa = (is_from_sp ? at->sp : at->fp) + (uintptr_t)(intptr_t)rule.cfa_offset;
    out_step->sp_slot = 0;
    out_step->uses_fp = !is_from_sp || rule.saved_fp == CFI_FP_AT_FP;
    if (__builtin_expect(rule.kind == CFI_FROM_FP_SLOT, 0)) {
        out_step->sp_slot = cfa;
        if (!walk_read(walk, cfa, &cfa)) {
            return STEP_FAILS;
        }
    }
    out_step->sp = cfa;
    out_step->fp_slot = 0;
    out_step->has_ip = cfa > at->sp;
    if (!out_step->has_ip) {
        return STEP_ENDS;
    }
    if (!walk_read(walk, cfa - 8, &at->ip)) {
        return STEP_FAILS;
    }
    if (rule.saved_fp != CFI_FP_UNCHANGED) {
        out_step->fp_slot =
            rule.saved_fp == CFI_FP_AT_FP ? at->fp : cfa + (uintptr_t)(intptr_t)rule.saved_fp;
        if (!walk_read(walk, out_step->fp_slot, &at->fp)) {
            return STEP_FAILS;
        }
    }
    out_step->ip = at->ip;
    out_step->fp = at->fp;
    at->sp = cfa;
    at->before_call = 1;
    return at->ip != 0 ? STEP_OUTWARD : STEP_ENDS;
}

static inline struct position walk_start(struct walk *walk, const void *frame, bool may_learn)
{
    uint32_t generation = atomic_load_explicit(&stack_generation, memory_order_relaxed);
    if (__builtin_expect(walk->generation != generation, 0) && may_learn) {
        if (walk->generation != 0) {
            memset(walk->rules, 0, sizeof(walk->rules));
        }
        walk->generation = generation;
    }
    const uintptr_t *words = frame;
    struct position at = {
        .ip = words[1],
        .sp = (uintptr_t)frame + 2 * sizeof(uintptr_t),
        .fp = words[0],
        .before_call = 1,
    };
    walk_enter_stack(walk, (uintptr_t)frame);
    return at;
}

/* Steps are kept only where the walk may learn: it may have interrupted one that does. */
static inline size_t walk_outward(struct walk *walk, struct position at, uintptr_t *frames,
                                  size_t capacity, bool may_learn, bool *out_is_sure)
{
    struct walk_step unused = {0};
    struct walk_step *step = may_learn ? walk->steps : &unused;
    bool is_repeatable = true;
    bool uses_fp = false;
    size_t count = 0;
    for (;;) {
        frames[count++] = at.ip;
        if (count == capacity) {
            break;
        }
        struct cfi_rule rule = walk_look_up(walk, at.ip - at.before_call, may_learn);
        if (__builtin_expect(rule.kind == CFI_END || rule.kind == CFI_UNKNOWN, 0)) {
            *out_is_sure = rule.kind == CFI_END;
            break;
        }
        if (__builtin_expect(rule.kind == CFI_SIGNAL, 0)) {
            is_repeatable = false;
            if (!walk_leave_signal(walk, &at)) {
                *out_is_sure = at.ip == 0;
                break;
            }
            continue;
        }
        enum step how = walk_step(walk, rule, &at, step);
        uses_fp |= step->uses_fp;
        step += may_learn;
        if (how != STEP_OUTWARD) {
            is_repeatable = is_repeatable && how == STEP_ENDS;
            *out_is_sure = at.ip == 0; /* a root of somebody's making; else the stack is broken */
            break;
        }
    }
    if (may_learn) {
        walk->step_count = (uint32_t)(step - walk->steps);
        walk->is_repeatable = is_repeatable;
        walk->uses_fp = uses_fp;
    }
    return count;
}

size_t walk_frames(struct walk *walk, uintptr_t *frames, size_t capacity, const void *frame,
                   bool may_learn, bool *out_is_sure)
{
    struct position at = walk_start(walk, frame, may_learn);
    *out_is_sure = true;
    return may_learn ? walk_outward(walk, at, frames, capacity, true, out_is_sure)
                     : walk_outward(walk, at, frames, capacity, false, out_is_sure);
}

/* False: the word lies outside of what is known of the stack. */
static inline bool walk_add_word(struct walk *walk, uintptr_t base, uintptr_t slot, uintptr_t value)
{
    struct walk_words *words = &walk->words;
    uint32_t at = words->count;
    uintptr_t offset = slot - base;
    if (offset >= walk->stack_high - base || offset > UINT32_MAX || (offset & 7) != 0) {
        return false;
    }
    for (; at > 0 && __builtin_expect(words->offsets[at - 1] > offset, 0); at--) {
        words->offsets[at] = words->offsets[at - 1];
        words->values[at] = words->values[at - 1];
    }
    words->offsets[at] = (uint32_t)offset;
    words->values[at] = value;
    words->count++;
    return true;
}

/*
 * Most code keeps no frame pointers: a saved one is then some other value, which may change without
 * any effect on the stack and need not be compared. True if the first frame's is needed.
 */
static bool walk_mark_needed(struct walk *walk)
{
    bool needs_fp = false;
    for (uint32_t i = walk->uses_fp ? walk->step_count : 0; i-- > 0;) {
        struct walk_step *step = &walk->steps[i];
        step->needs_fp = needs_fp;
        needs_fp = step->uses_fp || (step->fp_slot == 0 && needs_fp);
    }
    return needs_fp;
}

const struct walk_words *walk_list_words(struct walk *walk, const void *frame)
{
    const uintptr_t *top = frame;
    uintptr_t base = (uintptr_t)frame;
    if (!walk->is_repeatable || base < walk->stack_low || base >= walk->stack_high) {
        return NULL;
    }
    walk->words.count = 0;
    bool is_good = !walk_mark_needed(walk) || walk_add_word(walk, base, base, top[0]);
    is_good = is_good && walk_add_word(walk, base, base + sizeof(uintptr_t), top[1]);
    for (uint32_t i = 0; i < walk->step_count && is_good; i++) {
        const struct walk_step *step = &walk->steps[i];
        if (step->sp_slot != 0) {
            is_good = walk_add_word(walk, base, step->sp_slot, step->sp);
        }
        if (walk->uses_fp && step->needs_fp && step->fp_slot != 0) {
            is_good = is_good && walk_add_word(walk, base, step->fp_slot, step->fp);
        }
        if (step->has_ip) {
            is_good = is_good && walk_add_word(walk, base, step->sp - sizeof(uintptr_t), step->ip);
        }
    }
    return is_good ? &walk->words : NULL;
}

void walk_forget_stack(struct walk *walk)
{
    walk->stack_low = 0;
    walk->stack_high = 0;
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
