/*
 * smashed_gap.c - allocates on two stacks with unmapped memory between them, then lets a saved
 * frame pointer point into that gap, allocates again and leaves.
 */
#include <alloca.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

void switch_and_end(void *top, void (*function)(void));

__asm__(".text\n"
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
    PART_BYTES = 65536 /* of each stack, and of the gap */
};

static char *low_stack;
static volatile int sink;

static void take(void)
{
    free(malloc(21));
}

static void smash(void)
{
    uintptr_t *frame = __builtin_frame_address(0); /* saved frame pointer, return address */
    free(malloc(22));
    frame[0] = (uintptr_t)low_stack + PART_BYTES + PART_BYTES / 2;
    free(malloc(23));
    _exit(0);
}

static void call_with_frame_pointer(void)
{
    size_t size = (size_t)(200 + sink);
    char *room = alloca(size);
    memset(room, 1, size);
    smash();
    sink += room[3];
}

int main(void)
{
    low_stack = mmap(NULL, (size_t)3 * PART_BYTES, PROT_READ | PROT_WRITE,
                     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (low_stack == MAP_FAILED || munmap(low_stack + PART_BYTES, PART_BYTES) != 0) {
        return 2;
    }
    switch_and_end(low_stack + (size_t)3 * PART_BYTES, take);
    switch_and_end(low_stack + PART_BYTES, call_with_frame_pointer);
    return 3;
}
