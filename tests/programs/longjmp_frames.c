/*
 * longjmp_frames.c - leaves deep frames by longjmp; what follows must show the right callers.
 */
#include <setjmp.h>
#include <stdlib.h>

static jmp_buf target;
static void *volatile sink;
static volatile int is_jumping = 1;

static void dive(int depth)
{
    sink = malloc(41);
    if (depth > 0) {
        dive(depth - 1);
    } else if (is_jumping) {
        longjmp(target, 1);
    }
}

static void after_jump(void)
{
    sink = malloc(42);
}

int main(void)
{
    for (volatile int i = 0; i < 100; i++) {
        if (setjmp(target) == 0) {
            dive(20);
        }
        after_jump();
    }
    return 0;
}
