/*
 * fragmenter.c - long-lived blocks scattered among short-lived ones.
 *
 * Each round takes a batch of short-lived buffers with one small record between every few of them,
 * then frees the buffers and keeps the records. The kept records lie in pages that are otherwise
 * empty, so the process stays large: the heap is free, but it cannot shrink.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../options.h"

enum {
    BATCH_BUFFERS = 256,
    BUFFER_BYTES = 2048,
    BUFFERS_PER_RECORD = 8
};

struct record {
    uint64_t number;
    char text[40];
    struct record *next;
};

struct store {
    struct record *records;
    uint64_t record_count;
    uint64_t buffer_count;
};

static void *not_null(void *block)
{
    if (block == NULL) {
        fputs("fragmenter: out of memory\n", stderr);
        exit(3);
    }
    return block;
}

static void record_keep(struct store *store)
{
    struct record *record = not_null(malloc(sizeof(*record)));
    *record = (struct record){.number = store->record_count, .next = store->records};
    store->records = record;
    store->record_count++;
}

static char *buffer_fill(struct store *store)
{
    char *buffer = not_null(malloc(BUFFER_BYTES));
    memset(buffer, (int)(store->buffer_count & 0xff), BUFFER_BYTES);
    store->buffer_count++;
    return buffer;
}

/* Rounds overlap: a round's buffers are freed only after the next round has taken its own. */
static void round_run(struct store *store, char *buffers[BATCH_BUFFERS])
{
    char *older[BATCH_BUFFERS];
    memcpy(older, buffers, sizeof(older));
    for (int i = 0; i < BATCH_BUFFERS; i++) {
        buffers[i] = buffer_fill(store);
        if (i % BUFFERS_PER_RECORD == BUFFERS_PER_RECORD - 1) {
            record_keep(store);
        }
    }
    for (int i = 0; i < BATCH_BUFFERS; i++) {
        free(older[i]);
    }
}

static uint64_t records_free(struct store *store)
{
    uint64_t sum = 0;
    while (store->records != NULL) {
        struct record *next = store->records->next;
        sum += store->records->number;
        free(store->records);
        store->records = next;
    }
    return sum;
}

static uint64_t resident_kib(void)
{
    FILE *statm = fopen("/proc/self/status", "r");
    char line[128];
    uint64_t kib = 0;
    while (statm != NULL && fgets(line, sizeof(line), statm) != NULL) {
        if (strncmp(line, "VmRSS:", 6) == 0) {
            kib = strtoull(line + 6, NULL, 10);
        }
    }
    if (statm != NULL) {
        fclose(statm);
    }
    return kib;
}

static const char help[] =
    "fragmenter - long-lived records that pin the pages of short-lived buffers\n\n"
    "usage: fragmenter [--rounds N] [--resident]\n"
    "  --rounds N   batches of 256 buffers and 32 records (default 100)\n"
    "  --resident   also print the resident size when only records are left\n"
    "               (takes two blocks more, and differs from run to run)\n";

int main(int argc, char **argv)
{
    uint64_t rounds = 100;
    bool is_resident_wanted = false;
    const struct app_option options[] = {
        {"rounds", .number = &rounds},
        {"resident", .flag = &is_resident_wanted},
        {NULL},
    };
    app_read_options(argc, argv, help, options);

    struct store store = {0};
    char *buffers[BATCH_BUFFERS] = {NULL};
    for (uint64_t i = 0; i < rounds; i++) {
        round_run(&store, buffers);
    }
    for (int i = 0; i < BATCH_BUFFERS; i++) {
        free(buffers[i]);
    }
    uint64_t live_bytes = store.record_count * sizeof(struct record);
    printf("records kept %llu, %llu bytes\n", (unsigned long long)store.record_count,
           (unsigned long long)live_bytes);
    uint64_t allocations = store.record_count + store.buffer_count;
    if (is_resident_wanted) {
        printf("resident %llu KiB\n", (unsigned long long)resident_kib());
        allocations += 2; /* fopen: the stream and its buffer */
    }
    records_free(&store);
    printf("allocations: %llu, leaked: 0 blocks, 0 bytes\n", (unsigned long long)allocations);
    return 0;
}
