/*
 * smashed_stack.c - children that overwrite what a walk of their stack goes by (the saved return
 * address, the saved frame pointer, or everything further out) with all kinds of values, allocate,
 * and leave without returning. Fails if one of them dies of it.
 */
#include <alloca.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
    PAGE_BYTES = 4096,
    WAYS = 4
};

static uintptr_t edge; /* behind it nothing is mapped */
static volatile int sink;

static void smash(unsigned way, uintptr_t value)
{
    uintptr_t *frame = __builtin_frame_address(0); /* saved frame pointer, return address */
    if (way == 0) {
        frame[1] = value;
    } else if (way == 1) {
        frame[0] = value;
    } else if (way == 2) {
        frame[0] = value;
        frame[1] = value;
    } else {
        for (int i = 2; i < 80; i++) {
            frame[i] = value;
        }
    }
    for (int i = 0; i < 3; i++) {
        free(malloc(66));
    }
    _exit(0);
}

static void call_with_frame_pointer(unsigned way, uintptr_t value)
{
    char *room = alloca(700 + way);
    memset(room, 1, 700);
    smash(way, value);
    sink += room[3];
}

static int is_survived(unsigned way, uintptr_t value)
{
    int status = 0;
    pid_t child = fork();
    if (child == 0) {
        call_with_frame_pointer(way, value);
    }
    return child > 0 && waitpid(child, &status, 0) == child && status == 0;
}

int main(void)
{
    char *pages =
        mmap(NULL, 3 * PAGE_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (pages == MAP_FAILED) {
        return 2;
    }
    munmap(pages + PAGE_BYTES, PAGE_BYTES);
    edge = (uintptr_t)pages + PAGE_BYTES;
    uintptr_t here = (uintptr_t)&pages;
    const uintptr_t values[] = {
        0,
        1,
        8,
        UINTPTR_MAX,
        UINTPTR_MAX - 7,
        UINT64_C(0x4141414141414141),
        UINT64_C(0x0000800000000000),
        UINT64_C(0xffffffff81000000),
        UINT64_C(0xffffffffff600000),
        UINT64_C(0x00007ffffffff000),
        edge - 8,
        edge - 16,
        edge - 1,
        edge,
        edge + 16,
        edge + PAGE_BYTES,
        here & ~(uintptr_t)15,
        here | 5,
        here - 4096,
        here + (1 << 20),
        (uintptr_t)main,
        (uintptr_t)main + 1,
        (uintptr_t)smash,
        (uintptr_t)malloc,
    };
    for (unsigned way = 0; way < WAYS; way++) {
        for (unsigned i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
            if (!is_survived(way, values[i])) {
                return (int)(10 + way * sizeof(values) / sizeof(values[0]) + i);
            }
        }
    }
    return 0;
}
