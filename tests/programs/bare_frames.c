/*
 * bare_frames.c - allocates below code without unwind data: assembly that does not describe itself,
 * with and without a frame pointer, and code made at run time, twice at one address.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

void call_bare(void (*function)(void));
void call_bare_with_frame(void (*function)(void));

__asm__(".text\n"
        ".type call_bare, @function\n"
        "call_bare:\n"
        "    subq $24, %rsp\n"
        "    call *%rdi\n"
        "    addq $24, %rsp\n"
        "    ret\n"
        "    nop\n"
        ".size call_bare, . - call_bare\n"
        ".type call_bare_with_frame, @function\n"
        "call_bare_with_frame:\n"
        "    pushq %rbp\n"
        "    movq %rsp, %rbp\n"
        "    call *%rdi\n"
        "    popq %rbp\n"
        "    ret\n"
        "    nop\n"
        ".size call_bare_with_frame, . - call_bare_with_frame\n");

static void *volatile sink;

static void take_bare(void)
{
    sink = malloc(31);
}

static void take_bare_with_frame(void)
{
    sink = malloc(32);
}

static void take_made(void)
{
    sink = malloc(33);
}

static int run_made(void)
{
    static const unsigned char small[] = {0x48, 0x83, 0xec, 0x08, 0xff, 0xd7, /* sub 8; call rdi */
                                          0x48, 0x83, 0xc4, 0x08, 0xc3};      /* add 8; ret */
    static const unsigned char large[] = {0x48, 0x83, 0xec, 0x78, 0xff, 0xd7,
                                          0x48, 0x83, 0xc4, 0x78, 0xc3};
    unsigned char *code =
        mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (code == MAP_FAILED) {
        return 3;
    }
    void (*call)(void (*function)(void));
    memcpy(&call, &code, sizeof(call));
    for (int i = 0; i < 10; i++) {
        memcpy(code, i < 5 ? small : large, sizeof(small));
        call(take_made);
    }
    return 0;
}

int main(void)
{
    for (int i = 0; i < 10; i++) {
        call_bare(take_bare);
        call_bare_with_frame(take_bare_with_frame);
    }
    return run_made();
}
