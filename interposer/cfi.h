/*
 * cfi.h - how to get from a frame to its caller's, in the few forms that compilers really use.
 */
#ifndef ALLOCAUDIT_CFI_H
#define ALLOCAUDIT_CFI_H

#include <stdint.h>

enum cfi_kind {
    CFI_UNKNOWN = 0,  /* no description, or one beyond these forms: libunwind may know */
    CFI_FROM_SP,      /* canonical frame address (CFA) = stack pointer + offset */
    CFI_FROM_FP,      /* CFA = frame pointer + offset */
    CFI_FROM_FP_SLOT, /* CFA = the word at frame pointer + offset (realigned stacks) */
    CFI_SIGNAL, /* the kernel's signal frame: registers lie in a ucontext at the stack pointer */
    CFI_END,    /* the outermost frame */
};

enum {
    CFI_FP_UNCHANGED = 0,
    CFI_FP_AT_FP = 1, /* saved where the frame pointer itself points (realigned stacks) */
};

/* The return address is always at CFA - 8. */
struct cfi_rule {
    int32_t cfa_offset;
    int16_t saved_fp; /* offset from the CFA (negative), or one of the constants above */
    uint8_t kind;     /* enum cfi_kind */
    uint8_t padding;
};

/* The rule for the instruction at `address` (for a return address: that address - 1). */
struct cfi_rule cfi_find(uintptr_t address);

#endif
