#include "cfi.h"

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include "eh_frame.h"

#include "banned.h"

#if defined(__x86_64__)

enum {
    REGISTER_FP = 6,
    REGISTER_SP = 7,
    REGISTER_RETURN = 16,
    STATES_MAX = 8,
};

enum {
    OP_ADVANCE = 0x40,
    OP_OFFSET = 0x80,
    OP_RESTORE = 0xc0,
    OP_HIGH = 0xc0,
    OP_NOP = 0x00,
    OP_SET_LOCATION = 0x01,
    OP_ADVANCE1 = 0x02,
    OP_ADVANCE2 = 0x03,
    OP_ADVANCE4 = 0x04,
    OP_OFFSET_EXTENDED = 0x05,
    OP_RESTORE_EXTENDED = 0x06,
    OP_UNDEFINED = 0x07,
    OP_SAME_VALUE = 0x08,
    OP_REGISTER = 0x09,
    OP_REMEMBER = 0x0a,
    OP_RESTORE_STATE = 0x0b,
    OP_DEF_CFA = 0x0c,
    OP_DEF_CFA_REGISTER = 0x0d,
    OP_DEF_CFA_OFFSET = 0x0e,
    OP_DEF_CFA_EXPRESSION = 0x0f,
    OP_EXPRESSION = 0x10,
    OP_OFFSET_EXTENDED_SF = 0x11,
    OP_DEF_CFA_SF = 0x12,
    OP_DEF_CFA_OFFSET_SF = 0x13,
    OP_VAL_OFFSET = 0x14,
    OP_VAL_OFFSET_SF = 0x15,
    OP_VAL_EXPRESSION = 0x16,
    OP_GNU_ARGS_SIZE = 0x2e,
    EXPRESSION_FP = 0x76,    /* DW_OP_breg6 */
    EXPRESSION_DEREF = 0x06, /* DW_OP_deref */
    PLT_ENTRY_MASK = 15,
    PLT_LITERAL_AT = 6, /* in plt_expression: DW_OP_litN, where N is the entry's push's end */
    PLT_LITERAL_0 = 0x30,
};

/*
 * How linkers describe .plt: an entry pushes a word in its middle, so that the CFA is
 * SP + 8 + ((IP & 15) >= N ? 8 : 0).
 */
static const uint8_t plt_expression[] = {0x77, 0x08, 0x80, 0x00, 0x3f, 0x1a,
                                         0x3b, 0x2a, 0x33, 0x24, 0x22};

enum saved {
    SAVED_NOT, /* the caller's value is still in the register */
    SAVED_AT,  /* at CFA + offset */
    SAVED_AT_FP,
    SAVED_UNDEFINED,
    SAVED_OTHERWISE,
};

/* Of all registers only these matter for finding return addresses. */
struct state {
    uint64_t cfa_register;
    int64_t cfa_offset;
    bool is_cfa_slot;    /* the CFA is stored at cfa_register + cfa_offset */
    bool is_cfa_unknown; /* an expression beyond that */
    enum saved fp;
    int64_t fp_offset;
    enum saved ra;
    int64_t ra_offset;
};

struct machine {
    const struct eh_frame *frame;
    struct state now;
    struct state initial; /* after the common instructions: what OP_RESTORE goes back to */
    struct state kept[STATES_MAX];
    unsigned kept_count;
    uintptr_t location;
    uintptr_t address; /* whose rule is wanted */
    bool is_bad;
};

static void set_saved(struct state *state, uint64_t number, enum saved saved, int64_t offset)
{
    if (number == REGISTER_FP) {
        state->fp = saved;
        state->fp_offset = offset;
    } else if (number == REGISTER_RETURN) {
        state->ra = saved;
        state->ra_offset = offset;
    }
}

static void restore(struct machine *machine, uint64_t number)
{
    if (number == REGISTER_FP) {
        machine->now.fp = machine->initial.fp;
        machine->now.fp_offset = machine->initial.fp_offset;
    } else if (number == REGISTER_RETURN) {
        machine->now.ra = machine->initial.ra;
        machine->now.ra_offset = machine->initial.ra_offset;
    }
}

/* "the word at FP + n" is how GCC describes a frame whose stack it has realigned. */
static void define_by_expression(struct state *state, const uint8_t *at, uint64_t bytes)
{
    const uint8_t *end = at + bytes;
    state->is_cfa_unknown = true;
    if (bytes >= 3 && *at++ == EXPRESSION_FP) {
        int64_t offset = eh_frame_sleb(&at, end);
        if (at + 1 == end && *at == EXPRESSION_DEREF) {
            state->cfa_register = REGISTER_FP;
            state->cfa_offset = offset;
            state->is_cfa_slot = true;
            state->is_cfa_unknown = false;
        }
    }
}

