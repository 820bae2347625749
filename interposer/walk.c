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

/* We stand on this page; what lies between it and what is known is the same stack, grown. */
static void walk_enter_stack(struct walk *walk, uintptr_t frame)
{
    uintptr_t page = frame & ~(uintptr_t)(PAGE_BYTES - 1);
    if (page >= walk->stack_low && page < walk->stack_high) {
        return;
    }
    if (page < walk->stack_low && walk->stack_low - page < SAME_STACK_BYTES) {
        walk->stack_low = page;
        return;
    }
    walk->stack_low = page;
    walk->stack_high = page + PAGE_BYTES;
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

static struct cfi_rule walk_look_up(struct walk *walk, uintptr_t address, bool may_learn)
{
    struct walk_rule *slot = &walk->rules[(address ^ address >> 13) & (WALK_RULES - 1)];
    if (__builtin_expect(slot->address == address, 1)) {
        return slot->rule;
    }
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

#if defined(__x86_64__)
/* Leaves a signal handler: the registers of the interrupted code lie in the frame. */
static bool walk_leave_signal(struct walk *walk, uintptr_t *ip, uintptr_t *sp, uintptr_t *fp)
{
    uintptr_t registers = *sp + offsetof(ucontext_t, uc_mcontext.gregs);
    return walk_read(walk, registers + REG_RIP * sizeof(greg_t), ip) &&
           walk_read(walk, registers + REG_RBP * sizeof(greg_t), fp) &&
           walk_read(walk, registers + REG_RSP * sizeof(greg_t), sp);
}
#else
static bool walk_leave_signal(struct walk *walk, uintptr_t *ip, uintptr_t *sp, uintptr_t *fp)
{
    (void)walk, (void)ip, (void)sp, (void)fp;
    return false;
}
#endif

/* From one frame to its caller's. False: the stack cannot be read, or does not lead outward. */
static inline bool walk_step(struct walk *walk, struct cfi_rule rule, uintptr_t *ip, uintptr_t *sp,
                             uintptr_t *fp)
{
    uintptr_t cfa = (rule.kind == CFI_FROM_SP ? *sp : *fp) + (uintptr_t)(intptr_t)rule.cfa_offset;
    if (rule.kind == CFI_FROM_FP_SLOT && !walk_read(walk, cfa, &cfa)) {
        return false;
    }
    if (cfa <= *sp || !walk_read(walk, cfa - 8, ip)) {
        return false;
    }
    if (rule.saved_fp != CFI_FP_UNCHANGED) {
        uintptr_t slot =
            rule.saved_fp == CFI_FP_AT_FP ? *fp : cfa + (uintptr_t)(intptr_t)rule.saved_fp;
        if (!walk_read(walk, slot, fp)) {
            return false;
        }
    }
    *sp = cfa;
    return true;
}

size_t walk_frames(struct walk *walk, uintptr_t *frames, size_t capacity, const void *frame,
                   bool may_learn, bool *out_is_sure)
{
    uint32_t generation = atomic_load_explicit(&stack_generation, memory_order_relaxed);
    if (walk->generation != generation && may_learn) {
        memset(walk->rules, 0, sizeof(walk->rules));
        walk->generation = generation;
    }
    uintptr_t fp = ((const uintptr_t *)frame)[0];
    uintptr_t ip = ((const uintptr_t *)frame)[1];
    uintptr_t sp = (uintptr_t)frame + 2 * sizeof(uintptr_t);
    uintptr_t before_call = 1; /* a return address may stand behind its function's end */
    size_t count = 0;
    walk_enter_stack(walk, sp);
    *out_is_sure = true;
    for (;;) {
        frames[count++] = ip;
        if (count == capacity) {
            return count;
        }
        struct cfi_rule rule = walk_look_up(walk, ip - before_call, may_learn);
        before_call = 1;
        if (rule.kind == CFI_END) {
            return count;
        }
        if (rule.kind == CFI_UNKNOWN) {
            *out_is_sure = false;
            return count;
        }
        if (rule.kind == CFI_SIGNAL) {
            before_call = 0;
            if (!walk_leave_signal(walk, &ip, &sp, &fp)) {
                return count;
            }
        } else if (!walk_step(walk, rule, &ip, &sp, &fp)) {
            return count;
        }
        if (ip == 0) {
            return count;
        }
    }
}

size_t walk_frame_pointers(struct walk *walk, uintptr_t *frames, size_t capacity,
                           const void *frame)
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
