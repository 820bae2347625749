/*
 * stack_switch.c - assembly that changes to a stack of its own and back: one way it says how to
 * unwind across, the other way it ends the stack there.
 */
#include <stdlib.h>
#include <sys/mman.h>

void switch_and_link(void *top, void (*function)(void));
void switch_and_end(void *top, void (*function)(void));

__asm__(".text\n"
        ".type switch_and_link, @function\n"
        "switch_and_link:\n"
        "    .cfi_startproc\n"
        "    pushq %rbp\n"
        "    .cfi_def_cfa_offset 16\n"
        "    .cfi_offset rbp, -16\n"
        "    movq %rsp, %rbp\n"
        "    .cfi_def_cfa_register rbp\n"
        "    movq %rdi, %rsp\n"
        "    call *%rsi\n"
        "    movq %rbp, %rsp\n"
        "    popq %rbp\n"
        "    .cfi_def_cfa rsp, 8\n"
        "    ret\n"
        "    .cfi_endproc\n"
        ".size switch_and_link, . - switch_and_link\n"
        ".type switch_and_end, @function\n"
        "switch_and_end:\n"
        "    .cfi_startproc\n"
        "    .cfi_undefined rip\n"
        "    pushq %rbp\n"
        "    movq %rsp, %rbp\n"
        "    movq %rdi, %rsp\n"
        "    call *%rsi\n"
        "    movq %rbp, %rsp\n"
        "    popq %rbp\n"
        "    ret\n"
        "    .cfi_endproc\n"
        ".size switch_and_end, . - switch_and_end\n");

enum {
    STACK_BYTES = 65536
};

static void take_linked(void)
{
    free(malloc(21));
}

static void take_ended(void)
{
    free(malloc(22));
}

int main(void)
{
    char *stack = mmap(NULL, (size_t)2 * STACK_BYTES, PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (stack == MAP_FAILED) {
        return 3;
    }
    for (int i = 0; i < 10; i++) {
        switch_and_link(stack + STACK_BYTES, take_linked);
        switch_and_end(stack + (size_t)2 * STACK_BYTES, take_ended);
    }
    return 0;
}