static bool is_plt_expression(const uint8_t *at, uint64_t bytes)
{
    return bytes == sizeof(plt_expression) && memcmp(at, plt_expression, PLT_LITERAL_AT) == 0 &&
           memcmp(at + PLT_LITERAL_AT + 1, plt_expression + PLT_LITERAL_AT + 1,
                  sizeof(plt_expression) - PLT_LITERAL_AT - 1) == 0;
}

static enum saved saved_by_expression(const uint8_t *at, uint64_t bytes)
{
    return bytes == 2 && at[0] == EXPRESSION_FP && at[1] == 0 ? SAVED_AT_FP : SAVED_OTHERWISE;
}

static void define_cfa(struct state *state, uint64_t number, int64_t offset)
{
    state->cfa_register = number;
    state->cfa_offset = offset;
    state->is_cfa_slot = false;
    state->is_cfa_unknown = false;
}

static void keep_or_bring_back(struct machine *machine, uint8_t op)
{
    if (op == OP_REMEMBER && machine->kept_count < STATES_MAX) {
        machine->kept[machine->kept_count++] = machine->now;
    } else if (op == OP_RESTORE_STATE && machine->kept_count > 0) {
        machine->now = machine->kept[--machine->kept_count];
    } else {
        machine->is_bad = true;
    }
}

static void run_saving(struct machine *machine, uint8_t op, const uint8_t **at, const uint8_t *end)
{
    int64_t factor = machine->frame->data_factor;
    uint64_t number = eh_frame_uleb(at, end);
    switch (op) {
    case OP_OFFSET_EXTENDED:
        set_saved(&machine->now, number, SAVED_AT, (int64_t)eh_frame_uleb(at, end) * factor);
        break;
    case OP_OFFSET_EXTENDED_SF:
        set_saved(&machine->now, number, SAVED_AT, eh_frame_sleb(at, end) * factor);
        break;
    case OP_RESTORE_EXTENDED:
        restore(machine, number);
        break;
    case OP_UNDEFINED:
        set_saved(&machine->now, number, SAVED_UNDEFINED, 0);
        break;
    case OP_SAME_VALUE:
        set_saved(&machine->now, number, SAVED_NOT, 0);
        break;
    case OP_EXPRESSION:
    case OP_VAL_EXPRESSION: {
        uint64_t bytes = eh_frame_uleb(at, end);
        set_saved(&machine->now, number,
                  op == OP_EXPRESSION ? saved_by_expression(*at, bytes) : SAVED_OTHERWISE, 0);
        *at += bytes;
        break;
    }
    default: /* OP_REGISTER, OP_VAL_OFFSET, OP_VAL_OFFSET_SF */
        (void)eh_frame_uleb(at, end);
        set_saved(&machine->now, number, SAVED_OTHERWISE, 0);
        break;
    }
}

static void run_defining(struct machine *machine, uint8_t op, const uint8_t **at,
                         const uint8_t *end)
{
    struct state *state = &machine->now;
    int64_t factor = machine->frame->data_factor;
    switch (op) {
    case OP_DEF_CFA: {
        uint64_t number = eh_frame_uleb(at, end);
        define_cfa(state, number, (int64_t)eh_frame_uleb(at, end));
        break;
    }
    case OP_DEF_CFA_SF: {
        uint64_t number = eh_frame_uleb(at, end);
        define_cfa(state, number, eh_frame_sleb(at, end) * factor);
        break;
    }
    case OP_DEF_CFA_REGISTER:
        define_cfa(state, eh_frame_uleb(at, end), state->cfa_offset);
        break;
    case OP_DEF_CFA_OFFSET:
        define_cfa(state, state->cfa_register, (int64_t)eh_frame_uleb(at, end));
        break;
    case OP_DEF_CFA_OFFSET_SF:
        define_cfa(state, state->cfa_register, eh_frame_sleb(at, end) * factor);
        break;
    default: { /* OP_DEF_CFA_EXPRESSION */
        uint64_t bytes = eh_frame_uleb(at, end);
        if (is_plt_expression(*at, bytes)) {
            uint8_t pushed_from = (uint8_t)((*at)[PLT_LITERAL_AT] - PLT_LITERAL_0);
            bool has_pushed = (machine->address & PLT_ENTRY_MASK) >= pushed_from;
            define_cfa(state, REGISTER_SP, has_pushed ? 16 : 8);
        } else {
            define_by_expression(state, *at, bytes);
        }
        *at += bytes;
        break;
    }
    }
}

static void advance(struct machine *machine, uint8_t op, const uint8_t **at)
{
    uint64_t delta = 0;
    size_t bytes = op == OP_ADVANCE1 ? 1 : op == OP_ADVANCE2 ? 2 : 4;
    memcpy(&delta, *at, bytes);
    *at += bytes;
    machine->location += delta * machine->frame->code_factor;
}

