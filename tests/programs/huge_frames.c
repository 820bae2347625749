/*
 * huge_frames.c - frames of 1 MiB each, five deep.
 */
#include <stdlib.h>
#include <string.h>

static void *volatile sink;

static int descend(int depth)
{
    char room[1 << 20];
    memset(room, depth, sizeof(room));
    sink = malloc(44);
    return depth == 1 ? room[0] : descend(depth - 1) + room[sizeof(room) - 1];
}

int main(void)
{
    return descend(5) == 0;
}
