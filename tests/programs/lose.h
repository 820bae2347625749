/*
 * lose.h - blocks that nothing points to any more, for programs that leak on purpose.
 */
#include <stddef.h>
#include <stdlib.h>

/* What lost blocks have left on the stack and in registers. */
static __attribute__((noinline)) void clear_stack(void)
{
    volatile char bytes[16384];
    for (size_t i = 0; i < sizeof(bytes); i++) {
        bytes[i] = 0;
    }
}

/* Of 100 bytes each. */
static __attribute__((noinline)) void lose(int count)
{
    static void *volatile lost;
    for (int i = 0; i < count; i++) {
        lost = malloc(100);
    }
    lost = NULL;
    clear_stack();
}