/* Runs until the instructions are used up or the next would be for code behind the address. */
static void run(struct machine *machine, const uint8_t *at, const uint8_t *end)
{
    const struct eh_frame *frame = machine->frame;
    while (at < end && !machine->is_bad) {
        uint8_t op = *at++;
        uint8_t low = op & 0x3f;
        if ((op & OP_HIGH) == OP_ADVANCE) {
            machine->location += low * frame->code_factor;
        } else if ((op & OP_HIGH) == OP_OFFSET) {
            set_saved(&machine->now, low, SAVED_AT,
                      (int64_t)eh_frame_uleb(&at, end) * frame->data_factor);
        } else if ((op & OP_HIGH) == OP_RESTORE) {
            restore(machine, low);
        } else if (op >= OP_ADVANCE1 && op <= OP_ADVANCE4) {
            advance(machine, op, &at);
        } else if (op == OP_REMEMBER || op == OP_RESTORE_STATE) {
            keep_or_bring_back(machine, op);
        } else if ((op >= OP_DEF_CFA && op <= OP_DEF_CFA_EXPRESSION) || op == OP_DEF_CFA_SF ||
                   op == OP_DEF_CFA_OFFSET_SF) {
            run_defining(machine, op, &at, end);
        } else if (op >= OP_OFFSET_EXTENDED && op <= OP_VAL_EXPRESSION) {
            run_saving(machine, op, &at, end);
        } else if (op == OP_GNU_ARGS_SIZE) {
            (void)eh_frame_uleb(&at, end);
        } else if (op != OP_NOP) {
            machine->is_bad = true;
        }
        if (machine->location > machine->address) {
            return;
        }
    }
}

static struct cfi_rule make_rule(const struct state *state)
{
    struct cfi_rule rule = {.kind = CFI_UNKNOWN};
    if (state->ra == SAVED_UNDEFINED) {
        rule.kind = CFI_END;
        return rule;
    }
    bool is_plain = state->ra == SAVED_AT && state->ra_offset == -8 && !state->is_cfa_unknown &&
                    state->cfa_offset >= INT32_MIN && state->cfa_offset <= INT32_MAX;
    switch (state->fp) {
    case SAVED_NOT:
        rule.saved_fp = CFI_FP_UNCHANGED;
        break;
    case SAVED_AT:
        is_plain = is_plain && state->fp_offset < 0 && state->fp_offset >= INT16_MIN;
        rule.saved_fp = (int16_t)state->fp_offset;
        break;
    case SAVED_AT_FP:
        rule.saved_fp = CFI_FP_AT_FP;
        break;
    default:
        is_plain = false;
        break;
    }
    if (is_plain && state->cfa_register == REGISTER_SP) {
        rule.kind = CFI_FROM_SP;
    } else if (is_plain && state->cfa_register == REGISTER_FP) {
        rule.kind = state->is_cfa_slot ? CFI_FROM_FP_SLOT : CFI_FROM_FP;
    }
    rule.cfa_offset = (int32_t)state->cfa_offset;
    return rule;
}

/* mov $15, %rax; syscall: what every handler returns to. */
static bool is_signal_return(uintptr_t address)
{
    static const uint8_t code[] = {0x48, 0xc7, 0xc0, 0x0f, 0x00, 0x00, 0x00, 0x0f, 0x05};
    return memcmp((const void *)address, code, sizeof(code)) == 0;
}

/*
 * A return address that is the first byte of a function, with nothing described before it, was not
 * left by a call: makecontext and its like put it below the outermost frame of a coroutine.
 */
static bool is_laid_by_hand(uintptr_t address)
{
    struct eh_frame next;
    return eh_frame_find(address + 1, &next) && next.start == address + 1;
}

struct cfi_rule cfi_find(uintptr_t address)
{
    struct eh_frame frame;
    if (!eh_frame_find(address, &frame)) {
        bool is_end = eh_frame_is_loader(address) || is_laid_by_hand(address);
        return (struct cfi_rule){.kind = is_end ? CFI_END : CFI_UNKNOWN};
    }
    if (frame.is_signal_frame) {
        /* The description starts one byte early, for return addresses that had 1 subtracted. */
        bool is_known = is_signal_return(address + 1) || is_signal_return(address);
        return (struct cfi_rule){.kind = is_known ? CFI_SIGNAL : CFI_UNKNOWN};
    }
    if (frame.return_register != REGISTER_RETURN) {
        return (struct cfi_rule){.kind = CFI_UNKNOWN};
    }
    struct machine machine = {.frame = &frame, .location = frame.start, .address = address};
    run(&machine, frame.common, frame.common_end);
    machine.initial = machine.now;
    run(&machine, frame.own, frame.own_end);
    return machine.is_bad ? (struct cfi_rule){.kind = CFI_UNKNOWN} : make_rule(&machine.now);
}

#else

struct cfi_rule cfi_find(uintptr_t address)
{
    (void)address;
    return (struct cfi_rule){.kind = CFI_UNKNOWN};
}

#endif
