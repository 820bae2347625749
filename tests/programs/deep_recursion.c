/*
 * deep_recursion.c - 2000 frames of varying size (alloca), an allocation at every 100th.
 */
#include <alloca.h>
#include <stdlib.h>
#include <string.h>

static void *volatile sink;

static int descend(int depth)
{
    size_t size = (size_t)(16 + depth * 37 % 512);
    char *room = alloca(size);
    memset(room, depth, size);
    if (depth % 100 == 0) {
        sink = malloc(43);
    }
    return depth == 0 ? room[0] : descend(depth - 1) + room[size - 1];
}

int main(void)
{
    return descend(2000) == -1;
}
