/*
 * frame_entry.c - where stubs of functions named as ends of frames jump to
 * (schema/frame_symbols.h). x86-64 only.
 */
#include "frame_symbol.h"

#if defined(__x86_64__)

#    include <cpuid.h>
#    include <stdatomic.h>

enum {
    FRAME_LEGACY_BYTES = 512, /* FXSAVE */
    FRAME_HEADER_END = 576,   /* XSAVE without extensions */
    FRAME_STATE_MASK = 0xee,  /* xmm, ymm, bounds, masks, zmm: all that arguments may lie in */
};

/* For FXSAVE exactly FRAME_LEGACY_BYTES. 0: not known yet. */
__attribute__((visibility("hidden"))) _Atomic uint32_t frame_state_bytes;

/* Integers only, and a loop around an instruction: no vector register is touched, as the caller
 * requires, which has not saved them yet. */
__attribute__((noinline)) void frame_symbol_prepare(void)
{
    uint32_t a;
    uint32_t b;
    uint32_t c;
    uint32_t d;
    uint32_t bytes = FRAME_LEGACY_BYTES;
    __cpuid(0, a, b, c, d);
    uint32_t leaf_max = a;
    __cpuid(1, a, b, c, d);
    if (leaf_max >= 0xd && (c & bit_OSXSAVE) != 0) {
        bytes = FRAME_HEADER_END;
        for (uint32_t i = 2; i < 8; i++) {
            __cpuid_count(0xd, i, a, b, c, d);
            if ((FRAME_STATE_MASK >> i & 1) != 0 && a != 0 && a + b > bytes) {
                bytes = a + b;
            }
        }
    }
    atomic_store_explicit(&frame_state_bytes, bytes, memory_order_relaxed);
}

/*
 * Saves every register that may hold an argument, the number of vector ones (al) and the static
 * chain (r10) among them; what a function must preserve, frame_symbol_called() does.
 */
__asm__(".text\n"
        ".p2align 4\n"
        ".globl allocaudit_frame_entry\n"
        ".type allocaudit_frame_entry, @function\n"
        "allocaudit_frame_entry:\n"
        "    .cfi_startproc\n"
        "    endbr64\n"
        "    pushq %rbp\n"
        "    .cfi_def_cfa_offset 16\n"
        "    .cfi_offset %rbp, -16\n"
        "    movq %rsp, %rbp\n"
        "    .cfi_def_cfa_register %rbp\n"
        "    pushq %rax\n"
        "    pushq %rdi\n"
        "    pushq %rsi\n"
        "    pushq %rdx\n"
        "    pushq %rcx\n"
        "    pushq %r8\n"
        "    pushq %r9\n"
        "    pushq %r10\n"
        "    pushq %r11\n"
        "    subq $8, %rsp\n"
        "    movl frame_state_bytes(%rip), %eax\n"
        "    testl %eax, %eax\n"
        "    jne 1f\n"
        "    call frame_symbol_prepare\n"
        "    movl frame_state_bytes(%rip), %eax\n"
        "1:  subq %rax, %rsp\n"
        "    andq $-64, %rsp\n"
        "    xorl %edx, %edx\n"
        "    cmpl $512, %eax\n"
        "    je 2f\n"
        "    movq %rdx, 512(%rsp)\n"
        "    movq %rdx, 520(%rsp)\n"
        "    movq %rdx, 528(%rsp)\n"
        "    movq %rdx, 536(%rsp)\n"
        "    movq %rdx, 544(%rsp)\n"
        "    movq %rdx, 552(%rsp)\n"
        "    movq %rdx, 560(%rsp)\n"
        "    movq %rdx, 568(%rsp)\n"
        "    movl $0xee, %eax\n"
        "    xsave64 (%rsp)\n"
        "    movq -72(%rbp), %rdi\n"
        "    movq 8(%rbp), %rsi\n"
        "    call frame_symbol_called\n"
        "    movq %rax, -72(%rbp)\n"
        "    movl $0xee, %eax\n"
        "    xorl %edx, %edx\n"
        "    xrstor64 (%rsp)\n"
        "    jmp 3f\n"
        "2:  fxsave64 (%rsp)\n"
        "    movq -72(%rbp), %rdi\n"
        "    movq 8(%rbp), %rsi\n"
        "    call frame_symbol_called\n"
        "    movq %rax, -72(%rbp)\n"
        "    fxrstor64 (%rsp)\n"
        "3:  leaq -72(%rbp), %rsp\n"
        "    popq %r11\n"
        "    popq %r10\n"
        "    popq %r9\n"
        "    popq %r8\n"
        "    popq %rcx\n"
        "    popq %rdx\n"
        "    popq %rsi\n"
        "    popq %rdi\n"
        "    popq %rax\n"
        "    popq %rbp\n"
        "    .cfi_def_cfa %rsp, 8\n"
        "    .cfi_restore %rbp\n"
        "    jmp *%r11\n"
        "    .cfi_endproc\n"
        ".size allocaudit_frame_entry, . - allocaudit_frame_entry\n");

#endif
