/*
 * control_loop.c - a control loop, where no single step may take long.
 *
 * Each tick reads a few sensor messages, puts some of them into a history for later ticks, makes a
 * plan in place of the last, and now and then a map tile. The calls are the same in every run, so
 * that the times of one call in several runs can be compared: the least of them is what it takes
 * when nothing else on the machine comes between.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "../options.h"

enum {
    MESSAGES = 6,    /* of a tick */
    HISTORY = 600,   /* messages that stay */
    PLAN_EVERY = 10, /* ticks */
    TILE_EVERY = 50, /* ticks */
    TILES = 8,       /* that are there at a time */
    CALLS_PER_TICK = 16,
    TICKS_MAX = 10000000,
};

struct message {
    uint32_t sensor;
    uint32_t size_bytes;
    char payload[];
};

struct loop {
    struct message *history[HISTORY];
    char *tiles[TILES];
    char *plan;
    uint32_t *calls_ns; /* how long each call took; NULL: they are not timed */
    size_t call_count;
    uint64_t allocation_count;
    uint64_t checksum;
    uint32_t random;
};

static uint64_t now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

static uint32_t draw(struct loop *loop, uint32_t from, uint32_t to)
{
    loop->random = loop->random * 1664525u + 1013904223u;
    return from + (loop->random >> 8) % (to - from + 1);
}

static void *take(struct loop *loop, size_t size_bytes)
{
    uint64_t began_ns = loop->calls_ns != NULL ? now_ns() : 0;
    void *block = malloc(size_bytes);
    if (loop->calls_ns != NULL) {
        loop->calls_ns[loop->call_count++] = (uint32_t)(now_ns() - began_ns);
    }
    if (block == NULL) {
        fputs("control_loop: out of memory\n", stderr);
        exit(3);
    }
    loop->allocation_count++;
    return block;
}

static void give(struct loop *loop, void *block)
{
    uint64_t began_ns = loop->calls_ns != NULL ? now_ns() : 0;
    free(block);
    if (loop->calls_ns != NULL) {
        loop->calls_ns[loop->call_count++] = (uint32_t)(now_ns() - began_ns);
    }
}

static struct message *message_read(struct loop *loop)
{
    uint32_t size_bytes = draw(loop, 32, 400);
    struct message *message = take(loop, sizeof(*message) + size_bytes);
    *message = (struct message){.sensor = draw(loop, 0, 31), .size_bytes = size_bytes};
    memset(message->payload, 'm', size_bytes);
    return message;
}

/* One in three messages stays, in place of an older one. */
static void message_handle(struct loop *loop, struct message *message)
{
    loop->checksum += message->sensor + (unsigned char)message->payload[message->size_bytes - 1];
    if (draw(loop, 0, 2) == 0) {
        uint32_t place = draw(loop, 0, HISTORY - 1);
        struct message *old = loop->history[place];
        loop->history[place] = message;
        message = old;
    }
    if (message != NULL) {
        give(loop, message);
    }
}

static char *block_renew(struct loop *loop, char *old, uint32_t size_bytes)
{
    char *block = take(loop, size_bytes);
    memset(block, 'b', size_bytes);
    loop->checksum += (unsigned char)block[size_bytes / 2];
    if (old != NULL) {
        give(loop, old);
    }
    return block;
}

static void tick(struct loop *loop, uint64_t number)
{
    struct message *messages[MESSAGES];
    for (int i = 0; i < MESSAGES; i++) {
        messages[i] = message_read(loop);
    }
    for (int i = 0; i < MESSAGES; i++) {
        message_handle(loop, messages[i]);
    }
    if (number % PLAN_EVERY == 0) {
        loop->plan = block_renew(loop, loop->plan, draw(loop, 2000, 12000));
    }
    if (number % TILE_EVERY == 0) {
        uint32_t place = draw(loop, 0, TILES - 1);
        loop->tiles[place] = block_renew(loop, loop->tiles[place], draw(loop, 16000, 60000));
    }
}

static void loop_end(struct loop *loop)
{
    for (int i = 0; i < HISTORY; i++) {
        free(loop->history[i]);
    }
    for (int i = 0; i < TILES; i++) {
        free(loop->tiles[i]);
    }
    free(loop->plan);
}

static int by_length(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a;
    uint32_t y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

static void print_figures(const struct loop *loop)
{
    size_t count = loop->call_count;
    qsort(loop->calls_ns, count, sizeof(uint32_t), by_length);
    printf("call_ns p50 %u p999 %u worst %u\n", loop->calls_ns[count / 2],
           loop->calls_ns[count - 1 - count / 1000], loop->calls_ns[count - 1]);
}

/* As they were made, 4 bytes each. */
static int write_calls(const struct loop *loop, const char *path)
{
    FILE *file = fopen(path, "wbe");
    size_t count =
        file != NULL ? fwrite(loop->calls_ns, sizeof(uint32_t), loop->call_count, file) : 0;
    if (file == NULL || fclose(file) != 0 || count < loop->call_count) {
        fprintf(stderr, "control_loop: cannot write '%s'\n", path);
        return 3;
    }
    return 0;
}

static const char help[] =
    "control_loop - a control loop, where no single step may take long\n\n"
    "usage: control_loop [--ticks N] [--figures] [--calls FILE]\n"
    "  --ticks N      of the loop (default 20000)\n"
    "  --figures      also print how long calls to malloc and free took (differs from run to "
    "run)\n"
    "  --calls FILE   write how long each took, in ns, as 32-bit numbers\n";

int main(int argc, char **argv)
{
    static struct loop loop = {.random = 1};
    uint64_t tick_count = 20000;
    bool has_figures = false;
    int status = 0;
    const char *calls_path = NULL;
    const struct app_option options[] = {
        {"ticks", .number = &tick_count, .min = 1, .max = TICKS_MAX},
        {"figures", .flag = &has_figures},
        {"calls", .path = &calls_path},
        {NULL},
    };
    app_read_options(argc, argv, help, options);

    uint32_t *calls_ns = NULL;
    if (has_figures || calls_path != NULL) {
        size_t size_bytes = tick_count * CALLS_PER_TICK * sizeof(uint32_t);
        calls_ns = take(&loop, size_bytes);
        memset(calls_ns, 0, size_bytes);
        loop.calls_ns = calls_ns;
    }
    for (uint64_t number = 0; number < tick_count; number++) {
        tick(&loop, number);
    }
    printf("ticks %llu, checksum %llu\n", (unsigned long long)tick_count,
           (unsigned long long)loop.checksum);
    if (calls_path != NULL) {
        status = write_calls(&loop, calls_path);
    }
    if (has_figures) {
        print_figures(&loop);
    }
    printf("allocations: %llu, leaked: 0 blocks, 0 bytes\n",
           (unsigned long long)loop.allocation_count);
    loop_end(&loop);
    free(calls_ns);
    return status;
}
